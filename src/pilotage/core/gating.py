"""Gates: exposure grows within its windows and not before its start; or a person says why it may all the same.

Growing that has begun is finished when the window closes. Nothing here has to do with the way back.
"""

from __future__ import annotations

from datetime import datetime

from pilotage.core.settled import WAITING, Settled
from pilotage.core.state import State
from pilotage.core.steps import Gate
from pilotage.core.turn import RECHECK, TICK, Turn
from pilotage.core.windows import all_open, next_open
from pilotage.errors import Problem


def is_open(gate: Gate, at: datetime) -> bool:
    """Whether it lets pass by itself. One whose zone this machine does not know is closed."""
    try:
        return (gate.start is None or at >= gate.start.at) and all_open(gate.windows, at)
    except ValueError:
        return False


def opens(gate: Gate, now: datetime) -> datetime | None:
    """When it lets pass by itself, from ``now`` on; None: never."""
    try:
        return next_open(gate.windows, now if gate.start is None else max(now, gate.start.at))
    except ValueError:
        return None


def settle(turn: Turn, gate: Gate) -> Settled:
    """Whether it lets pass now; the worker is woken when it does."""
    state = turn.state
    if state.continued:
        return Settled(done=True, note=f"{state.continued_by} did not wait: {state.continue_reason}")
    if is_open(gate, turn.now):
        return Settled(done=True, note="open")
    at = opens(gate, turn.now)
    if at is None:
        mend = "`pilotage promote --reason …` lets it go on, `pilotage abort` ends it"
        what = "its window never opens: holding"
        why = "its windows are never open together, or this machine does not know their time zone"
        turn.trouble(Problem(code="rollout.never-open", what=what, why=why, mend=mend))
    else:
        turn.wakes.append(at)
    turn.wake_in(TICK if state.exposed_at else RECHECK)
    return WAITING


def needs_reason(state: State, reason: str) -> str | None:
    """Why somebody may not go on without waiting; None: they may."""
    if isinstance(state.step, Gate) and not state.back and not reason.strip():
        return "it waits for its window; who does not wait says why: `pilotage promote --reason …`"
    return None
