"""Where the record is kept, and who works on it: one machine with its file, or many around one database.

OneMachine       SQLite in the state folder; a worker starts by itself when there is something to do
ManyMachines     PostgreSQL; workers are services, each on a machine that reaches what it is told to serve
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pilotage.adapters.background import only_worker, spawn_worker, worker_runs
from pilotage.adapters.clock import SteadyClock, uptime
from pilotage.core.plan import Plan
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.ports import Clock, ReachOf, Store, Vault
from pilotage.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from pilotage.engine.resting import Watching
    from pilotage.engine.worker import Worker
    from pilotage.store.postgresql.server import Server

STATE = "PILOTAGE_STATE"
FOLDER = "PILOTAGE_FOLDER"


class Timekeeper(Clock, Protocol):
    def drift(self) -> float:
        """Seconds by which the clock that was followed is ahead of this one (negative: behind)."""
        ...


class Workplace(Protocol):
    """What commands and workers need to know of it."""

    folder: Path
    """What adapters keep on this machine."""
    store: Store
    vault: Vault
    """The same store, as a whole."""
    name: str
    """Of the store, for people."""

    @property
    def clock(self) -> Timekeeper: ...

    def reaches(self, service: str, environment: str) -> bool:
        """Whether this machine is one that reaches the environment, so that a command may touch it."""
        ...

    async def check_served(self, plan: Plan) -> None:
        """PilotageError when nobody would work on this plan."""
        ...

    async def call_worker(self) -> None:
        """Sees that somebody works, if that is a command's business."""
        ...

    async def worker_runs(self) -> bool: ...

    def alone(self) -> AbstractAsyncContextManager[None]:
        """While no worker works. PilotageError when one does."""
        ...

    async def set_clock_right(self) -> None:
        """Only while no rollout is unfinished."""
        ...

    async def work(
        self,
        reach_of: ReachOf,
        *,
        until_idle: bool,
        environments: Collection[str] | None,
        watching: Watching | None = None,
    ) -> None:
        """Works in this process until stopped (SIGINT, SIGTERM), or until nothing is left to do."""
        ...


class OneMachine:
    """Everything is in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store: Store = (sqlite := SqliteStore.open(folder / "pilotage.db"))
        self.vault: Vault = sqlite
        self.name = f"SQLite {sqlite3.sqlite_version}"
        self.clock = SteadyClock(folder / "clock.json")

    def reaches(self, service: str, environment: str) -> bool:
        return True

    async def check_served(self, plan: Plan) -> None:
        """A worker starts when it is called."""

    async def call_worker(self) -> None:
        if not worker_runs(self.folder):
            spawn_worker(self.folder)

    async def worker_runs(self) -> bool:
        return worker_runs(self.folder)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        with only_worker(self.folder) as mine:
            if not mine:
                raise PilotageError(_at_work(str(self.folder)), exit_code=ExitCode.BLOCKED)
            yield

    async def set_clock_right(self) -> None:
        self.clock.set_right()

    async def work(
        self,
        reach_of: ReachOf,
        *,
        until_idle: bool,
        environments: Collection[str] | None,
        watching: Watching | None = None,
    ) -> None:
        """PilotageError when another worker works on this folder."""
        while True:
            with only_worker(self.folder) as mine:
                if not mine:
                    if until_idle:
                        return
                    raise PilotageError(_second_worker(self.folder), exit_code=ExitCode.BLOCKED)
                stopped = await self._work(
                    reach_of, until_idle=until_idle, environments=environments, watching=watching
                )
            # A release may have come between the last look and giving up the lock: look once more.
            if stopped or not await self.store.rollouts(unfinished=True, limit=1):
                return

    async def _work(
        self,
        reach_of: ReachOf,
        *,
        until_idle: bool,
        environments: Collection[str] | None,
        watching: Watching | None,
    ) -> bool:
        from pilotage.engine.resting import Resting
        from pilotage.engine.worker import Worker
        from pilotage.tidying import tidied_daily

        await self.store.take_over()
        resting = Resting(self.store, self.clock, reach_of, watching)
        worker = Worker(self.store, self.clock, reach_of, environments=environments, resting=resting)
        async with tidied_daily(self.folder, self.store, self.clock, reach_of):
            return await _run(worker, until_idle=until_idle)


class ManyMachines:
    """The record is in PostgreSQL; ``folder`` is this machine's own."""

    def __init__(self, folder: Path, uri: str) -> None:
        server = _server(uri)
        from pilotage.store.postgresql.store import PostgresStore

        self.folder = folder
        self.name = str(server)
        self._postgres = PostgresStore.open(server, uptime)
        self.store: Store = self._postgres
        self.vault: Vault = self._postgres

    @property
    def clock(self) -> Timekeeper:
        return self._postgres.clock

    def reaches(self, service: str, environment: str) -> bool:
        return (self.folder / "environments" / service / environment).is_dir()

    async def check_served(self, plan: Plan) -> None:
        workers = await self._postgres.workers()
        if not any(worker.serves(plan.service, plan.environment) for worker in workers):
            raise PilotageError(_nobody_serves(plan, len(workers)), exit_code=ExitCode.BLOCKED)

    async def call_worker(self) -> None:
        """Workers are services here: a command on some machine must not begin to work there."""

    async def worker_runs(self) -> bool:
        return bool(await self._postgres.workers())

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        if workers := await self._postgres.workers():
            names = ", ".join(worker.name for worker in workers)
            raise PilotageError(_at_work(names), exit_code=ExitCode.BLOCKED)
        yield

    async def set_clock_right(self) -> None:
        await self._postgres.set_clock_right()

    async def work(
        self,
        reach_of: ReachOf,
        *,
        until_idle: bool,
        environments: Collection[str] | None,
        watching: Watching | None = None,
    ) -> None:
        """PilotageError when it is not told what this machine reaches."""
        from pilotage.engine.resting import Resting
        from pilotage.engine.worker import Worker, new_name
        from pilotage.tidying import tidied_daily

        if not environments:
            raise PilotageError(_serve_what(), exit_code=ExitCode.USAGE)
        name = new_name()
        async with self._postgres.presence(name, environments) as bell:
            resting = Resting(self.store, self.clock, reach_of, watching)
            worker = Worker(
                self.store,
                self.clock,
                reach_of,
                name=name,
                bell=bell,
                environments=environments,
                resting=resting,
            )
            logging.getLogger("pilotage.worker").info("%s serves %s", name, ", ".join(environments))
            async with tidied_daily(self.folder, self.store, self.clock, reach_of):
                await _run(worker, until_idle=until_idle)


