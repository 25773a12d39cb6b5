"""What a feature flag is before a release that has to do with it."""

from __future__ import annotations

from pilotage.core.environment import Environment
from pilotage.core.flags import FlagRule, FlagSeen
from pilotage.core.plan import Plan
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.flags import flagd
from pilotage.ports import Flags, Reach, Store


async def flag_before(store: Store, known: Environment, flags: Flags, key: str) -> FlagSeen:
    """What the flag will be when a rollout planned now begins, and what its way back leads to.

    PilotageError when users have the feature already: bringing the version out with it off would take it from
    them.
    """
    holder = await store.rollout(known.holder) if known.holder else None
    if holder is not None and not holder.status.final and holder.plan.flag_key == key:
        before = holder.plan.basis.flag
        if before is not None and before.exists:
            return before
        return flagd.seen(key, flagd.compiled(FlagRule(key=key)))
    seen = await flags.observe(key)
    if not seen.nobody:
        raise PilotageError(_on(key), exit_code=ExitCode.BLOCKED)
    return seen


async def check_flag(plan: Plan, reach: Reach) -> list[Problem]:
    """Whether the flag could be changed, and is still what the plan was made for; touches nothing."""
    key, meant = plan.flag_key, plan.basis.flag
    if plan.restores or key is None or reach.flags is None or plan.flags is None:
        return []
    problems = type(reach.flags).check_settings(plan.flags.settings) or await reach.flags.check(key)
    if problems or meant is None or (await reach.flags.observe(key)).revision == meant.revision:
        return problems
    what = f"this plan is void: the flag {key} has changed since it was made"
    return [Problem(code="plan.void", what=what, mend="make the plan anew: `pilotage plan`")]


def _on(key: str) -> Problem:
    return Problem(
        code="flags.already-on",
        what=f"the flag {key} is on for users already, or it can not be told that it is off",
        why="the version would be brought out with its feature off, and that would take it from them",
        mend="turn it off first, or use a new key: a change to a feature is a feature of its own",
    )
