"""The Store port on PostgreSQL: for any number of processes on any number of machines."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from pilotage.core.environment import Environment, Glance
from pilotage.core.events import Event, Message, Order
from pilotage.core.evidence import Statement
from pilotage.core.judging import Snapshot
from pilotage.core.keeping import Row
from pilotage.core.readiness import Tick
from pilotage.core.retention import Pruned
from pilotage.core.state import State
from pilotage.ports import Change, Held
from pilotage.store.postgresql import clock, forgetting, leases, reading, telemetry, vault
from pilotage.store.postgresql.commit import commit, made
from pilotage.store.postgresql.database import Database, open_now
from pilotage.store.postgresql.presence import Living, Presence, living
from pilotage.store.postgresql.server import Server


class PostgresStore:
    """Every call is one transaction, tried again while the server can not be reached (``database.PATIENCE``).

    What is written about leases and telemetry alone is not synced to disk. A server that crashes may forget the
    last moment of it; a commit syncs all that was written before it, and before each effect there is a commit.
    """

    def __init__(self, database: Database, clock: clock.DatabaseClock) -> None:
        self._database = database
        self.clock = clock

    @classmethod
    def open(cls, server: Server, uptime: Callable[[], float] = time.monotonic) -> PostgresStore:
        """Makes what is missing in the database, or brings an older schema up to date.

        StoreError: it can not be reached or lets us not in, is not ours, or from a newer Pilotage (and then
        untouched).
        """

        def look(connection: Any) -> clock.Anchor:
            before = uptime()
            row = connection.execute(clock.LOOK).fetchone()
            return clock.Anchor.of(row, before, uptime())

        anchor = open_now(server, look)
        return cls(Database(server, "store"), clock.DatabaseClock(anchor, uptime))

    @property
    def server(self) -> Server:
        return self._database.server

    async def commit(self, *changes: Change, environment: Environment | None = None) -> None:
        await self._database.write_once(
            lambda db: commit(db, changes, environment), lambda db: made(db, changes, environment)
        )

    async def claim(
        self,
        owner: str,
        now: datetime,
        ttl: timedelta,
        limit: int,
        environments: Collection[str] | None = None,
    ) -> list[tuple[Held, State]]:
        return await self._database.write(
            lambda db: leases.claim(db, owner, now, ttl, limit, environments), durable=False
        )

    async def renew(self, owner: str, now: datetime, ttl: timedelta, rollouts: Collection[str]) -> None:
        await self._database.write(lambda db: leases.renew(db, owner, now, ttl, rollouts), durable=False)

    async def take_over(self) -> None:
        await self._database.write(leases.take_over, durable=False)

    async def release(self, held: Held, wake: datetime) -> None:
        await self._database.write(lambda db: leases.release(db, held, wake), durable=False)

    async def send(
        self, rollout: str, order: Order, by: str, at: datetime, reason: str = "", key: str | None = None
    ) -> Message:
        # Its own key, if it has none: it is sent once, also when an answer is lost.
        own = key if key is not None else f"once {uuid4()}"
        return await self._database.write(
            lambda db: leases.send(db, rollout, order, by, at, reason, own), durable=True
        )

    async def messages(self, rollout: str, after: int) -> tuple[Message, ...]:
        return await self._database.read(lambda db: leases.messages(db, rollout, after))

    async def rollout(self, id: str) -> State:
        return await self._database.read(lambda db: reading.rollout(db, id))

    async def rollouts(
        self,
        service: str | None = None,
        environment: str | None = None,
        *,
        unfinished: bool = False,
        limit: int = 50,
    ) -> list[State]:
        return await self._database.read(
            lambda db: reading.rollouts(db, service, environment, limit, unfinished=unfinished)
        )

    async def events(self, rollout: str, after: int = 0) -> tuple[Event, ...]:
        return await self._database.read(lambda db: reading.events(db, rollout, after))

    async def environment(self, service: str, name: str) -> Environment:
        return await self._database.read(lambda db: reading.environment(db, service, name))

    async def environments(self) -> list[Environment]:
        return await self._database.read(reading.environments)

    async def tick(self, tick: Tick) -> None:
        key = str(uuid4())
        await self._database.write(lambda db: reading.tick(db, tick, key), durable=True)

    async def ticks(self, plan: str) -> tuple[Tick, ...]:
        return await self._database.read(lambda db: reading.ticks(db, plan))

    async def attest(self, statement: Statement) -> None:
        await self._database.write(lambda db: reading.attest(db, statement), durable=True)

    async def statements(self, service: str) -> tuple[Statement, ...]:
        return await self._database.read(lambda db: reading.statements(db, service))

    async def record(self, rollout: str, number: int, snapshot: Snapshot) -> None:
        await self._database.write(lambda db: telemetry.record(db, rollout, number, snapshot), durable=False)

    async def snapshots(self, rollout: str, after: int = 0) -> list[tuple[int, Snapshot]]:
        return await self._database.read(lambda db: telemetry.snapshots(db, rollout, after))

    async def checkpoint(self, rollout: str, number: int, judge: dict[str, Any]) -> None:
        await self._database.write(lambda db: telemetry.checkpoint(db, rollout, number, judge), durable=False)

    async def last_checkpoint(self, rollout: str) -> tuple[int, dict[str, Any]] | None:
        return await self._database.read(lambda db: telemetry.last_checkpoint(db, rollout))

    async def put_glance(self, rollout: str, glance: Glance) -> None:
        await self._database.write(lambda db: telemetry.put_glance(db, rollout, glance), durable=False)

    async def glance(self, rollout: str) -> Glance | None:
        return await self._database.read(lambda db: telemetry.glance(db, rollout))

    def presence(self, name: str, environments: Collection[str] | None = None) -> Presence:
        """To be entered by the worker of this name; it is its bell."""
        return Presence(self._database, self.clock, name, environments)

    async def workers(self) -> list[Living]:
        """Those that live now, on any machine."""
        return await self._database.read(living)

    async def set_clock_right(self) -> None:
        """Follows the server's clock again. Only while no rollout is unfinished."""
        await self._database.write(clock.set_right, durable=True)
        await self._database.read(self.clock.learn)

    async def remembered(self) -> tuple[str, ...]:
        return await self._database.read(forgetting.remembered)

    async def weight(self, rollout: str) -> dict[str, int]:
        return await self._database.read(lambda db: forgetting.weight(db, rollout))

    async def forget(self, rollout: str, at: datetime) -> None:
        await self._database.write(lambda db: forgetting.forget(db, rollout, at), durable=True)

    async def pruned(self, rollout: str) -> Pruned | None:
        return await self._database.read(lambda db: forgetting.pruned(db, rollout))

    def everything(self) -> Iterator[Row]:
        return vault.everything(self.server)

    async def put_everything(self, rows: Callable[[], Iterable[Row]], *, replace: bool) -> None:
        vault.put_everything(self.server, rows(), replace=replace)

    async def close(self) -> None:
        await self._database.close()
