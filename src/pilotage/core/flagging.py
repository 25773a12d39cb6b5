"""The feature of a rollout: which flag is wanted, what is noticed about it, and what is done about the
difference.

The wanted flag is that of the last step entered, recomputed at every pass; what is in effect is read back.
Turning it off waits for nothing: neither for a look at the instances, nor for the router.
"""

from __future__ import annotations

from pilotage.core import events as e
from pilotage.core import world
from pilotage.core.effects import backing_off, give
from pilotage.core.flags import FlagRule, FlagSeen
from pilotage.core.state import State, Status
from pilotage.core.steps import Flag
from pilotage.core.turn import SOON, SetFlag, Turn
from pilotage.core.values import percent

INTENT = "flag"


def wanted(state: State) -> FlagRule | FlagSeen | None:
    """What the flag should be; None: no step was about it yet."""
    last = None
    for step in world.walked(state):
        if isinstance(step, Flag):
            last = step.flag
    return last


def confirmed(turn: Turn) -> bool:
    """It was read back just now, and is recorded, as it should be."""
    asked, seen = wanted(turn.state), turn.seen.flag
    if asked is None or seen is None:
        return False
    return seen.revision == asked.revision == turn.state.flag_revision


def may_be_shown(turn: Turn, step: Flag) -> bool:
    """A feature comes to users only while the version that has it is well."""
    return step.flag.nobody or world.healthy(turn.instances, turn.state.plan.new.id) > 0


def told(flag: FlagRule | FlagSeen) -> str:
    """``new-checkout for 10 % of users``."""
    if isinstance(flag, FlagSeen):
        return f"{flag.key} as before" if flag.exists else f"no flag {flag.key}, as before"
    return f"{flag.key} off" if flag.nobody else f"{flag.key} for {percent(flag.share)} of users"


def notice(turn: Turn) -> None:
    """Records what the flag was seen to be, and that it is something else than what it had been."""
    state, seen = turn.state, turn.seen.flag
    asked = wanted(state) if state.status in (Status.RUNNING, Status.ROLLING_BACK) else None
    if asked is None or seen is None:
        return
    if seen.revision == asked.revision:
        if state.flag_revision != asked.revision:
            first = state.flagged_at is None and isinstance(asked, FlagRule) and not asked.nobody
            ramped = e.Ramped(
                at=turn.now, flag=asked.key, share=asked.share, revision=asked.revision, first=first
            )
            turn.record(ramped)
    elif state.flag_revision == asked.revision and _asked_last(state, asked.revision):
        turn.record(e.FlagDrifted(at=turn.now, flag=asked.key, wanted=asked.revision, seen=seen.revision))
        if not state.back and not asked.nobody and seen.nobody and seen.revision not in _ours(state):
            turn.turn_back(e.Cause.ASKED, f"the flag {asked.key} was turned off by another hand")


def _asked_last(state: State, revision: str) -> bool:
    intent = state.intents.get(INTENT)
    return intent is not None and intent.done and intent.value == revision


def _ours(state: State) -> set[str]:
    """What an effect of ours may have left that came late."""
    plan = state.plan
    return {step.flag.revision for step in (*plan.steps, *plan.way_back) if isinstance(step, Flag)}


def command(turn: Turn) -> None:
    """Adds the change of the flag, its intent recorded first. On the way back also when it can not be seen."""
    state, seen = turn.state, turn.seen.flag
    if state.status not in (Status.RUNNING, Status.ROLLING_BACK) or backing_off(turn):
        return
    asked = wanted(state)
    if asked is None or (seen is None and not state.back):
        return
    if seen is None or seen.revision != asked.revision:
        give(turn, INTENT, asked.revision, f"set {told(asked)}", SetFlag(flag=asked))
        turn.wake_in(SOON)
