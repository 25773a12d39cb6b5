"""Take a whole environment down: every instance and the proxy. Nobody is served then."""

from __future__ import annotations

from datetime import datetime

from pilotage.core import events as e
from pilotage.core.environment import Environment, follow
from pilotage.core.fleet import Phase
from pilotage.core.state import State, apply
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.ports import Change, Clock, ReachOf, Store


def end_warm(holder: State, known: Environment, *, by: str, now: datetime, why: str) -> Change:
    """Finishes a rollout that only keeps its old side warm; that side is the caller's business then."""
    finished = e.Finished(
        at=now,
        by=by,
        ending=e.Ending.SUCCEEDED,
        why=why,
        handed_over=True,
        took=now - (holder.started or holder.created),
        routing=known.routing,
    )
    return Change(state=apply(holder, finished), events=(finished,), before=holder.events)


async def take_down(store: Store, reach_of: ReachOf, clock: Clock, known: Environment, *, by: str) -> list[str]:
    """Stops everything and says what it stopped. PilotageError while a rollout changes the environment."""
    plan = known.last_plan
    if plan is None:
        latest = await store.rollouts(known.service, known.name, limit=1)
        if not latest:
            return []
        plan = latest[0].plan
    known = await _free(store, await store.environment(known.service, known.name), by, clock.now())
    reach = reach_of(plan)
    running = [i.id for i in await reach.target.observe() if i.exists]
    proxy = (await reach.router.observe()).running if known.stopped is None else False
    # Said first: who watches over environments at rest must not start again what is stopped here.
    await store.commit(environment=known.model_copy(update={"stopped": clock.now()}))
    await reach.router.stop()
    await reach.target.stop(running)
    while left := [i for i in await reach.target.observe() if i.exists]:
        # What was on its way from there all the same.
        await reach.target.stop([i.id for i in left if i.phase is not Phase.STOPPING])
        await clock.sleep(0.1)
    return [*running, *([f"the {plan.router.kind} on {plan.router.listen}"] if proxy else [])]


async def _free(store: Store, known: Environment, by: str, now: datetime) -> Environment:
    """The environment held by nobody: its worker must not start again what is stopped here."""
    if known.holder is None:
        return known
    holder = await store.rollout(known.holder)
    if holder.status.final:
        return known
    if not holder.warm:
        raise PilotageError(_busy(holder), exit_code=ExitCode.BLOCKED)
    change = end_warm(holder, known, by=by, now=now, why="its environment is taken down")
    freed = follow(known, holder.id, holder.plan, change.events)
    await store.commit(change, environment=freed)
    return await store.environment(known.service, known.name)


def _busy(holder: State) -> Problem:
    return Problem(
        code="environment.busy",
        what=f"{holder.id} is changing this environment ({holder.status.value})",
        mend="wait for it, or `pilotage abort` first",
    )


def ended(rollout: State, order: e.Order) -> Problem:
    return Problem(
        code=f"rollout.cannot-{order.value}",
        what=f"{rollout.id} has ended ({rollout.status.value}): there is nothing to {order.value}",
        mend="`pilotage history` lists all; `pilotage rollback` takes a finished release back",
    )
