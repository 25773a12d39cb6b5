"""Scripts about groups: pilots and waves, who sees what when, and who takes over when a version dies."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playbook import FAIL, NEW, OLD, PASS, Story, plan

from pilotage.core import events as e
from pilotage.core.fleet import Phase
from pilotage.core.plan import TelemetrySpec
from pilotage.core.sight import sight
from pilotage.core.state import Status
from pilotage.core.steps import Expose, Judge, Pause, Scale
from pilotage.core.values import EVERYBODY
from pilotage.strategies.canary import Canary
from pilotage.strategies.phased import Phased
from pilotage.strategies.pilot import Pilot

OFFICE = {"header": "x-office", "values": ["berlin", "bonn"]}
USERS = {"cookie": "user", "values": ["ada", "bea"]}
REST = Canary(steps=["10%", "50%"], hold="5s", keep_warm="0s", by="user")


def pilot(**settings) -> Pilot:
    return Pilot(**{"who": [OFFICE, USERS], "hold": "30s", "then": REST, **settings})


def waves(*more, **settings) -> Phased:
    cities = [{"name": city, "who": {"header": "x-site", "values": city}} for city in ("berlin", "munich")]
    return Phased(**{"waves": [*cities, *more], "hold": "5s", "keep_warm": "0s", **settings})


def seen_by_pilots(**settings) -> Story:
    story = Story(plan(pilot(**settings)))
    while not story.state.exposed_at:
        story.step()
    return story.wait(1)


def test_a_pilot_is_alone_until_it_is_signed_off_and_stays_to_the_end():
    story = seen_by_pilots().wait(600, tick=2)
    assert story.exposures() == [({}, 0), ({"pilot": EVERYBODY}, 0)]
    assert isinstance(story.state.step, Pause)
    assert story.state.step.why == "sign-off of pilot"
    story.inbox.append(e.Message(number=1, order=e.Order.PROMOTE, by="bea", at=story.now, reason="we like it"))
    story.run()
    assert story.exposures()[1:] == [
        ({"pilot": EVERYBODY}, 0),
        ({"pilot": EVERYBODY}, 100_000),
        ({"pilot": EVERYBODY}, 500_000),
        ({}, EVERYBODY),
    ]
    assert [done.note for done in story.of("step-finished") if "yes" in done.note] == [
        "bea said yes: we like it"
    ]


def test_a_pilot_runs_on_as_many_instances_as_it_needs_and_all_are_there_before_others_come():
    planned = plan(pilot(instances=1), instances=4)
    scales = [step.instances for step in planned.steps if isinstance(step, Scale)]
    assert scales == [1, 4]
    story = Story(planned)
    story.run("exposed").wait(5)
    assert sum(1 for one in story.instances.values() if one.release == NEW.id) == 1


def test_the_group_is_held_to_the_limit_and_the_comparison_begins_with_the_others():
    planned = plan(pilot())
    exposes = [step for step in planned.steps if isinstance(step, Expose)]
    looks = [sight(planned, step) for step in exposes]
    assert [(one.group, one.share, one.compared) for one in looks] == [
        ("pilot", EVERYBODY, False),
        ("", 100_000, True),
        ("", 500_000, True),
        ("", EVERYBODY, False),
    ]


def test_a_part_of_a_group_is_compared_with_the_rest_of_it_by_the_routers_figures_only():
    how = {"name": "berlin", "who": OFFICE, "how": {"method": "canary", "steps": ["20%"], "hold": "5s"}}
    planned = plan(Phased(waves=[how]))
    first = next(step for step in planned.steps if isinstance(step, Expose))
    assert sight(planned, first).model_dump() == {"group": "berlin", "share": 200_000, "compared": True}
    others = planned.model_copy(update={"telemetry": (TelemetrySpec(kind="prometheus"),)})
    assert not sight(others, first).compared


@pytest.mark.parametrize("method", [pilot(sign_off=False), waves()], ids=["pilot", "phased"])
def test_a_version_that_fails_its_group_is_taken_back_from_it(method):
    story = Story(plan(method)).run("exposed").run("exposed")
    story.verdict = FAIL
    story.run()
    assert story.state.cause is e.Cause.JUDGED
    assert story.exposures()[-1] == ({}, 0)
    assert story.routing.revision == story.before.revision


def test_a_new_version_that_dies_under_its_group_gives_it_back_at_once_and_is_taken_back():
    story = seen_by_pilots()
    story.sick = {NEW.id}
    story.set_phase(NEW.id, Phase.CRASHED)
    story.wait(1)
    assert story.routing.pins == ()
    assert story.run().state.cause is e.Cause.UNHEALTHY


def test_an_old_version_that_dies_is_stood_in_for_by_the_one_that_the_group_has():
    """Decision 4: those of the group are users. And nothing goes on meanwhile."""
    story = seen_by_pilots(sign_off=False)
    story.sick = {OLD.id}
    story.set_phase(OLD.id, Phase.CRASHED)
    story.wait(300)
    assert story.routing.share(NEW.id) == EVERYBODY
    assert story.of("problem-raised")[-1].problem.code == "rollout.old-version-down"
    assert isinstance(story.state.step, Judge)
    story.sick = set()
    story.set_phase(OLD.id, Phase.HEALTHY)
    story.wait(2)
    assert story.routing.share(NEW.id) == 0
    assert story.run().state.status is Status.SUCCEEDED


def test_waves_follow_each_other_and_keep_what_they_have():
    story = Story(plan(waves({"name": "fifth", "share": "20%"}, {"name": "all", "how": REST}))).run()
    berlin, munich = {"berlin": EVERYBODY}, {"berlin": EVERYBODY, "munich": EVERYBODY}
    assert story.exposures()[1:] == [
        (berlin, 0),
        (munich, 0),
        (munich, 200_000),
        (munich, 280_000),
        (munich, 600_000),
        ({}, EVERYBODY),
    ]
    assert story.state.status is Status.SUCCEEDED


def test_each_wave_is_watched_and_signed_off_by_its_own_person():
    cities = [
        {"name": "berlin", "who": OFFICE, "hold": "40s", "requests": 7, "owner": "ada"},
        {"name": "bonn", "who": USERS, "approve": True},
    ]
    steps = plan(Phased(waves=cities, hold="9s")).steps
    judged = [(step.at_least.seconds, step.requests) for step in steps if isinstance(step, Judge)]
    asked = [(step.ask, step.why) for step in steps if isinstance(step, Pause)]
    assert judged == [(40, 7), (9, 0)]
    assert asked == [(("ada",), "sign-off of berlin"), ((), "sign-off of bonn")]


def test_methods_nest_and_the_way_back_stays_the_same():
    inner = {"method": "pilot", "name": "staff", "who": OFFICE, "hold": "3s", "sign_off": False, "then": REST}
    method = Pilot(who=USERS, hold="3s", sign_off=False, then=inner)
    story = Story(plan(method)).run()
    assert [list(groups) for groups, _ in story.exposures()] == [
        [], ["pilot"], ["pilot", "staff"], ["pilot", "staff"], ["pilot", "staff"], [],
    ]  # fmt: skip
    assert story.plan.way_back == plan(REST).way_back
    assert story.plan.judge.traffic is False, "shares of users say nothing of shares of requests"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"then": "rolling"}, "rolling can not follow"),
        ({"then": {"method": "big-bang"}}, "big-bang can not follow"),
        ({"then": "nobody-knows"}, "no method of this name"),
        ({"then": {"steps": ["5%"]}}, "no method is named"),
        ({"hold": "2d", "at_most": "1d"}, "at_most is shorter"),
        ({"who": {"header": "a", "cookie": "b", "values": "c"}}, "either a header or a cookie"),
    ],
)
def test_a_pilot_that_can_not_be_is_refused(settings, told):
    with pytest.raises(ValueError, match=told):
        pilot(**settings)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([{"name": "all"}, {"name": "later", "share": "10%"}], "only the last one"),
        ([{"name": "tenth", "share": "10%"}, {"name": "bonn", "who": OFFICE}], "groups come before"),
        ([{"name": "a", "share": "20%"}, {"name": "b", "share": "10%"}], "must grow"),
        ([{"name": "berlin", "share": "20%"}], "the same name"),
        ([{"name": "x", "share": "20%", "who": OFFICE}], "keep one of them"),
        ([{"name": "x", "how": {"method": "phased", "waves": [{"name": "y"}]}}], "one after the other"),
    ],
)
def test_waves_that_can_not_be_are_refused(more, told):
    with pytest.raises(ValueError, match=told):
        waves(*more)


def test_what_is_asked_of_pilots_holds_by_default():
    steps = plan(Pilot(who=OFFICE)).steps
    judge = next(step for step in steps if isinstance(step, Judge))
    assert judge.at_least == timedelta(days=1)
    assert any(isinstance(step, Pause) for step in steps)
    assert PASS.requests_new == 0
