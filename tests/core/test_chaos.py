"""Any order of troubles and orders: the invariants hold at every pass, and every rollout can be ended.

The story itself checks the invariants (see playbook.py); here its world is broken at random and mended.
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playbook import FAIL, NEW, OLD, PASS, UNDECIDED, Story, plan

from pilotage.core import events as e
from pilotage.core.fleet import Phase
from pilotage.core.state import Status
from pilotage.core.steps import Check
from pilotage.errors import Problem
from pilotage.strategies.big_bang import BigBang
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.canary import Canary
from pilotage.strategies.parallel_run import ParallelRun
from pilotage.strategies.restore import Restore
from pilotage.strategies.rolling import Rolling

ISOLATED = ParallelRun.model_validate(
    {"writes": "isolated", "isolated": {"environment": {"DATA": "{copy}"}}, "sign_off": False, "at_least": "2s"}
)
METHODS = [
    Canary(steps=("10%", "50%"), hold="5s", keep_warm="20s"),
    Canary(steps=("1%",), hold="0s", at_most="30s", undecided="rollback", keep_warm="0s"),
    BlueGreen(bake=timedelta(seconds=10), keep_warm=timedelta(seconds=20)),
    Rolling(batch=1, hold=timedelta(seconds=2)),
    Rolling(batch=2, surge=False),
    BigBang(),
    Restore(),
    ParallelRun(at_least=timedelta(seconds=5), sign_off=False),
    ISOLATED,
]

PROBLEM = Problem(code="test.broken", what="broken on purpose")

TROUBLES = {
    "wait": lambda story: None,
    "judge passes": lambda story: setattr(story, "verdict", PASS),
    "judge fails": lambda story: setattr(story, "verdict", FAIL),
    "judge does not know": lambda story: setattr(story, "verdict", UNDECIDED),
    "no telemetry": lambda story: setattr(story, "verdict", None),
    "new crashes": lambda story: story.set_phase(NEW.id, Phase.CRASHED, restarts=1),
    "new restarts": lambda story: story.set_phase(NEW.id, Phase.STARTING, restarts=1),
    "new gets ill": lambda story: story.set_phase(NEW.id, Phase.UNHEALTHY),
    "new stays ill": lambda story: story.sick.add(NEW.id),
    "new is cured": lambda story: story.sick.discard(NEW.id),
    "old crashes": lambda story: story.set_phase(OLD.id, Phase.CRASHED, restarts=1),
    "old restarts": lambda story: story.set_phase(OLD.id, Phase.STARTING, restarts=1),
    "old is well": lambda story: story.set_phase(OLD.id, Phase.HEALTHY),
    "proxy dies": lambda story: setattr(story, "proxy_runs", False),
    "proxy is back": lambda story: setattr(story, "proxy_runs", True),
    "router is deaf": lambda story: setattr(story, "deaf", True),
    "router listens": lambda story: setattr(story, "deaf", False),
    "router refuses": lambda story: setattr(story, "refuses", PROBLEM),
    "router accepts": lambda story: setattr(story, "refuses", None),
    "routing drifts": lambda story: setattr(story, "routing", story.before),
    "blind": lambda story: setattr(story, "blind", True),
    "seeing": lambda story: setattr(story, "blind", False),
    "effects fail": lambda story: setattr(story, "broken", PROBLEM),
    "effects work": lambda story: setattr(story, "broken", None),
    "checks fail": lambda story: setattr(story, "check_failures", {"front page": "answered 500"}),
    "checks pass": lambda story: setattr(story, "check_failures", {}),
    "pause": lambda story: story.send(e.Order.PAUSE),
    "resume": lambda story: story.send(e.Order.RESUME),
    "promote": lambda story: story.send(e.Order.PROMOTE),
    "promote full": lambda story: story.send(e.Order.PROMOTE_FULL),
    "abort": lambda story: story.send(e.Order.ABORT),
    "rollback": lambda story: story.send(e.Order.ROLLBACK),
    "traffic stays": lambda story: story.inflight.update({f"{NEW.id}.1": 2, f"{OLD.id}.1": 1}),
    "traffic ends": lambda story: story.inflight.clear(),
    "clock jumps": lambda story: setattr(story, "now", story.now + timedelta(hours=1)),
}

TROUBLE = st.tuples(st.sampled_from(sorted(TROUBLES)), st.sampled_from([0.25, 1.0, 4.0, 15.0]))


def mend(story: Story) -> None:
    story.blind, story.deaf, story.proxy_runs = False, False, True
    story.refuses = story.broken = story.build_problem = None
    story.check_failures = {}
    story.sick.clear()
    story.inflight.clear()
    for release in (OLD.id, NEW.id):
        story.set_phase(release, Phase.HEALTHY)


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    method=st.sampled_from(METHODS),
    instances=st.integers(1, 3),
    first=st.booleans(),
    troubles=st.lists(TROUBLE, max_size=14),
    back=st.booleans(),
)
def test_whatever_happens_the_invariants_hold_and_it_can_be_ended(method, instances, first, troubles, back):
    checks = (Check(name="front page", path="/"),)
    story = Story(plan(method, first=first, instances=instances, checks=checks))
    for trouble, seconds in troubles:
        if story.state.status.final:
            break
        TROUBLES[trouble](story)
        story.wait(seconds, tick=0.5)
    mend(story)
    if not story.state.status.final and back:
        story.send(e.Order.ROLLBACK)
    story.verdict = PASS
    if not story.state.status.final and not back:
        story.send(e.Order.RESUME)
    story.run(seconds=1800, tick=1.0)
    _check_the_end(story, first=first)


def _check_the_end(story: Story, *, first: bool) -> None:
    left = {i.release for i in story.instances.values() if i.exists}
    if story.state.status is Status.SUCCEEDED:
        assert left == {NEW.id}
        assert story.routing.share(NEW.id) == 1_000_000
    elif first:
        assert left == set()
        assert story.routing is None or not any(split.share for split in story.routing.splits)
    else:
        assert story.state.status is Status.ROLLED_BACK
        assert left == {OLD.id}
        assert story.routing.revision == story.before.revision
