"""The point of no return, told: what cannot come back, which version is safe, and what to do instead."""

from __future__ import annotations

from pilotage.core.state import State
from pilotage.core.steps import Hook
from pilotage.errors import Problem

PAST_RETURN = "rollout.past-return"


def no_return(state: State, crossed: Hook, *why: str) -> Problem:
    """Why this rollout does not turn back any more, although ``why`` would have it so."""
    new, old = state.plan.new.version, state.plan.old
    what = f"Past the point of no return: {old.version if old else 'what was before'} can not come back"
    cannot = f"it cannot live with what `{crossed.title}` has left"
    mend = (
        f"{new} is the last version that is safe: let it go on (`pilotage promote --full`), then release a "
        "version that mends it; or bring the data back as your recovery procedure says"
    )
    return Problem(code=PAST_RETURN, what=what, why="; ".join([cannot, *why]), mend=mend)
