"""Scripts about the heart: what happens from a plan to its end, and every way it turns back."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from playbook import FAIL, NEW, OLD, PASS, UNDECIDED, WARM, Story, plan

from pilotage.core import events as e
from pilotage.core.fleet import Phase
from pilotage.core.state import Status
from pilotage.core.steps import Check, Undecided
from pilotage.errors import Problem
from pilotage.strategies.big_bang import BigBang
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.canary import Canary
from pilotage.strategies.feature_flag import FeatureFlag
from pilotage.strategies.parallel_run import ParallelRun
from pilotage.strategies.phased import Phased
from pilotage.strategies.pilot import Pilot
from pilotage.strategies.restore import Restore
from pilotage.strategies.rolling import Rolling

SECOND = timedelta(seconds=1)
CHECK = Check(name="front page", path="/")


def canary(**settings) -> Canary:
    return Canary(**{"steps": ("10%", "50%"), "hold": "10s", "keep_warm": "60s", **settings})


def exposed(**settings) -> Story:
    """A canary whose first share is confirmed."""
    story = Story(plan(canary(**settings)))
    while not story.state.exposed_at:
        story.step()
    return story


ISOLATED = ParallelRun.model_validate(
    {"writes": "isolated", "isolated": {"environment": {"DATA": "{copy}"}}, "sign_off": False, "at_least": "2s"}
)
BERLIN, MUNICH = ({"header": "x-site", "values": [city]} for city in ("berlin", "munich"))
GROUPED = [
    Pilot(who=BERLIN, hold="20s", instances=1, sign_off=False, then=canary(hold="4s", keep_warm="20s")),
    Phased(
        hold="4s",
        keep_warm="20s",
        waves=[
            {"name": "berlin", "who": BERLIN, "how": {"method": "canary", "steps": ["50%"], "hold": "4s"}},
            {"name": "munich", "who": MUNICH, "hold": "8s"},
            {"name": "tenth", "share": "10%"},
            {"name": "all", "how": canary(hold="3s")},
        ],
    ),
]
METHODS = [
    canary(),
    BlueGreen(keep_warm=timedelta(seconds=60)),
    BlueGreen(bake=timedelta(seconds=20), keep_warm=timedelta(seconds=0)),
    Rolling(batch=1, hold=timedelta(seconds=2)),
    Rolling(batch=1, surge=False),
    Rolling(batch=5),
    Rolling(judge=True, hold=timedelta(seconds=5)),
    Rolling(max_unavailable=1, max_surge="25%"),
    Rolling(max_unavailable="50%"),
    BigBang(),
    Restore(),
    FeatureFlag(flag="new-checkout", hold=timedelta(seconds=5)),
    FeatureFlag(flag="new-checkout", hold=timedelta(0), deploy="big-bang", takes_back="version"),
    ParallelRun(at_least=timedelta(seconds=5), sign_off=False),
    ISOLATED,
    *GROUPED,
]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: repr(m)[:60])
@pytest.mark.parametrize("instances", [1, 2, 4])
def test_a_good_version_ends_promoted_and_alone(method, instances):
    story = Story(plan(method, instances=instances, checks=(CHECK,))).run()
    assert story.state.status is Status.SUCCEEDED
    assert story.state.promoted == NEW.id
    assert story.routing.share(NEW.id) == 1_000_000
    assert {i.release for i in story.instances.values()} == {NEW.id}
    assert len(story.instances) == instances


@pytest.mark.parametrize("method", METHODS, ids=lambda m: repr(m)[:60])
def test_abort_at_any_pass_restores_exactly_what_was(method):
    """Guarantee 4, at every pass of every method."""
    length = Story(plan(method, checks=(CHECK,))).run().passes
    for moment in range(0, length, 3):
        story = Story(plan(method, checks=(CHECK,)))
        for _ in range(moment):
            story.step(0.5)
        was_final = story.state.status.final
        story.send(e.Order.ROLLBACK)
        story.run(seconds=600) if not was_final else None
        if was_final:
            continue
        assert story.state.status is Status.ROLLED_BACK
        assert story.routing.revision == story.before.revision
        assert {i.release for i in story.instances.values()} == {OLD.id}
        assert story.flags == {}


def test_a_canary_walks_its_shares():
    story = Story(plan(canary())).run()
    assert story.shares() == [0, 100_000, 500_000, 1_000_000]
    first = next(event for event in story.of("exposed") if event.first)
    assert first.shares == {OLD.id: 900_000, NEW.id: 100_000}


def test_each_share_is_held_as_long_as_the_plan_says():
    story = Story(plan(canary())).run()
    ends = [event.at for event in story.of("step-finished") if story.plan.steps[event.index].kind == "judge"]
    starts = [event.at for event in story.of("step-finished") if story.plan.steps[event.index].kind == "expose"]
    assert all(end - start >= 10 * SECOND for start, end in zip(starts, ends, strict=False))


def test_a_worse_version_is_taken_back_by_the_judge():
    story = Story(plan(canary())).run("exposed")
    story.run("exposed")
    story.verdict = FAIL
    story.run()
    turned = story.of("turned-back")[0]
    assert (turned.cause, turned.why) == (e.Cause.JUDGED, FAIL.why)
    assert story.shares()[-1] == 0
    assert story.state.status is Status.ROLLED_BACK
    assert story.routing.revision == story.before.revision


def test_missing_telemetry_holds_for_ever():
    story = Story(plan(canary()), verdict=None).run("exposed").wait(7200, tick=5)
    assert story.state.status is Status.RUNNING
    assert story.shares()[-1] == 100_000


def test_undecided_in_time_holds_and_says_so_or_rolls_back():
    held = Story(plan(canary(at_most="60s")), verdict=UNDECIDED).run("problem-raised")
    assert held.of("problem-raised")[-1].problem.code == "rollout.undecided"
    held.send(e.Order.PROMOTE)
    held.verdict = PASS
    assert held.run().state.status is Status.SUCCEEDED
    method = canary(at_most="60s", undecided=Undecided.ROLLBACK)
    back = Story(plan(method), verdict=UNDECIDED).run()
    assert back.state.cause is e.Cause.UNDECIDED


def test_a_version_that_never_becomes_healthy_is_taken_back_before_any_user():
    story = Story(plan(canary(ready_within="30s")), sick={NEW.id}).run()
    assert story.state.status is Status.ROLLED_BACK
    assert story.state.cause is e.Cause.UNHEALTHY
    assert story.state.exposed_at is None
    assert set(story.shares()) <= {0}


def test_failed_checks_take_back_before_any_user():
    story = Story(plan(BlueGreen(), checks=(CHECK,)), check_failures={"front page": "answered 500"}).run()
    assert len(story.of("checked")) == 3
    assert "answered 500" in story.of("turned-back")[0].why[1]
    assert story.state.exposed_at is None


def test_a_failed_build_changes_nothing():
    problem = Problem(code="artifact.pip", what="no such package")
    story = Story(plan(canary()), build_problem=problem).run()
    assert story.state.status is Status.ROLLED_BACK
    assert story.stopped == []
    assert story.routing == story.before


def test_the_router_refuses_and_nothing_changes():
    story = Story(plan(canary()), refuses=Problem(code="router.refused", what="unknown field"))
    story.run("turned-back")
    assert story.routing == story.before


def test_a_deaf_router_is_never_believed():
    story = Story(plan(canary()), deaf=True).run("turned-back", seconds=600)
    assert story.routing == story.before
    assert story.state.exposed_at is None


def test_a_new_version_that_dies_is_taken_back():
    story = Story(plan(canary())).run("exposed")
    story.run("exposed")
    story.verdict, story.sick = None, {NEW.id}
    story.set_phase(NEW.id, Phase.CRASHED)
    story.run()
    assert story.state.cause is e.Cause.UNHEALTHY
    assert story.routing.revision == story.before.revision


def test_an_old_version_that_dies_holds_the_canary_and_blames_nobody():
    story = exposed()
    story.set_phase(OLD.id, Phase.CRASHED)
    story.wait(60)
    assert story.state.status is Status.RUNNING
    assert not story.state.back
    assert story.of("problem-raised")[-1].problem.code == "rollout.old-version-down"
    assert story.routing.share(NEW.id) == 1_000_000, "users are served by the one that is well"
    story.set_phase(OLD.id, Phase.HEALTHY)
    story.wait(2)
    assert story.routing.share(NEW.id) == 100_000, "and get back to the plan when it is well again"
    assert story.run().state.status is Status.SUCCEEDED


def test_rollback_while_the_old_version_is_dead_waits_and_keeps_serving():
    story = exposed()
    story.sick = {OLD.id}
    story.set_phase(OLD.id, Phase.CRASHED)
    story.send(e.Order.ROLLBACK)
    story.wait(400)
    assert story.state.status is Status.ROLLING_BACK
    assert story.state.problem.code == "rollout.not-healthy"
    assert story.routing.share(NEW.id) == 1_000_000
    story.sick = set()
    story.set_phase(OLD.id, Phase.STARTING)
    assert story.run().state.status is Status.ROLLED_BACK


def test_pause_holds_and_the_judge_still_watches():
    story = exposed()
    story.send(e.Order.PAUSE)
    story.wait(120)
    assert story.shares()[-1] == 100_000
    story.verdict = FAIL
    assert story.run().state.status is Status.ROLLED_BACK


def test_what_is_paused_is_not_paused_again():
    story = exposed()
    story.send(e.Order.PAUSE)
    story.wait(1)
    story.send(e.Order.PAUSE)
    story.wait(1)
    assert len(story.of("paused")) == 1
    assert story.of("refused")[-1].problem.what == "Cannot pause: ada has paused it already"
    story.send(e.Order.RESUME)
    story.send(e.Order.PAUSE)
    story.wait(1)
    assert len(story.of("paused")) == 2


def test_rollback_in_the_warm_time_is_instant_and_makes_the_old_version_live_again():
    story = Story(plan(canary())).run("promoted").wait(10)
    assert story.state.warm
    story.send(e.Order.ABORT)
    story.wait(2)
    assert story.of("refused")
    story.send(e.Order.ROLLBACK)
    story.run()
    assert [event.release for event in story.of("promoted")] == [NEW.id, OLD.id]
    started = [event.key for event in story.of("intended") if event.key == f"start:{OLD.id}"]
    assert started == [], "nothing had to be started"


def test_a_drain_waits_for_what_is_in_flight_but_not_for_ever():
    story = Story(plan(BlueGreen(keep_warm=timedelta(0), drain=timedelta(seconds=20))))
    story.inflight = {f"{OLD.id}.1": 3}
    story.run()
    ended = story.of("drain-ended")
    assert sum(event.left for event in ended) == 3
    started = story.of("drain-started")[0].at
    assert max(event.at for event in ended) - started >= timedelta(seconds=20)


def test_the_first_release_opens_the_door_only_when_proven():
    story = Story(plan(canary(), first=True), sick={NEW.id})
    story.wait(20)
    assert story.routing is None
    story.sick = set()
    story.run()
    assert story.state.status is Status.SUCCEEDED


def test_a_first_release_that_fails_leaves_nothing():
    story = Story(plan(canary(ready_within="20s"), first=True), sick={NEW.id}, proxy_runs=False).run()
    assert story.state.status is Status.ROLLED_BACK
    assert not story.instances


def test_a_first_release_behind_a_proxy_that_cannot_listen_is_taken_back_whole():
    story = Story(plan(canary(), first=True), half_up=True).run(seconds=120)
    assert story.state.status is Status.ROLLED_BACK
    assert "cannot listen" in story.state.why[0]
    assert not story.instances


def test_an_older_warm_side_is_cleared_first():
    story = Story(plan(canary(), warm=True)).run()
    assert all(not id.startswith(WARM.id) for id in story.instances)
    assert story.state.status is Status.SUCCEEDED


def test_big_bang_serves_nobody_in_between_and_never_both():
    story = Story(plan(BigBang()))
    while not story.state.status.final:
        story.step()
        running = {i.release for i in story.instances.values() if i.phase is Phase.HEALTHY}
        assert running in ({OLD.id}, {NEW.id}, set())


def test_drift_is_seen_and_mended():
    story = exposed().wait(1)
    story.routing = story.before
    story.wait(3)
    assert story.of("drift-seen")
    assert story.routing.share(NEW.id) == 100_000


def test_blindness_holds_and_is_told():
    story = Story(plan(canary())).run("exposed")
    story.blind = True
    story.wait(300)
    assert story.state.status is Status.RUNNING
    assert story.state.problem.code == "target.silent"
    story.blind = False
    assert story.run().state.status is Status.SUCCEEDED


def test_effects_that_fail_are_tried_again_with_growing_delays():
    story = Story(plan(canary()), broken=Problem(code="target.full", what="no room")).wait(60)
    failures = [event.at for event in story.of("failed")]
    gaps = [later - earlier for earlier, later in pairwise(failures)]
    assert gaps == sorted(gaps)
    story.broken = None
    assert story.run().state.status is Status.SUCCEEDED


def test_a_final_state_is_final():
    story = Story(plan(canary(keep_warm="0s"))).run()
    told = len(story.history)
    story.send(e.Order.ROLLBACK)
    story.step()
    assert [event.kind for event in story.history[told:]] == ["refused", "heard"]
    assert story.state.status is Status.SUCCEEDED


@pytest.mark.parametrize(("instances", "batch"), [(2, 1), (4, 1), (5, 2), (6, 4)])
def test_rolling_without_surge_never_runs_more_than_it_may(instances, batch):
    story = Story(plan(Rolling(batch=batch, surge=False), instances=instances))
    most, least = 0, instances
    while not story.state.status.final:
        story.step()
        exist = [i for i in story.instances.values() if i.phase is not Phase.STOPPING]
        most = max(most, len(exist))
        least = min(least, sum(1 for i in exist if i.healthy))
    assert most == instances
    assert least >= instances - batch


def test_a_pass_at_one_share_says_nothing_about_the_next():
    story = exposed(hold="0s")
    story.judged_at = story.now + SECOND
    story.wait(60)
    assert story.shares()[-1] == 500_000, "one pass is the permission for one step"
    story.judged_at = None
    assert story.run().state.status is Status.SUCCEEDED


@pytest.mark.parametrize(("by", "watched"), [("request", True), ("user", False)])
def test_the_share_of_traffic_is_watched_only_where_shares_are_of_requests(by, watched):
    planned = plan(Canary(by=by))
    assert planned.judge is not None
    assert planned.judge.traffic is watched
