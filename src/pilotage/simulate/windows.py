"""Windows in the simulation: some plans may only grow in every other minute; and the law that they do."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from pilotage.core import events as e
from pilotage.core.plan import Plan
from pilotage.core.steps import Expose, Flag, Gate
from pilotage.core.windows import Start, Window, parse_window
from pilotage.core.world import exposure_before
from pilotage.strategies.gates import scheduled

if TYPE_CHECKING:
    from pilotage.simulate.laws import Laws, Record

LAW = "exposure grows in its windows only"
WINDOWS: tuple[Window, ...] = tuple(
    parse_window(f"daily {hour:02}:{minute:02}-{hour:02}:{minute + 1:02} UTC")
    for hour in (8, 9)
    for minute in range(1, 59, 2)
)


def with_windows(plan: Plan, chance: Random) -> Plan:
    """The plan with windows, now and then."""
    return scheduled(plan, None, WINDOWS) if plan.old is not None and chance.random() < 0.3 else plan


def bounded(plan: Plan) -> bool:
    return any(isinstance(step, Gate) for step in plan.steps)


def check_passed(laws: Laws, record: Record, gate: Gate, event: e.StepFinished) -> None:
    """By a look of its own at the minute; or a person said why not to wait."""
    state = record.state
    minute = event.at.minute % 2 == 1 and event.at.minute < 59 and event.at.hour in (8, 9)
    said = state.continued and bool(state.continue_reason)
    start: Start | None = gate.start
    early = start is not None and event.at < start.at
    laws.hold(LAW, f"{state.id}: at {event.at:%H:%M:%S}", when=said or (minute and not early))


def check_grown(laws: Laws, record: Record, event: e.StepFinished) -> None:
    """Whoever enters a step that shows the new version to more has just passed a gate, or serves nobody."""
    plan = record.plan
    following = plan.steps[event.index + 1] if event.index + 1 < len(plan.steps) else None
    if not bounded(plan) or event.back or not isinstance(following, Expose | Flag):
        return
    before = plan.steps[: event.index + 1]
    shown = [step for step in before if isinstance(step, Expose)]
    last = shown[-1] if shown else exposure_before(record.state)
    grows = isinstance(following, Expose) and bool(last.splits) and following.wider_than(last, plan.new.id)
    passed = isinstance(before[-1], Gate)
    laws.hold(LAW, f"{record.state.id}: step {event.index + 1} has no gate", when=passed or not grows)