async def _run(worker: Worker, *, until_idle: bool) -> bool:
    """Whether it was asked to end."""
    asked = False

    def stop() -> None:
        nonlocal asked
        asked = True
        worker.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    await worker.run(until_idle=until_idle)
    return asked


def is_uri(state: str | Path) -> bool:
    return "://" in str(state)


def _server(uri: str) -> Server:
    try:
        from pilotage.store.postgresql.server import SCHEMES, Server
    except ImportError:
        raise PilotageError(_no_library(), exit_code=ExitCode.USAGE) from None
    if not uri.startswith(SCHEMES):
        raise PilotageError(_no_scheme(), exit_code=ExitCode.USAGE)
    server = Server.of(uri)
    if server.tells_password and uri != os.environ.get(STATE):
        raise PilotageError(_password_seen(), exit_code=ExitCode.USAGE)
    return server


def elsewhere(service: str, environment: str, folder: Path) -> Problem:
    return Problem(
        code="environment.elsewhere",
        what=f"{service} in {environment} is not reached from this machine",
        why=f"{folder} has nothing of it",
        mend=f"do this where its worker runs, with the same {FOLDER}",
    )


def nothing_here(folder: Path) -> Problem:
    return Problem(
        code="rollout.none",
        what="nothing was ever released here",
        why=f"{folder} knows of no rollout",
        mend="`pilotage release --to ENVIRONMENT VERSION`",
    )


def _second_worker(folder: Path) -> Problem:
    return Problem(
        code="worker.second",
        what="another worker works on this state folder already",
        why=str(folder),
        mend="one is enough: it drives all rollouts; see worker.log there",
    )


def _at_work(who: str) -> Problem:
    return Problem(
        code="worker.at-work",
        what="a worker works on this state: it would go on with what is not there any more",
        why=who,
        mend="stop every worker first; what runs in the environments goes on running",
    )


def _nobody_serves(plan: Plan, others: int) -> Problem:
    where = f"{plan.service}/{plan.environment}"
    return Problem(
        code="worker.none",
        what=f"no worker serves {where} now: nothing would happen",
        why=f"{others} workers serve other environments" if others else "no worker runs",
        mend=f"on a machine that reaches it: `pilotage worker --environment {where}` (docs/postgresql.md)",
    )


def _serve_what() -> Problem:
    return Problem(
        code="worker.serve-what",
        what="with PostgreSQL a worker is told which environments it serves",
        why="it is not on every machine that what runs in an environment can be reached",
        mend="name those that this machine reaches: `pilotage worker --environment production`",
    )


def _no_library() -> Problem:
    return Problem(
        code="store.library",
        what="a state in PostgreSQL needs the package psycopg",
        mend="pip install 'pilotage[postgresql]'",
    )


def _no_scheme() -> Problem:
    return Problem(
        code="store.uri",
        what="the state is in a folder, or in PostgreSQL",
        mend="write a path, or postgresql://USER@HOST:PORT/DATABASE (docs/postgresql.md)",
    )


def _password_seen() -> Problem:
    return Problem(
        code="store.password",
        what="a password on the command line is seen by everybody on this machine",
        mend=f"leave it out: it is taken from PGPASSWORD or a password file (PGPASSFILE), or from {STATE}",
    )
