"""The source ``sql``: the query is asked now and then, and its counts are kept in a ledger of our own."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any
from uuid import uuid4

from pilotage.adapters.telemetry.book import Book, Found, certain, shortened
from pilotage.adapters.telemetry.secret import Secret
from pilotage.adapters.telemetry.settings import problems_with
from pilotage.adapters.telemetry.sql import sqlite, statement
from pilotage.adapters.telemetry.sql.settings import Settings
from pilotage.adapters.telemetry.sql.statement import Table
from pilotage.core.release import Release
from pilotage.core.telemetry import Reading, Watched
from pilotage.errors import Problem
from pilotage.ports import Site, TelemetryError


class SqlSource:
    """One book for the rollout that is watched."""

    def __init__(self, site: Site) -> None:
        self._settings = Settings.model_validate(dict(site.settings))
        self._turn = asyncio.Lock()
        self._watch: _Watch | None = None

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        wants = settings.get("postgresql") is not None
        return problems_with(Settings, settings, "sql") + (_missing_library() if wants else [])

    async def read(self, watched: Watched) -> Reading:
        async with self._turn:
            if self._watch is None or self._watch.watched != watched:
                self._watch = _Watch(watched, Book(self._settings.rules()))
            watch = self._watch
            rest = self._settings.interval.total_seconds()
            if watch.last is None or time.monotonic() - watch.looked > rest:
                watch.last, watch.looked = await self._look(watch), time.monotonic()
            return watch.last.model_copy(update={"at": datetime.now(UTC)})

    async def history(self, watched: Watched, since: datetime, until: datetime) -> tuple[Reading, ...]:
        """None: a database says what is, not what was."""
        return ()

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _look(self, watch: _Watch) -> Reading:
        notes: list[str] = []
        now = time.monotonic()
        try:
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                old, new = await self._both(watch.watched, now, notes)
        except TimeoutError:
            raise self._no_answer(
                f"no answer within {self._settings.timeout.total_seconds():g} s", "is the query quick?"
            ) from None
        watch.book.take(now, old, new)
        entry = watch.book.close(now, certain)
        said = shortened([*notes, *entry.notes])
        return Reading(at=datetime.now(UTC), old=entry.old, new=entry.new, epoch=watch.epoch, notes=said)

    async def _both(self, watched: Watched, now: float, notes: list[str]) -> tuple[Found, Found]:
        settings, found, whole = self._settings, [], None
        if settings.version_column is not None:
            whole = await self._ask(watched, watched.new)
            if settings.version_column not in whole.columns:
                notes.append(f"the answer has no column {settings.version_column}")
        for release, mark in ((watched.old, "the old version"), (watched.new, "the new version")):
            if release is None:
                found.append(Found())
                continue
            if whole is not None and settings.version_column is not None:
                table = statement.of_version(whole, settings.version_column, watched, release)
            else:
                table = await self._ask(watched, release)
            found.append(statement.found(table, settings.counters, settings.gauges, mark, now, notes))
        return found[0], found[1]

    async def _ask(self, watched: Watched, release: Release) -> Table:
        settings = self._settings
        values = statement.values(settings.query, watched, release)
        timeout = settings.timeout.total_seconds()
        if settings.sqlite is not None:
            try:
                return await asyncio.to_thread(sqlite.ask, settings.sqlite, settings.query, values, timeout)
            except sqlite3.Error as error:
                raise self._no_answer(str(error), f"see {settings.sqlite} and the query") from None
        if problems := _missing_library():
            raise TelemetryError(*problems)
        from pilotage.adapters.telemetry.sql import postgresql

        words = settings.postgresql.read() if isinstance(settings.postgresql, Secret) else settings.postgresql
        assert words is not None, "exactly one of sqlite and postgresql"
        try:
            return await postgresql.ask(words, settings.query, values, timeout)
        except postgresql.Failed as error:
            raise self._no_answer(str(error), "see whether the server may be asked from here") from None

    def _no_answer(self, why: str, mend: str) -> TelemetryError:
        kind = "SQLite" if self._settings.sqlite is not None else "PostgreSQL"
        return TelemetryError(
            Problem(code="telemetry.no-answer", what=f"no counts from {kind}", why=why, mend=mend)
        )


@dataclass
class _Watch:
    """What is kept for one rollout."""

    watched: Watched
    book: Book
    epoch: str = field(default_factory=lambda: uuid4().hex[:12])
    last: Reading | None = None
    looked: float = 0.0


def _missing_library() -> list[Problem]:
    if find_spec("psycopg") is not None:
        return []
    return [
        Problem(
            code="telemetry.library",
            what="the telemetry source sql needs the package psycopg for PostgreSQL",
            mend="pip install 'pilotage[postgresql]'",
        )
    ]
