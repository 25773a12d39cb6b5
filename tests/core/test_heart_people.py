"""Scripts about people in a plan, who is asked and what is recorded; and how much a step must show."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playbook import FAIL, NEW, PASS, Story, plan

from pilotage.core import events as e
from pilotage.core.fleet import Phase
from pilotage.core.state import Status
from pilotage.core.steps import Judge, Pause
from pilotage.strategies.big_bang import BigBang
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.canary import Canary
from pilotage.strategies.rolling import Rolling

ASKED = {"ask": ["release-manager"], "why": "go beyond the first users"}


def stepwise(**first) -> Canary:
    return Canary(steps=[{"share": "10%", **first}, "50%"], hold="5s", keep_warm="0s")


def asking(story: Story) -> bool:
    return isinstance(story.state.step, Pause)


def until_asked(story: Story) -> Story:
    while not asking(story):
        story.step()
    return story


def test_each_step_may_have_a_hold_of_its_own():
    judged = [step for step in plan(stepwise(hold="40s")).steps if isinstance(step, Judge)]
    assert [step.at_least for step in judged] == [timedelta(seconds=40), timedelta(seconds=5)]


def test_nothing_is_widened_until_somebody_says_yes_and_it_is_recorded_who_did():
    story = until_asked(Story(plan(stepwise(approve=ASKED))))
    story.wait(3600, tick=10)
    assert story.shares()[-1] == 100_000
    story.inbox.append(
        e.Message(number=1, order=e.Order.PROMOTE, by="bea", at=story.now, reason="errors are fine")
    )
    story.run()
    assert story.state.status is Status.SUCCEEDED
    notes = {story.plan.steps[done.index].kind: done.note for done in story.of("step-finished")}
    assert notes["pause"] == "bea said yes: errors are fine"
    assert story.state.continued_by == "bea"


def test_while_it_is_asked_the_judge_still_takes_back():
    story = until_asked(Story(plan(stepwise(approve=True)))).wait(60)
    story.verdict = FAIL
    assert story.run().state.cause is e.Cause.JUDGED


@pytest.mark.parametrize(
    "method",
    [stepwise(approve="ada"), BlueGreen(approve=True), BigBang(approve=True), Rolling(approve=ASKED)],
    ids=lambda one: one.method,
)
def test_a_way_back_asks_nobody(method):
    story = until_asked(Story(plan(method)))
    story.send(e.Order.ROLLBACK)
    story.run(seconds=120)
    assert story.state.status is Status.ROLLED_BACK
    assert story.routing.revision == story.before.revision
    assert not any(isinstance(step, Pause | Judge) for step in story.plan.way_back)


@pytest.mark.parametrize("method", [BlueGreen(approve=True), BigBang(approve=True)], ids=lambda one: one.method)
def test_it_is_asked_before_any_user_is_concerned(method):
    story = until_asked(Story(plan(method))).wait(600, tick=5)
    assert story.state.exposed_at is None
    assert story.routing.revision == story.before.revision or story.routing.share(NEW.id) == 0
    story.send(e.Order.PROMOTE)
    assert story.run().state.status is Status.SUCCEEDED


def test_a_pass_is_not_enough_before_so_many_requests_were_judged():
    story = Story(plan(stepwise(requests=1000)), verdict=PASS.model_copy(update={"requests_new": 999}))
    story.run("exposed").wait(600, tick=5)
    assert story.shares()[-1] == 100_000
    story.verdict = PASS.model_copy(update={"requests_new": 1000})
    assert story.run().state.status is Status.SUCCEEDED


def test_what_is_missing_is_told_when_the_time_is_over():
    method = Canary(steps=[{"share": "10%", "requests": 1000}], hold="5s", at_most="60s")
    story = Story(plan(method), verdict=PASS.model_copy(update={"requests_new": 400}))
    problem = story.run("problem-raised").of("problem-raised")[-1].problem
    assert problem.code == "rollout.undecided"
    assert problem.why.startswith("400 of the 1000 requests")


@pytest.mark.parametrize("instances", [1, 2, 3, 7])
@pytest.mark.parametrize(("unavailable", "surge"), [(1, 0), (0, 1), (1, 1), ("30%", 0), (0, "30%"), (2, 3)])
def test_rolling_never_leaves_the_room_that_it_has(instances, unavailable, surge):
    method = Rolling(max_unavailable=unavailable, max_surge=surge)
    story = Story(plan(method, instances=instances))
    most, least = 0, instances
    while not story.state.status.final:
        story.step()
        exist = [one for one in story.instances.values() if one.phase is not Phase.STOPPING]
        most, least = max(most, len(exist)), min(least, sum(1 for one in exist if one.healthy))
    assert story.state.status is Status.SUCCEEDED
    missing = {1: 1, 2: 2, "30%": instances * 3 // 10}.get(unavailable, 0)
    extra = {1: 1, 3: 3, "30%": -(-instances * 3 // 10)}.get(surge, 0)
    alone = 1 if instances == 1 else 0
    """A single instance is never replaced by nothing: one more comes first."""
    assert least >= max(instances - missing, 1)
    assert most <= instances + max(extra, alone, 0 if missing else 1)


@pytest.mark.parametrize(
    "settings", [{"max_surge": 1, "batch": 2}, {"max_unavailable": 0, "max_surge": 0}, {"max_surge": "100%"}]
)
def test_rooms_that_leave_no_room_are_refused(settings):
    with pytest.raises(ValueError, match=r"max_surge|write it like"):
        Rolling(**settings)
