"""A plan played in simulated time: what happens is what the plan, the heart and the judge say."""

from __future__ import annotations

from datetime import timedelta

import pytest
from stage_bench import played

from factories import make_plan
from pilotage.core.hooks import Program
from pilotage.core.judging import JudgeSettings, Kind, MeasureSettings, Role
from pilotage.core.plan import Basis, TelemetrySpec
from pilotage.core.steps import Expose
from pilotage.rehearsal.outcome import Ending
from pilotage.strategies.big_bang import BigBang
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.canary import Canary
from pilotage.strategies.hooks import Moment, command, woven
from pilotage.strategies.rolling import Rolling

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
QUICK = Canary(steps=("10%", "50%"), hold=timedelta(minutes=5))
METHODS = (QUICK, BlueGreen(bake=timedelta(minutes=5)), Rolling(batch=1), BigBang())


@pytest.mark.parametrize("method", METHODS, ids=lambda one: one.method)
def test_every_method_comes_to_its_end(method):
    plan = make_plan(method)
    found = played(plan)
    assert found.ending is Ending.SUCCEEDED, found.why
    assert [one.index for one in found.stretches] == list(range(len(plan.steps)))
    for before, after in zip(found.stretches, found.stretches[1:], strict=False):
        assert before.ended == after.began
    assert found.stretches[-1].ended <= found.took


def test_each_share_is_held_as_long_as_it_says():
    plan = make_plan(QUICK)
    found = played(plan)
    held = [one for one in found.stretches if plan.steps[one.index].kind == "judge"]
    assert [one.share for one in held] == [100_000, 500_000]
    assert all(one.ended - one.began >= QUICK.hold for one in held)
    for one in held:
        expected = 60 * (one.ended - one.began).total_seconds() * one.share / 1e6
        assert one.requests == pytest.approx(expected, rel=0.1)
    assert found.requests == sum(one.requests for one in found.stretches)


def test_the_same_seed_is_the_same_run_and_another_seed_another():
    plan = make_plan(QUICK)
    assert played(plan, seed=3) == played(plan, seed=3)
    assert played(plan, seed=3).requests != played(plan, seed=4).requests


def test_weeks_take_few_looks_and_no_step_is_missed():
    plan = make_plan(Canary(steps=("10%",), hold=14 * DAY))
    found = played(plan)
    assert found.ending is Ending.SUCCEEDED
    assert found.promoted_at is not None
    assert timedelta(0) <= found.promoted_at - found.exposed_at - 14 * DAY < timedelta(seconds=2)
    assert found.looks < 1500
    assert found.sparse <= HOUR


def test_a_worse_version_is_taken_back_and_nobody_sees_it_any_more():
    found = played(make_plan(QUICK), "errors x5")
    assert (found.ending, found.caught) == (Ending.ROLLED_BACK, True)
    assert found.extra > 0
    assert "errors" in found.why[0]
    back = [one for one in found.stretches if one.back]
    assert back[-1].share == 0
    assert found.turned_at is not None
    assert found.took - found.turned_at < timedelta(minutes=2)


def test_a_fault_begins_at_its_moment():
    plan = make_plan(Canary(steps=("10%",), hold=7 * DAY))
    found = played(plan, "errors x10 after 3d")
    assert found.exposed_at is not None
    assert found.turned_at is not None
    late = found.turned_at - found.exposed_at - 3 * DAY
    assert timedelta(0) < late < HOUR
    [begun] = [one for one in found.moments if one.what == "errors x10 after 3d"]
    assert begun.at == found.exposed_at + 3 * DAY


def test_missing_telemetry_holds_and_does_not_pass():
    plan = make_plan(QUICK)
    without, found = played(plan), played(plan, "gap 3h after 1m")
    assert found.ending is Ending.SUCCEEDED
    assert found.promoted_at - without.promoted_at > 2 * HOUR
    assert any(one.bad and "counters" in one.what for one in found.moments)


def test_a_version_that_keeps_crashing_is_taken_back_and_one_crash_is_not():
    plan = make_plan(QUICK)
    assert played(plan, "crash loop after 1m").ending is Ending.ROLLED_BACK
    assert played(plan, "crash of new after 1m").ending is Ending.SUCCEEDED


def test_too_slow_a_start_never_reaches_a_user():
    found = played(make_plan(QUICK), "slow start x100")
    assert (found.ending, found.exposed_at, found.requests) == (Ending.ROLLED_BACK, None, 0)
    assert not found.caught


def test_what_can_not_be_decided_is_held_and_said():
    plan = make_plan(Canary(steps=("1%",), hold=HOUR))
    found = played(plan, rates=(0.01,) * 168, patience=DAY)
    assert found.ending is Ending.HELD
    assert found.promoted_at is None
    assert found.stretches[-1].note == "still here"


def test_spare_capacity_is_counted_at_the_peak():
    found = played(make_plan(QUICK, instances=3))
    assert (found.usual, found.instances) == (2, 5)


def test_a_first_release_is_played_too():
    found = played(make_plan(QUICK, basis=Basis()))
    assert (found.ending, found.usual) == (Ending.SUCCEEDED, 0)


def test_declared_measures_come_from_other_sources():
    orders = MeasureSettings(kind=Kind.COUNT, role=Role.MUST)
    judge = JudgeSettings(measures={"orders": orders})
    plan = make_plan(QUICK, judge=judge, telemetry=(TelemetrySpec(kind="sql"), TelemetrySpec(kind="router")))
    assert played(plan, measures={"orders": 0.05}).ending is Ending.SUCCEEDED
    assert played(plan, measures={}).ending is Ending.HELD


def test_shares_of_users_reach_only_their_part():
    plan = make_plan(Canary(steps=("10%",), hold=HOUR, by="user"))
    assert any(isinstance(step, Expose) and step.key.kind == "user" for step in plan.steps)
    found = played(plan, users=500)
    held = next(one for one in found.stretches if plan.steps[one.index].kind == "judge")
    assert held.users == pytest.approx(50, abs=0.5)


def test_hooks_take_their_time_and_a_person_is_waited_for():
    run = command(
        "index",
        Moment.BEFORE_USERS,
        Program(commands=(("index",),), folder="/srv"),
        undo=None,
        check=None,
        repeatable=False,
        attempts=1,
        approval=True,
    )
    plan = woven(make_plan(QUICK), [run])
    found = played(plan, "late 2h", hooks=90.0)
    assert found.ending is Ending.SUCCEEDED
    [waited] = found.waits
    hook = next(one for one in found.stretches if plan.steps[one.index].kind == "run")
    assert waited.until - waited.since == 2.5 * HOUR
    assert 90 <= (hook.ended - waited.until).total_seconds() < 100


def test_a_small_difference_is_found_between_rare_looks():
    # Of one piece a look nothing would be found: the bets on fractions of a block need many blocks.
    plan = make_plan(Canary(steps=("50%",), hold=7 * DAY))
    found = played(plan, "errors x1.4 after 1d")
    assert found.ending is Ending.ROLLED_BACK
    assert found.exposed_at is not None
    assert found.turned_at is not None
    assert DAY < found.turned_at - found.exposed_at < 3 * DAY
