"""The shop with its record in PostgreSQL, and workers that are services.

shop = SharedShop(folder, databases)
one, two = shop.service(), shop.service(clock=-3600)
shop.holder("shop-local-2")              # which of them has the lease
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from fault_shop import PILOTAGE, Shop

from databases import Databases
from pilotage.core import events as e
from pilotage.core.environment import Environment
from pilotage.core.events import EVENT
from pilotage.core.state import State
from pilotage.store.postgresql.server import Server
from pilotage.store.postgresql.store import PostgresStore

T = TypeVar("T")
HERE = Path(__file__).parent


class SharedShop(Shop):
    """As the shop, but for where its record is."""

    def __init__(self, folder: Path, databases: Databases) -> None:
        super().__init__(folder)
        self.databases = databases
        self.server = databases.fresh()
        PostgresStore.open(self.server)
        self.variables = {"PILOTAGE_STATE": self.server.uri, "PILOTAGE_FOLDER": str(self.state)}
        self.logs: dict[int, Path] = {}
        self._connection: psycopg.Connection[Any] | None = None

    def at_port(self, port: int) -> Server:
        """The same database, reached through something else."""
        return self.databases.at(self.server.uri.rsplit("/", 1)[1], port)

    def service(
        self, server: Server | None = None, *, clock: int | None = None, version: str = ""
    ) -> subprocess.Popen[bytes]:
        """A worker that works until it is ended; returns when the others know it.

        ``clock``: its wall clock is ahead by so many seconds. ``version``: see fault_version.py.
        """
        program, variables = list(PILOTAGE), dict(self.variables)
        if server is not None:
            variables["PILOTAGE_STATE"] = server.uri
        if clock is not None:
            ahead = self.folder / f"clock{clock:+d}"
            ahead.write_text(str(clock))
            program, variables["FAULT_CLOCK"] = [sys.executable, str(HERE / "fault_clock.py")], str(ahead)
        if version:
            program = [sys.executable, str(HERE / "fault_version.py"), version]
        log = self.folder / f"worker-{len(self.logs)}.log"
        with open(log, "wb") as out:
            worker = subprocess.Popen(
                [*program, "worker", "--environment", "shop/local"],
                cwd=self.folder,
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        self.logs[worker.pid] = log
        self.until(lambda: worker.poll() is not None or self.knows(worker))
        assert worker.poll() is None, log.read_text()
        return worker

    def knows(self, worker: subprocess.Popen[bytes]) -> bool:
        query = """
            SELECT count(*) FROM workers JOIN pg_locks ON objid = number::oid
            WHERE locktype = 'advisory' AND granted AND name LIKE '%%:' || %s || ':%%'
        """
        return bool(self.row(query, str(worker.pid))[0])

    def log(self, worker: subprocess.Popen[bytes]) -> str:
        return self.logs[worker.pid].read_text()

    def until_log(self, worker: subprocess.Popen[bytes], words: str) -> None:
        self.until(lambda: words in self.log(worker))

    def until_all_looked(self) -> None:
        """Every worker was woken, and has looked for work since."""
        (now,) = self.row("SELECT clock_timestamp()")
        self.row("SELECT pg_notify('pilotage', 'anything')")
        query = """
            SELECT count(*) FROM workers WHERE NOT EXISTS (
                SELECT 1 FROM pg_stat_activity
                WHERE application_name = 'pilotage store' AND backend_start < %s AND query_start > %s
            )
        """
        self.until(lambda: self.row(query, now, now) == (0,))

    def holder(self, rollout: str) -> int | None:
        """The process that has the lease."""
        owner = self.row("SELECT owner FROM rollouts WHERE id = %s", rollout)[0]
        return None if owner is None else int(owner.split(":")[-2])

    def row(self, query: str, *values: object) -> tuple[Any, ...]:
        return self.rows(query, *values)[0]

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """By a connection that is kept: who waits asks often."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.server.conninfo("tests"), autocommit=True)
        try:
            return self._connection.execute(query.encode(), values).fetchall()
        except psycopg.OperationalError:  # the server was killed meanwhile
            self._connection.close()
            return self.rows(query, *values)

    def ask(self, question: Callable[[PostgresStore], Awaitable[T]]) -> T:
        async def asked() -> T:
            store = PostgresStore.open(self.server)
            try:
                return await question(store)
            finally:
                await store.close()

        return asyncio.run(asked())

    # The record

    def order(self, rollout: str, order: e.Order) -> None:
        self.ask(lambda store: store.send(rollout, order, "ada", store.clock.now(), reason="changed her mind"))

    def events(self, rollout: str) -> list[e.Event]:
        query = "SELECT body FROM events WHERE rollout = %s ORDER BY number"
        return [EVENT.validate_json(body) for (body,) in self.rows(query, rollout)]

    def state_of(self, rollout: str) -> State:
        state, plan = self.row("SELECT state, plan FROM rollouts WHERE id = %s", rollout)
        return State.model_validate_json(f'{{"plan":{plan},{state[1:]}')

    def leases(self, rollout: str) -> int:
        return int(self.row("SELECT epoch FROM rollouts WHERE id = %s", rollout)[0])

    def environment(self) -> Environment:
        return self.ask(lambda store: store.environment("shop", "local"))

    @property
    def rollouts(self) -> list[str]:
        return [id for (id,) in self.rows("SELECT id FROM rollouts ORDER BY seq")]

    def told(self, rollout: str | None = None) -> str:
        logs = (f"{path.name}\n{path.read_text()[-3000:]}" for path in self.logs.values())
        query = """
            SELECT coalesce(string_agg(left(body, 300), E'\\n' ORDER BY number), '') FROM events
            WHERE number > 1 AND rollout = (SELECT coalesce(%s, max(id)) FROM rollouts)
        """
        return "\n".join([*self.row(query, rollout), *logs])
