"""One worker among others that share a database: how they know that it lives, and how it hears what comes.

It has a connection of its own. On it the worker listens, and holds an advisory lock for as long as the server
believes that it lives: when its process is killed, its machine goes or the line is cut, the server gives up the
lock, and whoever sees that first frees its leases. A process that hangs keeps its lock; its leases run out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from random import uniform
from types import TracebackType
from typing import Any, NamedTuple, Self

import psycopg

from pilotage.ports import StoreError
from pilotage.store.postgresql import problems
from pilotage.store.postgresql.clock import DatabaseClock
from pilotage.store.postgresql.database import Connection, Database, check_version, connect, cut_when_silent
from pilotage.store.postgresql.leases import CHANNEL, SERVED
from pilotage.store.postgresql.schema import LOCKS
from pilotage.store.reading import FOLD
from pilotage.store.schema import micros

BEAT = 1.0
"""Seconds between two looks at who lives, and at the server's time."""
SILENCE = 4.0
"""Seconds without an answer after which the connection is cut and made anew."""
_AGAIN = (0.1, 0.6)
_REMIND = 30.0
"""Seconds between two words about a server that can not be reached."""
_LEAST = 0.05
"""Seconds between two looks, whatever is due: it may be somebody else's a moment later."""

log = logging.getLogger("pilotage.worker")

_ARRIVE = "INSERT INTO workers (name, environments) VALUES (%s, %s) RETURNING number"

_BURY = f"""
    WITH dead AS (
        DELETE FROM workers WHERE number <> %(me)s AND pg_try_advisory_xact_lock({LOCKS}, number)
        RETURNING name
    ), freed AS (
        UPDATE rollouts SET owner = NULL, lease_until = 0, wake = 0
        FROM dead WHERE owner = dead.name AND wake IS NOT NULL
        RETURNING id
    )
    SELECT (SELECT array_agg(name) FROM dead), (SELECT array_agg(id) FROM freed),
           (SELECT count(pg_notify('{CHANNEL}', id)) FROM freed)
"""
# Who gets its lock knows that it is gone, and that nobody else buries it at the same time.

_NEXT = f"""
    SELECT least(
        (SELECT wake FROM rollouts
         WHERE wake > %(now)s AND lease_until <= %(now)s AND fold <= %(fold)s AND {SERVED}
         ORDER BY wake LIMIT 1),
        (SELECT min(lease_until) FROM rollouts
         WHERE wake <= %(now)s AND owner <> %(me)s AND fold <= %(fold)s AND {SERVED})
    )
"""
# What sleeps until its time, and what somebody else holds who may not live.

_LIVING = f"""
    SELECT name, environments FROM workers WHERE NOT pg_try_advisory_xact_lock({LOCKS}, number) ORDER BY number
"""


class Living(NamedTuple):
    """A worker that lives, and what it serves (None: all)."""

    name: str
    environments: tuple[str, ...] | None

    def serves(self, service: str, environment: str) -> bool:
        names = {environment, f"{service}/{environment}"}
        return self.environments is None or not names.isdisjoint(self.environments)


async def living(db: Connection) -> list[Living]:
    rows = await (await db.execute(_LIVING)).fetchall()
    return [Living(name, None if served is None else tuple(served)) for name, served in rows]


class Presence:
    """Entered, the worker of this name is known to the others. It is the worker's Bell."""

    def __init__(
        self, database: Database, clock: DatabaseClock, name: str, environments: Collection[str] | None
    ) -> None:
        self.name = name
        self._environments = None if environments is None else list(environments)
        self._database = database
        self._clock = clock
        self._rung: dict[str | None, asyncio.Event] = {None: asyncio.Event()}
        self._failure: StoreError | None = None
        self._life: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._life = asyncio.create_task(self._live())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait([self._life])

    # The bell

    def expect(self, rollout: str) -> None:
        self._rung.setdefault(rollout, asyncio.Event())

    def forget(self, rollout: str) -> None:
        """Also looks again at once: it may have been given back because something came."""
        self._rung.pop(rollout, None)
        self._rung[None].set()

    def ring(self) -> None:
        for rung in self._rung.values():
            rung.set()

    async def rest(self, rollout: str | None, seconds: float) -> None:
        """StoreError when this worker must end: a newer Pilotage has come."""
        if rollout is None:
            if self._failure is not None:
                raise self._failure
            seconds = min(seconds, await self._until_next(seconds))
        rung = self._rung.setdefault(rollout, asyncio.Event())
        try:
            await asyncio.wait_for(rung.wait(), seconds)
        except TimeoutError:
            return
        finally:
            rung.clear()

    async def _until_next(self, most: float) -> float:
        """Seconds until a rollout is due that nobody has, or whose lease runs out."""
        now = micros(self._clock.now())
        values = {"me": self.name, "now": now, "fold": FOLD, "served": self._environments}

        async def look(db: Connection) -> tuple[Any, ...] | None:
            return await (await db.execute(_NEXT, values)).fetchone()

        try:
            row = await self._database.read(look)
        except StoreError:
            return min(most, 1.0)
        return most if row is None or row[0] is None else max(_LEAST, (row[0] - now) / 1e6)

    # Among the others

    async def _live(self) -> None:
        server = self._database.server
        out_since: float | None = None
        while True:
            try:
                connection = await connect(server, f"worker {self.name}")
                async with connection:
                    with cut_when_silent(connection, SILENCE):
                        me = await self._arrive(connection)
                    out_since = None
                    self.ring()  # for what came while nobody listened
                    while True:
                        await self._listen(connection)
                        with cut_when_silent(connection, SILENCE):
                            await self._beat(connection, me)
            except psycopg.Error as error:
                now = asyncio.get_running_loop().time()
                if out_since is None or now - out_since > _REMIND:
                    log.warning("%s", problems.told(error, server))
                    out_since = now
            except StoreError as error:
                self._failure = error
                self.ring()
                return
            await asyncio.sleep(uniform(*_AGAIN))

    async def _arrive(self, db: Connection) -> int:
        """Known and alive in the same moment: nobody finds the one without the other."""
        async with db.transaction():
            await db.execute("DELETE FROM workers WHERE name = %s", (self.name,))
            row = await (await db.execute(_ARRIVE, (self.name, self._environments))).fetchone()
            assert row is not None, "what was inserted has a number"
            await db.execute("SELECT pg_advisory_lock(%s, %s)", (LOCKS, row[0]))
        await db.execute(f"LISTEN {CHANNEL}")
        return int(row[0])

    async def _listen(self, db: Connection) -> None:
        async for told in db.notifies(timeout=BEAT):
            if told.payload in self._rung:
                self._rung[told.payload].set()
            self._rung[None].set()

    async def _beat(self, db: Connection, me: int) -> None:
        row = await (await db.execute(_BURY, {"me": me})).fetchone()
        if row is not None and row[0]:
            log.info(
                "gone: %s; its rollouts are free: %s", ", ".join(row[0]), ", ".join(row[1] or ()) or "none"
            )
        await check_version(db, self._database.server)
        await self._clock.learn(db)
