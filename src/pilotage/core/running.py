"""Hooks: begun once, recorded before that, and never done twice.

    notice        records what became of those that were begun, wherever the rollout stands
    settle_hook   whether the step holds; what keeps it waiting
    command       commands the current step's hook, once
    settle_order  a person says what became of one of which nobody knows

Of a hook whose end nobody saw the database is asked, then its own check; one that can be repeated is repeated;
of all others a person is asked. Doubt holds.
"""

from __future__ import annotations

from datetime import timedelta

from pilotage.core import effects
from pilotage.core import events as e
from pilotage.core.hooks import Outcome, Phase, Ran, Sighting
from pilotage.core.settled import WAITING, Settled, give_up
from pilotage.core.state import State, Status, run_key
from pilotage.core.steps import Hook
from pilotage.core.turn import RECHECK, SOON, TICK, RunProgram, Turn
from pilotage.errors import Problem

TRY_AGAIN = timedelta(seconds=5)
"""Between two tries of a hook that may be repeated."""
ASK = "say what became of it: `pilotage settle --done` if it is done, `pilotage settle --again` to run it again"


def hooks_of(state: State) -> tuple[Hook, ...]:
    """All hooks of a plan, forward and back."""
    return tuple(step for step in (*state.plan.steps, *state.plan.way_back) if isinstance(step, Hook))


def open_hooks(state: State) -> tuple[Hook, ...]:
    """Those that were begun and of which no end is recorded."""
    return tuple(h for h in hooks_of(state) if state.begun(h) and state.attempt(h.name).outcome is None)


def notice(turn: Turn) -> None:
    """Records what became of every hook that was begun, as soon as it is seen."""
    for hook in open_hooks(turn.state):
        seen = _sighted(turn, hook)
        if seen is None or (hook.migration is not None and turn.seen.revision is None):
            continue
        if seen.phase is Phase.ENDED:
            _ended(turn, hook, seen)
        elif seen.phase is Phase.LOST:
            _lost(turn, hook, seen)


def _sighted(turn: Turn, hook: Hook) -> Sighting | None:
    """What is known of it. What was begun in another runner's memory, or is not in the memory that took it in,
    is lost: it may have been done."""
    seen = turn.seen.hooks.get(hook.name)
    intent = turn.state.intents[run_key(hook.name, turn.state.attempt(hook.name).attempt)]
    if seen is None or seen.phase is not Phase.NEVER:
        return seen
    elsewhere = intent.value != seen.place
    return seen.model_copy(update={"phase": Phase.LOST}) if elsewhere or intent.done else seen


def _ended(turn: Turn, hook: Hook, seen: Sighting) -> None:
    """Of a change, the database says whether it was made; of all others, the exit code."""
    change, revision = hook.migration, turn.seen.revision
    code = seen.detail or f"it ended with exit code {seen.code}"
    if change is not None and revision == change.after:
        _record(turn, hook, Outcome.DONE, "" if seen.code == 0 else f"{code}; the database shows it", seen.tail)
    elif seen.code != 0:
        _record(turn, hook, Outcome.FAILED, code, seen.tail)
    elif change is not None:
        detail = f"it said that it was done, and the database is at {revision} instead of {change.after}"
        _record(turn, hook, Outcome.FAILED, detail, seen.tail)
    else:
        _record(turn, hook, Outcome.DONE, "", seen.tail)


def _lost(turn: Turn, hook: Hook, seen: Sighting) -> None:
    """Nobody saw its end. What may be known otherwise is; else it is unknown."""
    change = hook.migration
    if change is not None and turn.seen.revision == change.after:
        _record(turn, hook, Outcome.DONE, "its end was not seen; the database shows it", seen.tail)
    elif change is not None and change.atomic and _within(hook, turn.seen.revision):
        _again(turn, hook, f"its end was not seen, and the database is at {turn.seen.revision}")
    elif (checked := turn.seen.checked.get(hook.name)) is not None:
        if checked:
            _record(turn, hook, Outcome.DONE, "its end was not seen; its check says that it is done", seen.tail)
        else:
            _again(turn, hook, "its end was not seen; its check says that it is not done")
    elif hook.repeatable:
        _again(turn, hook, "its end was not seen, and it may be repeated")
    else:
        _record(turn, hook, Outcome.UNKNOWN, "it was begun, and nobody saw how it ended", seen.tail)


def _within(hook: Hook, revision: str | None) -> bool:
    return hook.migration is not None and revision in (hook.migration.before, *hook.migration.revisions)


def _record(turn: Turn, hook: Hook, outcome: Outcome, detail: str, tail: str, by: str = e.PILOTAGE) -> None:
    attempt = turn.state.attempt(hook.name).attempt
    revision = turn.seen.revision if hook.migration is not None else None
    turn.record(
        e.HookEnded(
            at=turn.now,
            by=by,
            hook=hook.name,
            attempt=attempt,
            outcome=outcome,
            detail=detail,
            tail=tail,
            revision=revision,
        )
    )


def _again(turn: Turn, hook: Hook, reason: str, by: str = e.PILOTAGE) -> None:
    attempt = turn.state.attempt(hook.name).attempt + 1
    turn.record(e.HookAgain(at=turn.now, by=by, hook=hook.name, attempt=attempt, reason=reason))


