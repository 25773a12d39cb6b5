"""Observes the world of one rollout through the ports. What can not be seen is said, never guessed."""

from __future__ import annotations

from dataclasses import dataclass, field

from pilotage.core.flags import FlagSeen
from pilotage.core.fleet import Instance, Preparation
from pilotage.core.routing import RouterSeen
from pilotage.core.state import State, Status
from pilotage.core.steps import Prepare
from pilotage.core.turn import EnvironmentSeen
from pilotage.core.world import routing_due
from pilotage.engine.asking import ask_for, ask_for_all
from pilotage.errors import Problem
from pilotage.ports import Reach, Store


@dataclass
class Look:
    """What one look at the world found."""

    instances: tuple[Instance, ...] | None = None
    router: RouterSeen | None = None
    flag: FlagSeen | None = None
    preparations: dict[str, Preparation] = field(default_factory=dict)
    trouble: list[Problem] = field(default_factory=list)


async def look(state: State, reach: Reach) -> Look:
    """Everything that decide needs to see of the world now."""
    found = Look()
    if state.status not in (Status.RUNNING, Status.ROLLING_BACK):
        return found
    plan = state.plan
    target, router = f"the target {plan.target.kind}", f"the router {plan.router.kind}"
    trouble = found.trouble
    found.instances = await ask_for_all(Instance, lambda: reach.target.observe(), target, trouble)
    if routing_due(state):
        found.router = await ask_for(RouterSeen, lambda: reach.router.observe(), router, trouble)
    else:
        found.router = RouterSeen(running=False)
    flags, key = reach.flags, plan.flag_key
    if flags is not None and key is not None:
        found.flag = await ask_for(FlagSeen, lambda: flags.observe(key), "the source of flags", trouble)
    step = state.step
    if isinstance(step, Prepare) and f"prepare:{step.release}" in state.intents:
        release = plan.release(step.release)
        preparation = await ask_for(Preparation, lambda: reach.target.prepare(release), target, trouble)
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
