"""Gates are put into the steps of any method: before each step by which more users get the new version.

Where a method takes something away before it gives (a stop of the service, fewer old instances), one stands
before that too: nobody waits for a window with half a service. Whoever is served by nobody waits no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pilotage.core.flags import FlagRule
from pilotage.core.gating import opens
from pilotage.core.plan import Plan
from pilotage.core.steps import Expose, Flag, Gate, Scale, Step
from pilotage.core.values import EVERYBODY
from pilotage.core.windows import Start, Windows

SOME_DAY = "2026-01-01T00:00+00:00"
NOBODY = Expose(splits=())


def scheduled(plan: Plan, start: Start | None, windows: Windows) -> Plan:
    """The plan with its gates; ValueError when one of them could never open. Without any, the same plan."""
    steps = plan.steps
    if windows:
        old = plan.old.id if plan.old else None
        steps = gated(steps, plan.new.id, windows, old=old, instances=plan.basis.instances)
    if start is not None:
        steps = (Gate(start=start), *steps)
    for step in steps:
        if isinstance(step, Gate) and opens(step, datetime.fromisoformat(SOME_DAY)) is None:
            raise ValueError("the window of a wave and those of the environment are never open together")
    return plan if steps == plan.steps else plan.model_copy(update={"steps": steps})


def gated(
    steps: Sequence[Step],
    new: str,
    windows: Windows,
    *,
    shown: Expose = NOBODY,
    old: str | None = None,
    instances: int = 0,
) -> tuple[Step, ...]:
    """``shown`` is what users had before these steps; ``instances`` those of the old version then."""
    found: list[Step] = []
    dark, ramp = False, 0
    for step in steps:
        fewer = isinstance(step, Scale) and step.release == old and _too_few(step, shown, new, instances)
        stops = isinstance(step, Expose) and not step.splits and not dark and instances > 0
        grows = isinstance(step, Expose) and step.wider_than(shown, new) and not dark
        ramps = isinstance(step, Flag) and _ramp(step) > ramp
        if (fewer and not dark) or stops or grows or ramps:
            _close(found, windows)
        found.append(step)
        if isinstance(step, Expose):
            dark, shown = not step.splits, step
        elif isinstance(step, Flag):
            ramp = _ramp(step)
    return tuple(found)


def _close(steps: list[Step], windows: Windows) -> None:
    """A gate at the end of these steps; one that is there already gets these windows too."""
    last = steps[-1] if steps else None
    if isinstance(last, Gate):
        steps[-1] = last.model_copy(update={"windows": (*last.windows, windows)})
    else:
        steps.append(Gate(windows=(windows,)))


def _too_few(step: Scale, shown: Expose, new: str, instances: int) -> bool:
    """Whether fewer are left than those whom the old version still serves need."""
    return step.instances < round(instances * (EVERYBODY - shown.share(new)) / EVERYBODY)


def _ramp(step: Flag) -> int:
    """Grows with the users who have the feature by it; those of a segment alone are more than nobody."""
    rule = step.flag
    return rule.share + 1 if isinstance(rule, FlagRule) and not rule.nobody else 0
