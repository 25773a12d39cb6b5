"""One SQLite file, used by several processes at once: opening it, transactions, patience, errors.

Writers never wait inside SQLite for long: its busy handler is unfair and would stop the whole event loop. A
transaction that finds the file locked gives up at once, lets other tasks run, and is tried again.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import uniform
from typing import Literal, TypeVar

from pilotage.store import problems
from pilotage.store.schema import Found, Schema, found, migrate

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
"""Statements inside one transaction. Repeated when the file was locked, so it changes nothing else."""

PATIENCE = 10.0
"""Seconds until a locked file is told to a person."""
_INLINE = 0.025
"""Seconds that SQLite itself may wait: enough for another writer's transaction (under 1 ms)."""
_PAUSE = (0.001, 0.01)
"""Between two tries, drawn anew each time so that waiting processes do not march in step."""


class Database:
    """A file with a schema. Safe to use from several threads and processes, but not across a fork."""

    def __init__(self, path: Path, connection: sqlite3.Connection, patience: float = PATIENCE) -> None:
        self.path = path
        self.patience = patience
        self._connection = connection
        self._guard = threading.Lock()
        self._identity = _identity(path)
        self._durable: bool | None = None

    @classmethod
    def open(cls, path: Path, schema: Schema) -> Database:
        """Makes the file (mode 0600, in a folder of mode 0700) or brings an older one up to date."""
        path = path.absolute()
        if path.exists() and not path.is_file():
            raise problems.not_a_file(path)
        try:
            _make_file(path)
        except OSError as error:
            raise problems.cannot_make(path, error) from error
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return cls(path, _connect(path, schema))
            except sqlite3.Error as error:
                # Turning WAL on does not use SQLite's own patience.
                if not problems.is_busy(error) or time.monotonic() > deadline:
                    raise problems.told(error, path) from error
                time.sleep(uniform(*_PAUSE))

    async def read(self, work: Work[T]) -> T:
        """Everything that ``work`` reads is of one moment."""
        return await self._run("BEGIN", work, durable=None)

    async def write(self, work: Work[T], *, durable: bool) -> T:
        """All of it or nothing. Not ``durable``: a power cut, and nothing less, may take it back again."""
        return await self._run("BEGIN IMMEDIATE", work, durable=durable)

    def close(self) -> None:
        with self._guard:
            self._connection.close()

    async def _run(
        self, begin: Literal["BEGIN", "BEGIN IMMEDIATE"], work: Work[T], *, durable: bool | None
    ) -> T:
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return self._attempt(begin, work, durable=durable)
            except sqlite3.Error as error:
                if not problems.is_busy(error) or time.monotonic() > deadline:
                    raise problems.told(error, self.path) from error
            await asyncio.sleep(uniform(*_PAUSE))

    def _attempt(self, begin: str, work: Work[T], *, durable: bool | None) -> T:
        with self._guard:
            # A file that was moved away still takes writes, and loses them.
            if _identity(self.path) != self._identity:
                raise problems.gone(self.path)
            connection = self._connection
            if durable is not None:
                self._synchronise(durable=durable)
            connection.execute(begin)
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return result

    def _synchronise(self, *, durable: bool) -> None:
        if durable != self._durable:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _make_file(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Never open a file that is there: closing it again would drop this process's own locks on it (POSIX).
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _connect(path: Path, schema: Schema) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path.as_uri() + "?mode=rw", uri=True, timeout=_INLINE, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("BEGIN")
        seen = found(connection)
        connection.execute("COMMIT")
        if seen.application == schema.application and seen.version > schema.version:
            raise problems.newer(path, seen.version, schema.version)
        if seen.application != schema.application and seen != Found(0, 0, empty=True):
            raise problems.foreign(path)
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise problems.no_shared_memory(path)
        connection.execute("PRAGMA foreign_keys = ON")
        if seen.version < schema.version:
            migrate(connection, schema)
    except BaseException:
        connection.close()
        raise
    return connection
