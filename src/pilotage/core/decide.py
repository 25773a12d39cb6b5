"""decide(state, seen, now): the only place where a decision is made. Pure.

    turn.py        what was seen, what is to be done, the turn while it is being made
    listening.py   what people ask; the queue
    safety.py      what was noticed about health and routing, and the reasons to turn back
    gating.py      windows and starts
    running.py     programs that must not be run twice
    flagging.py    who has the feature of this rollout
    progress.py    which steps hold in the world, one function a step
    effects.py     what to do about the difference between the wanted world and the seen one

The engine records the events before it performs a command, performs, looks again, and calls decide again.
So every command may be given twice; none does harm twice.
"""

from __future__ import annotations

from datetime import datetime

from pilotage.core import effects, flagging, listening, progress, running, safety
from pilotage.core import events as e
from pilotage.core.state import State
from pilotage.core.turn import RECHECK, Decision, Seen, Turn


def decide(state: State, seen: Seen, now: datetime) -> Decision:
    """What to record and do next. Raises nothing for any observation."""
    turn = Turn(state=state, seen=seen, now=now)
    listening.listen(turn)
    if turn.state.status.final:
        return _close(turn)
    if listening.still_queued(turn):
        return _close(turn)
    for problem in seen.trouble:
        turn.trouble(problem)
    safety.notice_routing(turn)
    safety.notice_health(turn)
    running.notice(turn)
    flagging.notice(turn)
    safety.guard(turn)
    progress.advance(turn)
    if not turn.state.status.final:
        flagging.command(turn)
        effects.command(turn)
        running.command(turn)
        _tell_problem(turn)
    return _close(turn)


def _tell_problem(turn: Turn) -> None:
    """A new trouble is raised once; when it is over that is recorded too."""
    held = turn.state.problem
    if turn.problem is not None:
        if held is None or held.code != turn.problem.code:
            turn.record(e.ProblemRaised(at=turn.now, problem=turn.problem))
    elif held is not None and not turn.state.failures:
        turn.record(e.ProblemCleared(at=turn.now, code=held.code))


def _close(turn: Turn) -> Decision:
    final = turn.state.status.final
    wake = None if final else min(turn.wakes, default=turn.now + RECHECK)
    return Decision(turn.state, tuple(turn.events), tuple(turn.effects), wake)
