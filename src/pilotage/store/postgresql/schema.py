"""What is in the database, and how an older one is brought up to date.

Everything is in a schema of its own, ``pilotage``: the database may be shared with others. A migration, once
released, is never edited: add one. The version before it may still be at work while it is applied, so it only
adds what that version does not mind; what an older one could not read is kept from it by ``fold`` in each row
(``reading.FOLD``). Instants are integers, microseconds since 1970 in UTC, as in the SQLite store.
"""

from __future__ import annotations

from typing import Any

import psycopg

from pilotage.store.postgresql import problems
from pilotage.store.postgresql.server import Server

LOCKS = 0x50494C48
"""The first number of our advisory locks ("PILH"); the second: a worker's number, 0 for migrating."""

_ROLLOUTS = """
CREATE TABLE rollouts (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- in the order of their creation
    id text NOT NULL UNIQUE,
    service text NOT NULL,
    environment text NOT NULL,
    status text NOT NULL,
    rev integer NOT NULL,                   -- the number of events; compare-and-set
    heard integer NOT NULL,                 -- messages up to this number are in the events
    wake bigint,                            -- due from then on; 0: at once; NULL exactly when final: never
    nudged boolean NOT NULL DEFAULT false,  -- its environment became free since the last claim
    owner text,
    epoch bigint NOT NULL DEFAULT 0,        -- one higher with every claim: fences earlier leases
    lease_until bigint NOT NULL DEFAULT 0,
    fold integer NOT NULL,                  -- reading.FOLD of the code that made the state
    state text NOT NULL,                    -- fold(events) as JSON, without the plan
    plan text NOT NULL                      -- of the first event, as JSON: never changed, read with each claim
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500)
"""

_EVENTS = """
CREATE TABLE events (
    rollout text NOT NULL REFERENCES rollouts (id),
    number integer NOT NULL,                -- 1, 2, … without a gap
    body text NOT NULL,                     -- JSON
    PRIMARY KEY (rollout, number)
)
"""

_MESSAGES = """
CREATE TABLE messages (
    rollout text NOT NULL REFERENCES rollouts (id),
    number integer NOT NULL,                -- 1, 2, … in each rollout
    key text,                               -- the same key is stored once
    body text NOT NULL,                     -- JSON
    PRIMARY KEY (rollout, number),
    UNIQUE (rollout, key)
)
"""

_ENVIRONMENTS = """
CREATE TABLE environments (
    service text NOT NULL,
    name text NOT NULL,
    revision integer NOT NULL,              -- compare-and-set
    body text NOT NULL,                     -- JSON
    PRIMARY KEY (service, name)
)
"""

