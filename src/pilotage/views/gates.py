"""Windows and starts as words: what a gate waits for, and when it opens."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from pilotage.core.gating import is_open, opens
from pilotage.core.plan import Plan
from pilotage.core.steps import Gate
from pilotage.core.windows import show_window
from pilotage.views.figures import lasting

STOPS = "its window is closed: waits; what users have already stays"


def title(gate: Gate) -> str:
    """Several windows are too long for a title: they stand below the plan."""
    if gate.start is not None:
        return f"Wait until {_moment(gate.start.at, gate.start.zone)}"
    alone = len(gate.windows) == 1 and len(gate.windows[0]) == 1
    return f"Wait for {show_window(gate.windows[0][0])}" if alone else "Wait for its window"


def _sets(gate: Gate) -> str:
    """``Mon 09:00-11:00 UTC or Tue 09:00-11:00 UTC``; of two sets, both."""
    told = [" or ".join(map(show_window, windows)) for windows in gate.windows]
    return told[0] if len(told) == 1 else " and ".join(f"({one})" for one in told)


def waits(gate: Gate, now: datetime) -> str:
    """``waits for the window, opens Mon 2026-11-30 09:00 Europe/Berlin (in 3.0 h)``."""
    what = "the start" if gate.start is not None else "the window"
    return f"waits for {what}, {_opens(gate, now)}; `pilotage promote --reason …` does not wait"


def _opens(gate: Gate, since: datetime, now: datetime | None = None) -> str:
    """The first opening from ``since`` on, as it is told at ``now``."""
    at, now = opens(gate, since), now or since
    if at is None:
        return "never opens"
    if at <= now:
        return "open now"
    return f"opens {_moment(at, _zone(gate))} (in {lasting(at - now)})"


def _zone(gate: Gate) -> str:
    return gate.start.zone if gate.start is not None else gate.windows[0][0].zone


def _moment(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M} {zone}"


def told(plan: Plan, now: datetime | None) -> str:
    """When the plan may begin, and each of its windows with when it opens; empty when there is none."""
    parts: dict[str, None] = {}
    at = now
    for step in plan.steps:
        if not isinstance(step, Gate):
            continue
        what = title(step).replace("Wait until", "not before") if step.start is not None else _sets(step)
        parts[what if at is None else f"{what}: {_opens(step, at, now)}"] = None
        at = max(at, step.start.at) if at is not None and step.start is not None else at
    return "; ".join([*parts, "going back waits for none"]) if parts else ""


def warnings(plan: Plan, now: datetime | None) -> tuple[str, ...]:
    """A start that is over already is most likely one of another release."""
    starts = (step for step in plan.steps if isinstance(step, Gate) and step.start is not None)
    return tuple(
        f"The start {title(step).removeprefix('Wait until ')} is in the past: it begins at once."
        for step in starts
        if now is not None and is_open(step, now)
    )
