"""All of a state in PostgreSQL, out and in: what backups are made of. Blocking, on a connection of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

import psycopg

from pilotage.core.keeping import TABLES, TELEMETRY, Row, histories, tables
from pilotage.store.postgresql import problems
from pilotage.store.postgresql.server import Server
from pilotage.store.records import as_new, insert, not_empty

_ORDERS = {
    "events": "JOIN rollouts ON id = rollout ORDER BY seq, number",
    "messages": "JOIN rollouts ON id = rollout ORDER BY seq, number",
    "environments": 'ORDER BY service COLLATE "C", name COLLATE "C"',
    "ticks": "ORDER BY number",
    "statements": "ORDER BY number",
    "snapshots": 'ORDER BY rollout COLLATE "C", number',
    "checkpoints": 'ORDER BY rollout COLLATE "C"',
    "glances": 'ORDER BY rollout COLLATE "C"',
    "pruned": 'ORDER BY rollout COLLATE "C"',
}
_KEPT = ("messages", "events", "rollouts", "environments", "ticks", "statements")
"""In an order in which they may be emptied."""
_FULL = ("rollouts", "environments", "ticks", "statements")
_GUARDED = ("events", "ticks", "statements")
_AT_ONCE = 500
_PATIENT = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
# A backup takes as long as it takes; it locks nobody out. To put one back does, and nobody works then.


def everything(server: Server) -> Iterator[Row]:
    """One snapshot of the whole database (repeatable read)."""
    try:
        with psycopg.connect(server.conninfo("backup")) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.execute(_PATIENT)
            for table, order in _ORDERS.items():
                names = ", ".join(f"{table}.{name}" for name in TABLES[table])
                with connection.cursor(name=f"all_{table}") as cursor:
                    cursor.itersize = _AT_ONCE
                    cursor.execute(f"SELECT {names} FROM {table} {order}".encode())
                    for values in cursor:
                        yield Row(table, values)
    except psycopg.Error as error:
        raise problems.told(error, server) from None


def put_everything(server: Server, rows: Iterable[Row], *, replace: bool) -> None:
    try:
        with psycopg.connect(server.conninfo("restore")) as connection:
            connection.execute(_PATIENT)
            connection.execute("SET LOCAL synchronous_commit = on")
            connection.execute(
                f"LOCK TABLE {', '.join((*_KEPT, *TELEMETRY))} IN ACCESS EXCLUSIVE MODE".encode()
            )
            _empty(connection, server, replace=replace)
            for table, kept in tables(rows):
                _put(connection, table, kept)
    except psycopg.Error as error:
        raise problems.told(error, server) from None


def _empty(connection: psycopg.Connection[Any], server: Server, *, replace: bool) -> None:
    """The guards of history are taken away and put up again in the same transaction."""
    full = " OR ".join(f"EXISTS (SELECT 1 FROM {one})" for one in _FULL)
    row = connection.execute(f"SELECT {full}".encode()).fetchone()
    if row is not None and row[0] and not replace:
        raise not_empty(str(server))
    for table in _GUARDED:
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
    for table in (*_KEPT, *TELEMETRY):
        connection.execute(f"DELETE FROM {table}".encode())
    for table in _GUARDED:
        connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())


def _put(connection: psycopg.Connection[Any], table: str, rows: Iterable[Row]) -> None:
    with connection.cursor() as cursor:
        if table == "events":
            _put_rollouts(cursor, rows)
        elif table == "ticks":
            cursor.executemany(
                "INSERT INTO ticks (key, plan, body) VALUES (%s, %s, %s)",
                ((str(uuid4()), *row.values) for row in rows),
            )
        else:
            cursor.executemany(insert(table, "%s").encode(), (row.values for row in rows))


def _put_rollouts(cursor: psycopg.Cursor[Any], rows: Iterable[Row]) -> None:
    for state, events, kept in histories(rows):
        cursor.execute(
            """
            INSERT INTO rollouts (id, service, environment, status, rev, heard, wake, fold, state, plan)
            VALUES (%(id)s, %(service)s, %(environment)s, %(status)s, %(rev)s, %(heard)s, %(wake)s, %(fold)s,
                    %(state)s, %(plan)s)
            """,
            {**as_new(state, events), "plan": state.plan.model_dump_json()},
        )
        cursor.executemany(insert("events", "%s").encode(), [row.values for row in kept])
