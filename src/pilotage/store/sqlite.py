"""The Store port on SQLite: for one machine, any number of its processes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pilotage.core.environment import Environment, Glance
from pilotage.core.events import Event, Message, Order
from pilotage.core.evidence import Statement
from pilotage.core.judging import Snapshot
from pilotage.core.keeping import Row
from pilotage.core.readiness import Tick
from pilotage.core.retention import Pruned
from pilotage.core.state import State
from pilotage.ports import Change, Held
from pilotage.store import leases, reading, telemetry, vault
from pilotage.store.commit import commit
from pilotage.store.database import Database
from pilotage.store.schema import HISTORY


class SqliteStore:
    """History in one file, synced to disk with every commit; telemetry beside it, not synced.

    Calls work at once, in the caller's thread, and take well under a millisecond unless the disk is slow.
    What is written about leases alone is not synced: after a power cut all holders are dead anyway.
    """

    def __init__(self, history: Database, telemetry: Database) -> None:
        self._history = history
        self._telemetry = telemetry

    @classmethod
    def open(cls, path: Path) -> SqliteStore:
        """``path`` is the history's file; telemetry's is beside it (``x.db``: ``x-telemetry.db``).

        Makes what is missing: the folder with mode 0700, the files with 0600. Raises StoreError: it is no
        file, cannot be made or read, is damaged, not ours, or from a newer Pilotage (and then untouched).
        """
        history = Database.open(path, HISTORY)
        try:
            beside = path.with_name(f"{path.stem}-telemetry{path.suffix}")
            return cls(history, telemetry.open_telemetry(beside))
        except BaseException:
            history.close()
            raise

    async def commit(self, *changes: Change, environment: Environment | None = None) -> None:
        await self._history.write(lambda db: commit(db, changes, environment), durable=True)

    async def claim(
        self,
        owner: str,
        now: datetime,
        ttl: timedelta,
        limit: int,
        environments: Collection[str] | None = None,
    ) -> list[tuple[Held, State]]:
        # A worker with nothing to do asks often; it must not take the write lock for that.
        if not await self._history.read(lambda db: leases.any_due(db, now)):
            return []
        return await self._history.write(
            lambda db: leases.claim(db, owner, now, ttl, limit, environments), durable=False
        )

    async def renew(self, owner: str, now: datetime, ttl: timedelta, rollouts: Collection[str]) -> None:
        await self._history.write(lambda db: leases.renew(db, owner, now, ttl, rollouts), durable=False)

    async def take_over(self) -> None:
        await self._history.write(leases.take_over, durable=False)

    async def release(self, held: Held, wake: datetime) -> None:
        await self._history.write(lambda db: leases.release(db, held, wake), durable=False)

    async def send(
        self, rollout: str, order: Order, by: str, at: datetime, reason: str = "", key: str | None = None
    ) -> Message:
        return await self._history.write(
            lambda db: leases.send(db, rollout, order, by, at, reason, key), durable=True
        )

    async def messages(self, rollout: str, after: int) -> tuple[Message, ...]:
        return await self._history.read(lambda db: leases.messages(db, rollout, after))

    async def rollout(self, id: str) -> State:
        return await self._history.read(lambda db: reading.rollout(db, id))

    async def rollouts(
        self,
        service: str | None = None,
        environment: str | None = None,
        *,
        unfinished: bool = False,
        limit: int = 50,
    ) -> list[State]:
        return await self._history.read(
            lambda db: reading.rollouts(db, service, environment, limit, unfinished=unfinished)
        )

    async def events(self, rollout: str, after: int = 0) -> tuple[Event, ...]:
        return await self._history.read(lambda db: reading.events(db, rollout, after))

    async def environment(self, service: str, name: str) -> Environment:
        return await self._history.read(lambda db: reading.environment(db, service, name))

    async def environments(self) -> list[Environment]:
        return await self._history.read(reading.environments)

    async def tick(self, tick: Tick) -> None:
        await self._history.write(lambda db: reading.tick(db, tick), durable=True)

    async def ticks(self, plan: str) -> tuple[Tick, ...]:
        return await self._history.read(lambda db: reading.ticks(db, plan))

    async def attest(self, statement: Statement) -> None:
        await self._history.write(lambda db: reading.attest(db, statement), durable=True)

    async def statements(self, service: str) -> tuple[Statement, ...]:
        return await self._history.read(lambda db: reading.statements(db, service))

    async def record(self, rollout: str, number: int, snapshot: Snapshot) -> None:
        await self._telemetry.write(lambda db: telemetry.record(db, rollout, number, snapshot), durable=False)

    async def snapshots(self, rollout: str, after: int = 0) -> list[tuple[int, Snapshot]]:
        return await self._telemetry.read(lambda db: telemetry.snapshots(db, rollout, after))

    async def checkpoint(self, rollout: str, number: int, judge: dict[str, Any]) -> None:
        await self._telemetry.write(lambda db: telemetry.checkpoint(db, rollout, number, judge), durable=False)

    async def last_checkpoint(self, rollout: str) -> tuple[int, dict[str, Any]] | None:
        return await self._telemetry.read(lambda db: telemetry.last_checkpoint(db, rollout))

    async def put_glance(self, rollout: str, glance: Glance) -> None:
        await self._telemetry.write(lambda db: telemetry.put_glance(db, rollout, glance), durable=False)

    async def glance(self, rollout: str) -> Glance | None:
        return await self._telemetry.read(lambda db: telemetry.glance(db, rollout))

    async def remembered(self) -> tuple[str, ...]:
        orders = await self._history.read(
            lambda db: {id for (id,) in db.execute("SELECT DISTINCT rollout FROM messages")}
        )
        return tuple(sorted(orders | await self._telemetry.read(telemetry.remembered)))

    async def weight(self, rollout: str) -> dict[str, int]:
        orders = await self._history.read(lambda db: len(leases.messages(db, rollout, 0)))
        return {**await self._telemetry.read(lambda db: telemetry.weight(db, rollout)), "messages": orders}

    async def forget(self, rollout: str, at: datetime) -> None:
        await self._history.write(lambda db: leases.forget(db, rollout), durable=True)
        await self._telemetry.write(lambda db: telemetry.forget(db, rollout, at), durable=False)

    async def pruned(self, rollout: str) -> Pruned | None:
        return await self._telemetry.read(lambda db: telemetry.pruned(db, rollout))

    def everything(self) -> Iterator[Row]:
        return vault.everything(self._history.path, self._telemetry.path)

    async def put_everything(self, rows: Callable[[], Iterable[Row]], *, replace: bool) -> None:
        await vault.put_everything(self._history, self._telemetry, rows, replace=replace)

    async def close(self) -> None:
        self._history.close()
        self._telemetry.close()
