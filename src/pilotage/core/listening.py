"""What people ask of a rollout, and a queued rollout's wait for its turn."""

from __future__ import annotations

from typing import assert_never

from pilotage.core import events as e
from pilotage.core import gating, mirroring
from pilotage.core.returning import no_return
from pilotage.core.running import settle_order
from pilotage.core.state import Status
from pilotage.core.turn import TICK, Turn
from pilotage.errors import Problem


def listen(turn: Turn) -> None:
    """Takes in every message not heard yet, in order."""
    fresh = [message for message in turn.seen.messages if message.number > turn.state.heard]
    for message in fresh:
        if turn.state.status.final:
            _refuse(turn, message, "the rollout has ended")
        else:
            _follow(turn, message)
    if fresh:
        turn.record(e.Heard(at=turn.now, upto=fresh[-1].number))


def _follow(turn: Turn, message: e.Message) -> None:
    state, by, at = turn.state, message.by, turn.now
    match message.order:
        case e.Order.PAUSE:
            if state.back:
                _refuse(turn, message, "a way back is never paused")
            elif state.paused_by is not None:
                _refuse(turn, message, f"{state.paused_by} has paused it already")
            else:
                turn.record(e.Paused(at=at, by=by, reason=message.reason))
        case e.Order.RESUME:
            if state.paused_by is None:
                _refuse(turn, message, "it is not paused")
            else:
                turn.record(e.Resumed(at=at, by=by))
        case e.Order.PROMOTE | e.Order.PROMOTE_FULL:
            if state.back:
                _refuse(turn, message, "it is on its way back")
            elif (
                why := mirroring.only_signed(state) or gating.needs_reason(state, message.reason)
            ) is not None:
                _refuse(turn, message, why)
            else:
                full = message.order is e.Order.PROMOTE_FULL
                turn.record(e.Continued(at=at, by=by, full=full, reason=message.reason))
        case e.Order.HOOK_DONE | e.Order.HOOK_AGAIN:
            why_not = settle_order(turn, message)
            if why_not is not None:
                _refuse(turn, message, why_not)
        case e.Order.SIGN_OFF:
            digest, _, reason = message.reason.partition(" ")
            if (why := mirroring.cannot_sign(state, digest)) is not None:
                _refuse(turn, message, why)
            else:
                turn.record(e.SignedOff(at=at, by=by, digest=digest, reason=reason))
        case e.Order.ABORT | e.Order.ROLLBACK | e.Order.SUPERSEDE:
            _go_back(turn, message)
        case _:
            assert_never(message.order)


def _go_back(turn: Turn, message: e.Message) -> None:
    state = turn.state
    if state.status is Status.QUEUED:
        turn.record(
            e.Finished(
                at=turn.now, by=message.by, ending=e.Ending.VOID, why="taken out of the queue before it began"
            )
        )
    elif state.back:
        return
    elif state.released and message.order is not e.Order.ROLLBACK:
        _refuse(turn, message, "it is promoted already; `pilotage rollback` takes it back")
    elif state.released and state.plan.old is None:
        _refuse(turn, message, "it is promoted already, and nothing ran before it")
    elif state.past_return is not None:
        problem = no_return(state, state.past_return)
        turn.record(e.Refused(at=turn.now, by=message.by, message=message.order.value, problem=problem))
    else:
        whole = message.order is e.Order.ROLLBACK
        cause = e.Cause.SUPERSEDED if message.order is e.Order.SUPERSEDE else e.Cause.ASKED
        turn.turn_back(cause, message.reason or f"{message.by} asked for it", by=message.by, whole=whole)


def _refuse(turn: Turn, message: e.Message, why: str) -> None:
    problem = Problem(code=f"rollout.cannot-{message.order.value}", what=f"Cannot {message.order.value}: {why}")
    turn.record(e.Refused(at=turn.now, by=message.by, message=message.order.value, problem=problem))


def still_queued(turn: Turn) -> bool:
    """A queued rollout begins when the environment is free and still what its plan was made for."""
    if turn.state.status is not Status.QUEUED:
        return False
    environment = turn.seen.environment
    live = turn.state.plan.basis.live
    if environment is None:
        turn.wake_in(TICK)
        return True
    if environment.live != (live.id if live else None):
        why = "the environment runs another version now than the plan was made for"
        turn.record(e.Finished(at=turn.now, ending=e.Ending.VOID, why=why))
        return True
    if environment.holder not in (None, turn.state.id):
        turn.wake_in(TICK)
        return True
    turn.record(e.Started(at=turn.now))
    return False
