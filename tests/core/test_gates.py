"""Scripts about windows and starts: what waits for them, what never does, and who may go on all the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from playbook import FAIL, NEW, OLD, START, Story, plan

from pilotage.core import events as e
from pilotage.core.decide import decide
from pilotage.core.hooks import Program
from pilotage.core.plan import Plan
from pilotage.core.state import Status
from pilotage.core.steps import Expose, Gate, Hook, Scale
from pilotage.core.windows import parse_start, parse_window
from pilotage.strategies.big_bang import BigBang
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.canary import Canary
from pilotage.strategies.gates import scheduled
from pilotage.strategies.hooks import Moment, Placed, woven
from pilotage.strategies.phased import Phased
from pilotage.strategies.rolling import Rolling

# The stories begin on Monday, 5 January 2026, at 09:00 UTC, 10:00 in Berlin.
LATER = (parse_window("daily 12:00-13:00 Europe/Berlin"),)
OPEN = (parse_window("daily 09:30-10:01 Europe/Berlin"),)
AT_NOON = datetime(2026, 1, 5, 11, 0, tzinfo=UTC)
CANARY = Canary(steps=("10%", "50%"), hold="5s", keep_warm="0s")


def within(method, *windows, start=None) -> Plan:
    return scheduled(plan(method), start, windows)


def grown(story: Story) -> list[datetime]:
    return [event.at for event in story.of("exposed") if event.shares.get(NEW.id)]


def wake(story: Story) -> datetime | None:
    return decide(story.state, story._seen(), story.now).wake


def seen(story: Story) -> Story:
    while not grown(story):
        story.step()
    return story


def waiting(story: Story) -> Story:
    while not isinstance(story.state.step, Gate):
        story.step()
    return story


def test_nobody_sees_it_before_the_window_and_the_worker_wakes_when_it_opens():
    story = waiting(Story(within(CANARY, *LATER)))
    assert wake(story) == story.now + timedelta(seconds=30)
    story.wait(7000, tick=30)
    assert not grown(story)
    story.now = AT_NOON - timedelta(seconds=7)
    assert wake(story) == AT_NOON
    story.run()
    assert story.state.status is Status.SUCCEEDED
    assert AT_NOON <= grown(story)[0] < AT_NOON + timedelta(seconds=10)


def test_a_share_stays_when_the_window_closes_and_the_judge_still_takes_back():
    story = seen(Story(within(Canary(steps=("10%", "50%"), hold="90s"), *OPEN)))
    story.wait(4000, tick=5)
    assert isinstance(story.state.step, Gate)
    assert story.shares()[-1] == 100_000
    story.verdict = FAIL
    ended = story.run()
    assert ended.state.cause is e.Cause.JUDGED
    assert story.shares()[-1] == 0
    assert story.now < START + timedelta(hours=2)


def test_going_back_waits_for_no_window():
    story = seen(Story(within(Canary(steps=("10%",), hold="90s"), *OPEN))).wait(300)
    story.send(e.Order.ROLLBACK)
    assert story.run().state.status is Status.ROLLED_BACK
    assert not any(isinstance(step, Gate) for step in story.plan.way_back)


@pytest.mark.parametrize("order", [e.Order.PROMOTE, e.Order.PROMOTE_FULL])
def test_who_does_not_wait_says_why(order):
    story = waiting(Story(within(BlueGreen(keep_warm="0s"), *LATER)))
    story.send(order, by="bea")
    story.step()
    assert "says why" in story.of("refused")[-1].problem.what
    assert not grown(story)
    story.send(order, by="bea", reason="the shop is closed today")
    story.run()
    assert story.state.status is Status.SUCCEEDED
    assert grown(story)[0] < AT_NOON
    passed = [done.note for done in story.of("step-finished") if story.plan.steps[done.index].kind == "gate"]
    assert passed == ["bea did not wait: the shop is closed today"]


def test_to_let_all_waits_go_on_opens_no_window():
    story = seen(Story(within(Canary(steps=("10%",), hold="90s"), *OPEN)))
    story.wait(70)
    story.send(e.Order.PROMOTE_FULL, reason="well enough")
    story.wait(600, tick=10)
    assert isinstance(story.state.step, Gate)
    assert story.state.continue_all
    assert max(grown(story)) < START + timedelta(minutes=1)


def test_nothing_at_all_begins_before_the_start():
    story = Story(within(CANARY, start=parse_start("2026-01-05T12:00 Europe/Berlin")))
    story.wait(600, tick=30)
    assert not story.of("intended")
    story.now = AT_NOON - timedelta(seconds=3)
    assert wake(story) == AT_NOON
    assert story.run().state.status is Status.SUCCEEDED


def test_a_service_is_not_stopped_to_wait_for_a_window():
    steps = within(BigBang(), *LATER).steps
    gates = [place for place, step in enumerate(steps) if isinstance(step, Gate)]
    assert len(gates) == 1
    assert steps[gates[0] + 1] == Expose(splits=())


def test_no_capacity_is_taken_away_to_wait_for_a_window():
    steps = within(Rolling(batch=1, surge=False), *LATER).steps
    fewer = next(i for i, step in enumerate(steps) if isinstance(step, Scale) and step.release == OLD.id)
    assert isinstance(steps[fewer - 1], Gate)
    for place, step in enumerate(steps):
        if isinstance(step, Expose):
            assert isinstance(steps[place - 1], Gate)


def test_each_wave_has_windows_of_its_own_beside_those_of_the_environment():
    evening = "daily 20:00-22:00 Europe/Berlin"
    office = {"name": "office", "who": {"header": "x-office", "values": "berlin"}, "window": evening}
    method = Phased(waves=(office, {"name": "tenth", "share": "10%"}), hold="1s")
    own = (parse_window(evening),)
    assert [s.windows for s in plan(method).steps if isinstance(s, Gate)] == [(own,)]
    all_day = parse_window("daily 08:00-21:00 Europe/Berlin")
    gates = [s.windows for s in within(method, all_day).steps if isinstance(s, Gate)]
    assert gates == [(own, (all_day,)), ((all_day,),), ((all_day,),)]
    with pytest.raises(ValueError, match="never open together"):
        within(method, *LATER)


def test_a_hook_before_users_runs_before_the_gate_not_behind_it():
    method = Phased(waves=({"name": "tenth", "share": "10%", "window": "daily 20:00-22:00 UTC"},), hold="1s")
    program = Program(commands=(("warm",),), folder="/srv")
    hook = Placed(moment=Moment.BEFORE_USERS, hook=Hook(name="warm", title="Warm", program=program))
    kinds = [step.kind for step in woven(plan(method), [hook]).steps]
    assert kinds.index("run") + 1 == kinds.index("gate")


def test_without_windows_the_plan_is_the_same():
    made = plan(CANARY)
    assert scheduled(made, None, ()) is made