def settle_hook(turn: Turn, hook: Hook) -> Settled:
    """Does the step hold? Turns back when a forward one has failed, unless the new version is promoted."""
    ran = turn.state.attempt(hook.name)
    if ran.outcome is Outcome.DONE:
        return Settled(done=True, note=_note(hook, ran))
    if hook.undoes is not None and hook.migration is None and not _was_begun(turn.state, hook.undoes):
        return Settled(done=True, note="nothing to take back")
    if ran.outcome is Outcome.FAILED:
        return _failed(turn, hook, ran)
    if ran.outcome is Outcome.UNKNOWN:
        what = f"Nobody knows whether `{hook.title}` was done: holding"
        return _hold(turn, Problem(code="hook.unknown", what=what, why=_why(ran), mend=ASK))
    if turn.state.begun(hook):
        turn.wake_in(SOON)
        return WAITING
    return _not_begun(turn, hook)


def _was_begun(state: State, name: str) -> bool:
    return name in state.hooks or run_key(name, 1) in state.intents


def _not_begun(turn: Turn, hook: Hook) -> Settled:
    change, revision = hook.migration, turn.seen.revision
    if change is not None:
        if revision is None:
            turn.wake_in(TICK)
            return WAITING
        if revision == change.after and not open_hooks(turn.state):
            return Settled(done=True, note=f"the database is at {revision}")
        if not _within(hook, revision):
            return _hold(turn, _drift(hook, revision))
    turn.wake_in(RECHECK if _awaits_person(turn.state, hook) else SOON)
    return WAITING


def _awaits_person(state: State, hook: Hook) -> bool:
    return hook.approval and not state.continued and state.attempt(hook.name).attempt == 1


def _drift(hook: Hook, revision: str) -> Problem:
    assert hook.migration is not None
    what = f"The database is at {revision}: `{hook.title}` begins at {hook.migration.before}"
    why = "somebody else has changed it since the plan was made"
    mend = f"bring it to {hook.migration.before}, or to {hook.migration.after} if that is what was done"
    return Problem(code="database.drift", what=what, why=why, mend=mend)


def _failed(turn: Turn, hook: Hook, ran: Ran) -> Settled:
    if hook.repeatable and ran.attempt < hook.attempts and ran.at is not None:
        if turn.now - ran.at >= TRY_AGAIN:
            _again(turn, hook, f"attempt {ran.attempt} of {hook.attempts} failed")
        turn.wake_in(TICK)
        return WAITING
    problem = Problem(code="hook.failed", what=f"`{hook.title}` failed", why=_why(ran), mend=ASK)
    if turn.state.promoted == turn.state.plan.new.id and not turn.state.back:
        # Everybody has the new version, and it is well: what is left to do is no reason to take it away.
        return _hold(turn, problem)
    return give_up(turn, problem)


def _hold(turn: Turn, problem: Problem) -> Settled:
    turn.trouble(problem)
    turn.wake_in(TICK)
    return WAITING


def _why(ran: Ran) -> str:
    return "\n".join(filter(None, (ran.detail, ran.tail)))


def _note(hook: Hook, ran: Ran) -> str:
    if hook.migration is not None:
        return f"the database is at {ran.revision}"
    return ran.detail


def command(turn: Turn) -> None:
    """Commands the current step's hook, once it may begin and no other one runs."""
    hook = turn.state.step
    if not isinstance(hook, Hook) or turn.state.status not in (Status.RUNNING, Status.ROLLING_BACK):
        return
    if not effects.backing_off(turn):
        _begin(turn, hook)


def _begin(turn: Turn, hook: Hook) -> None:
    state, seen = turn.state, turn.seen.hooks.get(hook.name)
    ran = state.attempt(hook.name)
    if ran.outcome is not None or seen is None or seen.phase is not Phase.NEVER:
        return
    if (state.paused_by is not None and not state.back) or _awaits_person(state, hook):
        return
    if any(other.name != hook.name for other in open_hooks(state)):
        return
    if hook.migration is not None and (turn.seen.revision is None or not _within(hook, turn.seen.revision)):
        return
    key = run_key(hook.name, ran.attempt)
    intent = state.intents.get(key)
    if intent is not None and (intent.value != seen.place or intent.done):
        return
    told = hook.title[:1].lower() + hook.title[1:]
    attempt = f", attempt {ran.attempt}" if ran.attempt > 1 else ""
    effects.give(
        turn, key, seen.place, told + attempt, RunProgram(key=f"{state.id}/{key}", program=hook.program)
    )
    turn.wake_in(SOON)


def settle_order(turn: Turn, message: e.Message) -> str | None:
    """A person says what became of the current step's hook; why not, when there is nothing to say."""
    step = turn.state.step
    if not isinstance(step, Hook):
        return "no step that runs something is under way"
    if turn.state.attempt(step.name).outcome not in (Outcome.UNKNOWN, Outcome.FAILED):
        return f"it is known how far `{step.title}` is"
    reason = message.reason or f"{message.by} says so"
    if message.order is e.Order.HOOK_DONE:
        _record(turn, step, Outcome.DONE, reason, "", by=message.by)
    else:
        _again(turn, step, reason, by=message.by)
    return None
