"""When the world of a run is looked at next.

A real worker looks every second while users see the new version. In a rehearsal the looks become rarer the
longer nothing has happened: the next one comes after a fortieth of that time, and after an hour at most. The
judge hears of the time between two looks in pieces of a hundredth of the quiet time, so its evidence grows
in small steps; its bets stay bets on closed stretches of time whose ends do not depend on what was counted in
them, as its guarantee asks. Every fault, every step and
every time limit is met exactly, and looks come each second again from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pilotage.core.state import State
from pilotage.stage.clock import Jumping

GRAIN = 40.0
FINE = 100.0
LONGEST = 3600.0
"""Seconds: as fine as traffic is known."""


def next_look(clock: Jumping, state: State, wake: datetime, quiet_since: float, planned: float | None) -> float:
    """Seconds since the beginning. ``quiet_since``: when something last happened."""
    now = clock.elapsed()
    asked = max(clock.until(wake), now)
    stretched = now + min(LONGEST, (now - quiet_since) / GRAIN)
    found = max(asked, stretched)
    limits = [at for at in _limits(clock, state) if now < at]
    return min([found, *(max(at, now) for at in limits), *([planned] if planned is not None else [])])


def _limits(clock: Jumping, state: State) -> Iterator[float]:
    """Times at which a step, or the judge, may decide otherwise."""
    step = state.step
    for name in type(step).model_fields if step is not None else ():
        value = getattr(step, name)
        if isinstance(value, timedelta):
            yield clock.until(state.entered + value)
        elif isinstance(value, datetime):
            yield clock.until(value)
    judge = state.plan.judge
    if judge is not None and state.exposed_at is not None:
        for span in (judge.warm_up, judge.horizon):
            if span is not None:
                yield clock.until(state.exposed_at + span)


def longest_wait(state: State) -> timedelta:
    """How long the current step may take as planned."""
    step = state.step
    values = [getattr(step, name) for name in type(step).model_fields] if step is not None else []
    return max((value for value in values if isinstance(value, timedelta)), default=timedelta(0))
