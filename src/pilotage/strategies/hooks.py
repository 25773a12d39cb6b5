"""Hooks are woven into the plan of any method: at a moment that every method has, with their way back.

What a hook has done is taken back when the old version serves everybody again and the new one is gone, the last
one first; only what the old version cannot live with is taken back before it serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import assert_never

from pilotage.core.hooks import Program
from pilotage.core.plan import Plan
from pilotage.core.steps import Expose, Flag, Gate, Hook, Promote, Scale, Step
from pilotage.core.values import Frozen


class Moment(StrEnum):
    """When a hook runs."""

    BEFORE_START = "before-start"
    """The artifacts are there; no instance of the new version runs."""
    BEFORE_USERS = "before-users"
    """The new version runs and has passed its checks; no user sees it."""
    BEFORE_PROMOTION = "before-promotion"
    """Everybody has the new version; the old one is ready to come back."""
    AFTER_PROMOTION = "after-promotion"
    """The new version is the version; the old one is not retired yet."""
    AT_THE_END = "at-the-end"
    """The old version is gone."""


class Placed(Frozen):
    """A hook, when it runs, and what takes it back."""

    moment: Moment
    hook: Hook
    undo: Hook | None = None


def woven(plan: Plan, placed: Sequence[Placed]) -> Plan:
    """The plan with these hooks; those of one moment in the order given."""
    if not placed:
        return plan
    steps = plan.steps
    for moment in Moment:
        hooks = tuple(one.hook for one in placed if one.moment is moment)
        place = _place(plan, steps, moment)
        if hooks and 0 < place < len(steps) and isinstance(steps[place - 1], Gate):
            place -= 1  # what takes its time does so before the gate, not behind it
        steps = (*steps[:place], *hooks, *steps[place:])
    undone = [one for one in reversed(placed) if one.undo is not None]
    first = tuple(one.undo for one in undone if one.undo is not None and one.hook.breaks is not None)
    last = tuple(one.undo for one in undone if one.undo is not None and one.hook.breaks is None)
    ahead = sum(isinstance(step, Flag) for step in plan.way_back[:1])  # a feature is off before all else
    back = (*plan.way_back[:ahead], *first, *plan.way_back[ahead:], *last)
    return plan.model_copy(update={"steps": steps, "way_back": back})


def _place(plan: Plan, steps: tuple[Step, ...], moment: Moment) -> int:
    """The index of the step before which it belongs."""
    new = plan.new.id
    match moment:
        case Moment.BEFORE_START:
            return _first(steps, [i for i, s in enumerate(steps) if isinstance(s, Scale) and s.release == new])
        case Moment.BEFORE_USERS:
            return _first(steps, [i for i, s in enumerate(steps) if isinstance(s, Expose) and s.share(new)])
        case Moment.BEFORE_PROMOTION:
            return _first(steps, _promotions(steps, new))
        case Moment.AFTER_PROMOTION:
            return _first(steps, [i + 1 for i in _promotions(steps, new)])
        case Moment.AT_THE_END:
            return len(steps)
        case _:
            assert_never(moment)


def _promotions(steps: tuple[Step, ...], new: str) -> list[int]:
    return [i for i, step in enumerate(steps) if isinstance(step, Promote) and step.release == new]


def _first(steps: tuple[Step, ...], found: list[int]) -> int:
    return found[0] if found else len(steps)


def command(
    name: str,
    moment: Moment,
    program: Program,
    *,
    undo: Program | None = None,
    check: Program | None = None,
    attempts: int = 1,
    repeatable: bool = False,
    approval: bool = False,
) -> Placed:
    """A program of the service's own as a hook."""
    taken_back = None
    if undo is not None:
        taken_back = Hook(
            name=f"undo {name}",
            title=f"Take back {name}",
            program=undo,
            undoes=name,
            repeatable=True,
            attempts=3,
        )
    hook = Hook(
        name=name,
        title=f"Run {name}",
        program=program,
        check=check,
        attempts=attempts,
        repeatable=repeatable,
        approval=approval,
    )
    return Placed(moment=moment, hook=hook, undo=taken_back)