_WORKERS = """
CREATE TABLE workers (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- it lives while its session holds this lock
    name text NOT NULL UNIQUE,              -- the owner of its leases
    environments text[],                    -- which it serves; NULL: all
    since timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""

_CLOCK = """
CREATE TABLE clock (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    ahead bigint NOT NULL DEFAULT 0,        -- microseconds that our time is ahead of the server's clock
    generation bigint NOT NULL DEFAULT 1    -- one higher with every correction
)
"""

_APPEND_ONLY = (
    """
    CREATE FUNCTION events_follow_each_other() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.number <> (SELECT COALESCE(MAX(number), 0) + 1 FROM events WHERE rollout = NEW.rollout) THEN
            RAISE EXCEPTION 'history is only ever appended to';
        END IF;
        RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER events_follow_each_other BEFORE INSERT ON events
    FOR EACH ROW EXECUTE FUNCTION events_follow_each_other()
    """,
    """
    CREATE FUNCTION events_stay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'history is never changed or deleted'; END $$
    """,
    """
    CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_stay()
    """,
)

_TELEMETRY = (
    """
    CREATE TABLE snapshots (
        rollout text NOT NULL, number integer NOT NULL, body text NOT NULL, PRIMARY KEY (rollout, number)
    )
    """,
    "CREATE TABLE checkpoints (rollout text PRIMARY KEY, number integer NOT NULL, body text NOT NULL)",
    "CREATE TABLE glances (rollout text PRIMARY KEY, body text NOT NULL) WITH (fillfactor = 50)",
)

_TICKS = """
CREATE TABLE ticks (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- in the order in which they were kept
    key text NOT NULL UNIQUE,               -- of the writing: it is kept once, also when an answer is lost
    plan text NOT NULL,                     -- the digest of the plan whose runbook it is
    body text NOT NULL                      -- JSON
)
"""

_STATEMENTS = """
CREATE TABLE statements (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,  -- in the order in which they were kept
    digest text NOT NULL UNIQUE,            -- of its content
    service text NOT NULL,
    body text NOT NULL                      -- JSON
)
"""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        _ROLLOUTS,
        "CREATE INDEX rollouts_due ON rollouts (wake) WHERE wake IS NOT NULL",
        "CREATE INDEX rollouts_unfinished ON rollouts (seq) WHERE wake IS NOT NULL",
        "CREATE INDEX rollouts_queued ON rollouts (service, environment) WHERE status = 'queued'",
        "CREATE INDEX rollouts_newest ON rollouts (service, environment, seq)",
        "CREATE INDEX rollouts_owned ON rollouts (owner) WHERE owner IS NOT NULL",
        _EVENTS,
        *_APPEND_ONLY,
        _MESSAGES,
        _ENVIRONMENTS,
        _WORKERS,
        _CLOCK,
        "INSERT INTO clock DEFAULT VALUES",
        *_TELEMETRY,
    ),
    (
        _TICKS,
        "CREATE INDEX ticks_of_plan ON ticks (plan, number)",
        """
        CREATE TRIGGER ticks_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON ticks
        FOR EACH STATEMENT EXECUTE FUNCTION events_stay()
        """,
    ),
    ("CREATE TABLE pruned (rollout text PRIMARY KEY, body text NOT NULL)",),
    (
        _STATEMENTS,
        "CREATE INDEX statements_of_service ON statements (service, number)",
        """
        CREATE TRIGGER statements_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON statements
        FOR EACH STATEMENT EXECUTE FUNCTION events_stay()
        """,
    ),
)
"""Statements by version, from 1 on."""

VERSION = "SELECT max(version) FROM pilotage.versions"


def bring_up_to_date(
    connection: psycopg.Connection[Any], server: Server, migrations: tuple[tuple[str, ...], ...] = MIGRATIONS
) -> None:
    """All or nothing; of several that try at once, one does it and the others wait for it.

    StoreError ``store.newer``, and nothing touched, when a newer Pilotage was here.
    """
    if _version(connection, server, migrations) == len(migrations):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s, 0)", (LOCKS,))
        version = _version(connection, server, migrations)
        if not version:
            connection.execute("CREATE SCHEMA IF NOT EXISTS pilotage")
            connection.execute(
                "CREATE TABLE versions (version integer PRIMARY KEY, since timestamptz NOT NULL DEFAULT now())"
            )
        for number, statements in enumerate(migrations[version:], start=version + 1):
            for statement in statements:
                connection.execute(statement)
            connection.execute("INSERT INTO versions (version) VALUES (%s)", (number,))


def _version(
    connection: psycopg.Connection[Any], server: Server, migrations: tuple[tuple[str, ...], ...]
) -> int:
    """0: we were never here."""
    made, others, encoding = _row(
        connection,
        """
        SELECT to_regclass('pilotage.versions') IS NOT NULL,
               (SELECT count(*) FROM pg_catalog.pg_class WHERE relnamespace = to_regnamespace('pilotage')),
               current_setting('server_encoding')
        """,
    )
    if encoding != "UTF8":
        raise problems.foreign(server, f"its encoding is {encoding}: it must be UTF8")
    if not made:
        if others:
            raise problems.foreign(server, "it has a schema `pilotage` that is not ours")
        return 0
    version = int(_row(connection, VERSION)[0] or 0)
    if version > len(migrations):
        raise problems.newer(server, version, len(migrations))
    return version


def _row(connection: psycopg.Connection[Any], query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    assert row is not None, "an aggregate has a row"
    return tuple(row)
