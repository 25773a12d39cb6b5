"""Connections, transactions, patience, trying again: what a network and a server that restarts ask for.

A few connections, each made when it is needed and made anew when it was lost. Whoever asks waits at most
``PATIENCE``: a lost connection, a server that restarts or fails over, a transaction that could not be
serialised are tried again with jitter. psycopg's own pool waits longer and longer between its attempts, and
tells only that it has none; here who waits decides, and hears why.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from random import uniform
from typing import Any, TypeVar

import psycopg

from pilotage.ports import Conflict
from pilotage.store.postgresql import problems
from pilotage.store.postgresql.schema import MIGRATIONS, VERSION, bring_up_to_date
from pilotage.store.postgresql.server import STATEMENT, Server

T = TypeVar("T")
Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Work = Callable[[Connection], Awaitable[T]]
"""Statements; those of a write are in one transaction. Repeated after a failure: it changes nothing else."""
Made = Callable[[Connection], Awaitable[bool]]
"""Whether a transaction whose answer was lost was made after all."""

LANES = 4
"""Connections that work at once: more only wait for the server's disk."""
PATIENCE = 10.0
"""Seconds until a database that can not be reached is told to whoever asks."""
SILENCE = STATEMENT + 1.0
"""Seconds without an answer after which a connection is cut: the network ate it, or the server hangs."""
_PAUSE = (0.05, 0.3)
"""Between two tries, drawn anew each time so that many who wait do not march in step."""


class Lane:
    """One connection at most."""

    def __init__(self, server: Server, name: str, version: int) -> None:
        self._server, self._name, self._version = server, name, version
        self._connection: Connection | None = None
        self._durable: bool | None = None

    async def ready(self, *, durable: bool | None) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._server, self._name, self._version)
            self._durable = None
        if durable is not None and durable != self._durable:
            with cut_when_silent(self._connection):
                await self._connection.execute(_DURABLE if durable else "SET synchronous_commit = off")
            self._durable = durable
        return self._connection

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await connection.close()


_DURABLE = """
    SELECT set_config('synchronous_commit', CASE WHEN reset_val = 'off' THEN 'on' ELSE reset_val END, false)
    FROM pg_settings WHERE name = 'synchronous_commit'
"""
# What the server is set to: it may be more than "on" where a standby must have it too, but it is never less.


class Database:
    """For one event loop."""

    def __init__(
        self, server: Server, name: str, *, version: int = len(MIGRATIONS), patience: float = PATIENCE
    ):
        self.server = server
        self.patience = patience
        self._lanes = [Lane(server, name, version) for _ in range(LANES)]
        self._free: asyncio.LifoQueue[Lane] = asyncio.LifoQueue()
        for lane in self._lanes:
            self._free.put_nowait(lane)

    async def read(self, work: Work[T]) -> T:
        async def once(lane: Lane) -> T:
            connection = await lane.ready(durable=None)
            with cut_when_silent(connection):
                return await work(connection)

        return await self._until_done(once)

    async def write(self, work: Work[T], *, durable: bool) -> T:
        """All of it or nothing; it may be done twice when an answer is lost, so twice must be as once.

        Not ``durable``: the server may forget the last moment of it when it crashes.
        """

        async def once(lane: Lane) -> T:
            connection = await lane.ready(durable=durable)
            with cut_when_silent(connection):
                async with connection.transaction():
                    return await work(connection)

        return await self._until_done(once)

    async def write_once(self, work: Work[None], made: Made) -> None:
        """As ``write``, durable; when its answer is lost ``made`` is asked, so that it is never done twice."""
        unsure = False

        async def once(lane: Lane) -> None:
            nonlocal unsure
            connection = await lane.ready(durable=True)
            with cut_when_silent(connection):
                if unsure and await made(connection):
                    return
                try:
                    async with connection.transaction():
                        await work(connection)
                except Conflict:
                    # The server may have been at it still when it was asked first.
                    if not unsure or not await made(connection):
                        raise
                except psycopg.Error as error:
                    unsure = unsure or problems.is_lost(error)
                    raise

        await self._until_done(once)

    async def close(self) -> None:
        for lane in self._lanes:
            await lane.close()

    async def _until_done(self, once: Callable[[Lane], Awaitable[T]]) -> T:
        deadline = time.monotonic() + self.patience
        async with self._lane() as lane:
            while True:
                try:
                    return await once(lane)
                except psycopg.Error as error:
                    if problems.is_lost(error):
                        await lane.close()
                    pause = uniform(*_PAUSE)
                    if not problems.passes(error) or time.monotonic() + pause > deadline:
                        raise problems.told(error, self.server) from None
                    await asyncio.sleep(pause)

    @asynccontextmanager
    async def _lane(self) -> AsyncIterator[Lane]:
        lane = await self._free.get()
        try:
            yield lane
        finally:
            self._free.put_nowait(lane)


async def connect(server: Server, name: str, version: int = len(MIGRATIONS)) -> Connection:
    """A connection to a database of this version. StoreError when a newer Pilotage brought it up to date."""
    connection = await psycopg.AsyncConnection.connect(server.conninfo(name), autocommit=True)
    try:
        with cut_when_silent(connection):
            await check_version(connection, server, version)
    except BaseException:
        await connection.close()
        raise
    return connection


async def check_version(connection: Connection, server: Server, version: int = len(MIGRATIONS)) -> None:
    row = await (await connection.execute(VERSION)).fetchone()
    if row is not None and int(row[0] or 0) > version:
        raise problems.newer(server, row[0], version)


def open_now(server: Server, work: Callable[[psycopg.Connection[Any]], T], patience: float = PATIENCE / 2) -> T:
    """For the beginning of a command, before there is anything to wait beside it: brings the database up to
    date and does ``work``, blocking. StoreError when it can not be reached for so long."""
    deadline = time.monotonic() + patience
    while True:
        try:
            with psycopg.connect(server.conninfo("start"), autocommit=True) as connection:
                bring_up_to_date(connection, server)
                return work(connection)
        except psycopg.Error as error:
            pause = uniform(*_PAUSE)
            if not problems.passes(error) or time.monotonic() + pause > deadline:
                raise problems.told(error, server) from None
            time.sleep(pause)


@contextmanager
def cut_when_silent(connection: Connection, seconds: float = SILENCE) -> Iterator[None]:
    """Ends the connection when the block takes so long. To cancel would ask the one who does not answer."""
    timer = asyncio.get_running_loop().call_later(seconds, _cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: Connection) -> None:
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
