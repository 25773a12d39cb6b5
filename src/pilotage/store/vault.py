"""All of a SQLite state, out and in: what backups are made of."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from pilotage.core.keeping import TABLES, TELEMETRY, Row, histories, tables
from pilotage.store import problems
from pilotage.store.database import Database
from pilotage.store.records import as_new, insert, not_empty

_ORDERS = {
    "events": "JOIN rollouts ON id = rollout ORDER BY seq, number",
    "messages": "JOIN rollouts ON id = rollout ORDER BY seq, number",
    "environments": "ORDER BY service, name",
    "ticks": "ORDER BY number",
    "statements": "ORDER BY number",
    "snapshots": "ORDER BY rollout, number",
    "checkpoints": "ORDER BY rollout",
    "glances": "ORDER BY rollout",
    "pruned": "ORDER BY rollout",
}
_GUARDED = ("events", "ticks", "statements")
"""Whose rows refuse to go."""


def everything(history: Path, telemetry: Path) -> Iterator[Row]:
    """The history first: telemetry then has at least what its verdicts were made of."""
    yield from _rows(history, [table for table in TABLES if table not in TELEMETRY])
    yield from _rows(telemetry, list(TELEMETRY))


def _rows(path: Path, wanted: list[str]) -> Iterator[Row]:
    """On a connection of its own, in one reading transaction: who writes meanwhile is not kept waiting."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None)) as db:
            db.execute("BEGIN")
            for table in wanted:
                names = ", ".join(f"{table}.{name}" for name in TABLES[table])
                for values in db.execute(f"SELECT {names} FROM {table} {_ORDERS[table]}"):
                    yield Row(table, values)
    except sqlite3.Error as error:
        raise problems.told(error, path) from error


async def put_everything(
    history: Database, telemetry: Database, rows: Callable[[], Iterable[Row]], *, replace: bool
) -> None:
    """Telemetry is in a file of its own and goes first: if the history fails then, the record is as it was."""
    await history.read(lambda db: _check_empty(db, history.path, replace=replace))
    await telemetry.write(lambda db: _put_telemetry(db, rows()), durable=True)
    await history.write(lambda db: _put_history(db, history.path, rows(), replace=replace), durable=True)


def _check_empty(db: sqlite3.Connection, path: Path, *, replace: bool) -> None:
    kept = ("rollouts", "environments", "ticks", "statements")
    (full,) = db.execute(f"SELECT {' OR '.join(f'EXISTS (SELECT 1 FROM {one})' for one in kept)}").fetchone()
    if full and not replace:
        raise not_empty(str(path))


def _put_telemetry(db: sqlite3.Connection, rows: Iterable[Row]) -> None:
    for table in TELEMETRY:
        db.execute(f"DELETE FROM {table}")
    for table, kept in tables(rows):
        if table in TELEMETRY:
            db.executemany(insert(table), (row.values for row in kept))


def _put_history(db: sqlite3.Connection, path: Path, rows: Iterable[Row], *, replace: bool) -> None:
    _check_empty(db, path, replace=replace)
    if replace:
        _empty(db)
    for table, kept in tables(rows):
        if table == "events":
            _put_rollouts(db, kept)
        elif table not in TELEMETRY:
            db.executemany(insert(table), (row.values for row in kept))


def _put_rollouts(db: sqlite3.Connection, rows: Iterable[Row]) -> None:
    for state, events, kept in histories(rows):
        db.execute(
            """
            INSERT INTO rollouts (id, service, environment, status, rev, heard, wake, fold, state)
            VALUES (:id, :service, :environment, :status, :rev, :heard, :wake, :fold, :state)
            """,
            as_new(state, events),
        )
        db.executemany(insert("events"), (row.values for row in kept))


def _empty(db: sqlite3.Connection) -> None:
    """Its guards are taken away and put up again in the same transaction."""
    guards = db.execute(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN {_GUARDED}"
    ).fetchall()
    for name, _ in guards:
        db.execute(f"DROP TRIGGER {name}")
    for table in ("messages", "events", "rollouts", "environments", "ticks", "statements"):
        db.execute(f"DELETE FROM {table}")
    for _, statement in guards:
        db.execute(statement)
