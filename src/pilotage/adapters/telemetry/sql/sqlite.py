"""A SQLite file, opened for reading. Blocking."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import quote

from pilotage.adapters.telemetry.sql.statement import Table

MOST_ROWS = 1000
_STEPS = 10_000
"""Of SQLite's machine, between two looks at the clock."""
_READING = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}


def ask(path: str, query: str, values: Mapping[str, str], timeout: float) -> Table:
    """Raises sqlite3.Error when it can not be read, is no plain SELECT, or takes too long (seconds)."""
    end = time.monotonic() + timeout
    uri = f"file:{quote(path)}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=timeout, isolation_level=None)) as database:
        database.set_authorizer(
            lambda action, *_: sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY
        )
        database.set_progress_handler(lambda: int(time.monotonic() > end), _STEPS)
        cursor = database.execute(query, dict(values))
        rows = cursor.fetchmany(MOST_ROWS)
        return Table(tuple(column[0] for column in cursor.description or ()), tuple(rows))
