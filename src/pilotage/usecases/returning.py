"""Take a running rollout back, or a finished one. Never blocked by a judge, a metric or an approval."""

from __future__ import annotations

from datetime import datetime

from pilotage.core import events as e
from pilotage.core.environment import Environment
from pilotage.core.plan import Plan
from pilotage.core.state import State
from pilotage.ports import Conflict, GroundOf, Store
from pilotage.usecases.planning import plan_restore
from pilotage.usecases.releasing import start


async def way_back(store: Store, known: Environment) -> Plan | State:
    """What ``roll_back`` would do: turn this running rollout back, or execute this plan."""
    if known.holder is not None:
        holder = await store.rollout(known.holder)
        if not holder.status.final:
            return holder
    return plan_restore(known)


async def roll_back(
    store: Store, reach_of: GroundOf, known: Environment, *, by: str, now: datetime, reason: str = ""
) -> State:
    """Begins it, at once. The rollout that goes back, or the new one that restores."""
    found = await way_back(store, known)
    if isinstance(found, State):
        try:
            await store.send(found.id, e.Order.ROLLBACK, by, now, reason=reason)
            return found
        except Conflict:
            # It ended in this very moment: what it left is taken back instead.
            known = await store.environment(known.service, known.name)
            found = plan_restore(known)
    return await start(store, reach_of, found, by=by, now=now, reason=reason)
