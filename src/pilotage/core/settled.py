"""Whether a step holds, and what becomes of one that cannot."""

from __future__ import annotations

from dataclasses import dataclass

from pilotage.core import events as e
from pilotage.core.inputs import Inputs
from pilotage.core.turn import TICK, Turn
from pilotage.errors import Problem


@dataclass(frozen=True)
class Settled:
    """Whether a step holds; if so, a note for the record."""

    done: bool
    note: str = ""
    inputs: Inputs | None = None
    """Of the verdict that it rests on."""


WAITING = Settled(done=False)


def give_up(turn: Turn, problem: Problem, cause: e.Cause = e.Cause.FAILED) -> Settled:
    """Forward: turn back. On the way back there is no giving up: say what is wrong and go on trying."""
    if turn.state.back:
        turn.trouble(problem)
        turn.wake_in(TICK)
    else:
        why = (problem.what, problem.why) if problem.why else (problem.what,)
        turn.turn_back(cause, *why, problem=problem)
    return WAITING
