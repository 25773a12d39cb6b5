"""A real PostgreSQL server for a whole session of tests, and an empty database in it for each of them.

To make a database takes a quarter of a second: tests that need nothing of their own get one that is emptied.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parent / "adapters" / "telemetry"))

from postgresql_bench import USER, PostgreSql

from pilotage.store.postgresql.server import Server
from pilotage.store.postgresql.store import PostgresStore

PASSWORD = "s3cret-of-the-tests"


# In an order in which they may be emptied.
_TABLES = "messages, events, rollouts, environments, snapshots, checkpoints, glances, pruned, workers, ticks"


class Databases:
    """All in one server."""

    def __init__(self, server: PostgreSql) -> None:
        self.server = server
        self._made = 0
        self._shared: Server | None = None

    def fresh(self) -> Server:
        """Nobody has used it."""
        self._made += 1
        name = f"test_{self._made}"
        self.server.run(f"CREATE DATABASE {name}")
        return self.at(name)

    def emptied(self) -> Server:
        """Our schema, and nothing in it; the next test gets the same one."""
        if self._shared is None:
            self._shared = self.fresh()
            PostgresStore.open(self._shared)
        with psycopg.connect(self._shared.conninfo("tests"), autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")  # history may go, here
            for table in _TABLES.split(", "):
                connection.execute(f"DELETE FROM {table}".encode())
            connection.execute("UPDATE clock SET ahead = 0")
        return self._shared

    def at(self, name: str, port: int | None = None) -> Server:
        """``port``: of something that stands between us and the server."""
        return Server.of(f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port or self.server.port}/{name}")


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    with PostgreSql(PASSWORD) as server:
        yield Databases(server)
