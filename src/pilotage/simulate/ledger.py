"""The one true store of a simulation, as a database would be: everything is seen here once, in order.

What is handed out has been through JSON, as if a fresh process (or another version of Pilotage) had read it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pilotage.core.environment import Environment
from pilotage.core.events import EVENT
from pilotage.core.state import State, fold
from pilotage.ports import Change, Held, Store

if TYPE_CHECKING:
    from pilotage.simulate.world import World


class Ledger:
    """Passes every call on to a real store; what it accepted is shown to the laws."""

    def __init__(self, world: World, store: Store) -> None:
        self.world, self.store = world, store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def commit(self, *changes: Change, environment: Environment | None = None) -> None:
        await self.store.commit(*changes, environment=environment)
        if environment is not None and not changes:
            self.world.laws.tended(environment)
            self.world.trouble.trace(f"{environment.name} {environment.care.doing}")
        for change in changes:
            self.world.laws.committed(change, environment)
            kinds = " ".join(event.kind for event in change.events)
            self.world.trouble.trace(f"{change.state.id} {change.before} {kinds}")

    async def claim(
        self,
        owner: str,
        now: datetime,
        ttl: timedelta,
        limit: int,
        environments: Collection[str] | None = None,
    ) -> list[tuple[Held, State]]:
        claims = await self.store.claim(owner, now, ttl, limit, environments)
        fresh = []
        for held, state in claims:
            self.world.laws.claimed(held)
            again = await self.reread(held.rollout)
            self.world.laws.same(state, again)
            fresh.append((held, again))
        return fresh

    async def reread(self, rollout: str) -> State:
        """The state, folded anew from events that were written and read again."""
        events = await self.store.events(rollout)
        return fold(rollout, [EVENT.validate_json(event.model_dump_json()) for event in events])
