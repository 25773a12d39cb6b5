"""Observes the world of one rollout through the ports. What can not be seen is said, never guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TypeVar

from pilotage.core.flags import FlagSeen
from pilotage.core.fleet import Instance, Preparation
from pilotage.core.routing import RouterSeen
from pilotage.core.state import State, Status
from pilotage.core.steps import Prepare
from pilotage.core.turn import EnvironmentSeen
from pilotage.core.world import routing_due
from pilotage.errors import PilotageError, Problem
from pilotage.ports import Reach, Store

PATIENCE = 15.0
"""Seconds that one call of an adapter may take; a hung adapter must not stop a rollout for ever."""

T = TypeVar("T")


@dataclass
class Look:
    """What one look at the world found."""

    instances: tuple[Instance, ...] | None = None
    router: RouterSeen | None = None
    flag: FlagSeen | None = None
    preparations: dict[str, Preparation] = field(default_factory=dict)
    trouble: list[Problem] = field(default_factory=list)


async def ask(call: Awaitable[T], name: str, trouble: list[Problem], patience: float | None = None) -> T | None:
    """One adapter call; its failure, its silence or its nonsense becomes a Problem."""
    patience = PATIENCE if patience is None else patience
    try:
        async with asyncio.timeout(patience):
            return await call
    except PilotageError as error:
        trouble.extend(error.problems)
    except TimeoutError:
        what = f"{name} did not answer within {patience:g} s"
        trouble.append(Problem(code="adapter.silent", what=what, mend="see whether it still runs"))
    except Exception as error:  # an adapter is a stranger's code: whatever it raises is told, not fatal
        what = f"{name} failed unexpectedly: {type(error).__name__}: {error}"
        trouble.append(Problem(code="adapter.broken", what=what, mend="report it to whoever wrote the adapter"))
    return None


def believable(answers: tuple[object, ...], kind: type, name: str, trouble: list[Problem]) -> bool:
    """Whether an adapter answered with what its port promises; nonsense becomes a Problem."""
    wrong = [answer for answer in answers if not isinstance(answer, kind)]
    if wrong:
        what = f"{name} answered with {type(wrong[0]).__name__} instead of {kind.__name__}"
        trouble.append(Problem(code="adapter.broken", what=what, mend="report it to whoever wrote the adapter"))
    return not wrong


async def look(state: State, reach: Reach) -> Look:
    """Everything that decide needs to see of the world now."""
    found = Look()
    if state.status not in (Status.RUNNING, Status.ROLLING_BACK):
        return found
    plan = state.plan
    target, router = f"the target {plan.target.kind}", f"the router {plan.router.kind}"
    instances = await ask(reach.target.observe(), target, found.trouble)
    if instances is not None and believable(tuple(instances), Instance, target, found.trouble):
        found.instances = tuple(instances)
    if routing_due(state):
        seen = await ask(reach.router.observe(), router, found.trouble)
        if seen is not None and believable((seen,), RouterSeen, router, found.trouble):
            found.router = seen
    else:
        found.router = RouterSeen(running=False)
    if plan.flag_key is not None and reach.flags is not None:
        flag = await ask(reach.flags.observe(plan.flag_key), "the source of flags", found.trouble)
        if flag is not None and believable((flag,), FlagSeen, "the source of flags", found.trouble):
            found.flag = flag
    step = state.step
    if isinstance(step, Prepare) and f"prepare:{step.release}" in state.intents:
        release = plan.release(step.release)
        preparation = await ask(reach.target.prepare(release), target, found.trouble)
        if preparation is not None:
            found.preparations[step.release] = preparation
    return found


async def look_at_environment(state: State, store: Store) -> EnvironmentSeen | None:
    """Who holds the environment, for a rollout that waits for it."""
    if state.status is not Status.QUEUED:
        return None
    environment = await store.environment(state.plan.service, state.plan.environment)
    live = environment.live
    return EnvironmentSeen(holder=environment.holder, live=live.release.id if live else None)
