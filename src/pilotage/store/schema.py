"""What is in the two files, and how older files are brought up to date.

A migration, once released, is never edited: add one. Only what every SQLite since 3.24 knows is used (no
RETURNING, no STRICT), because Python uses the one of its system. Instants are integers, microseconds since
1970 in UTC: exact, and ordered as numbers are.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Schema:
    application: int
    """SQLite's application_id: tells our files from other programs'."""
    migrations: tuple[tuple[str, ...], ...]
    """Statements by version, from 1 on."""

    @property
    def version(self) -> int:
        return len(self.migrations)


_ROLLOUTS = """
CREATE TABLE rollouts (
    seq INTEGER PRIMARY KEY,            -- in the order of their creation
    id TEXT NOT NULL UNIQUE,
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    status TEXT NOT NULL,
    rev INTEGER NOT NULL,               -- the number of events; compare-and-set
    heard INTEGER NOT NULL,             -- messages up to this number are in the events
    wake INTEGER,                       -- due from then on; 0: at once; NULL exactly when final: never
    nudged INTEGER NOT NULL DEFAULT 0,  -- its environment became free since the last claim
    owner TEXT,
    epoch INTEGER NOT NULL DEFAULT 0,   -- one higher with every claim: fences earlier leases
    lease_until INTEGER NOT NULL DEFAULT 0,
    fold INTEGER NOT NULL,              -- history.FOLD of the code that made the state
    state TEXT NOT NULL                 -- fold(events) as JSON, without the plan (it is in the first event)
)
"""

_EVENTS = """
CREATE TABLE events (
    rollout TEXT NOT NULL REFERENCES rollouts (id),
    number INTEGER NOT NULL,            -- 1, 2, … without a gap
    body TEXT NOT NULL,                 -- JSON
    PRIMARY KEY (rollout, number)
)
"""

_MESSAGES = """
CREATE TABLE messages (
    rollout TEXT NOT NULL REFERENCES rollouts (id),
    number INTEGER NOT NULL,            -- 1, 2, … in each rollout
    key TEXT,                           -- the same key is stored once
    body TEXT NOT NULL,                 -- JSON
    PRIMARY KEY (rollout, number),
    UNIQUE (rollout, key)
)
"""

_ENVIRONMENTS = """
CREATE TABLE environments (
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,          -- compare-and-set
    body TEXT NOT NULL,                 -- JSON
    PRIMARY KEY (service, name)
)
"""

# A plain "INSERT OR REPLACE" deletes without asking the delete trigger; the insert trigger stops it, and gaps.
_APPEND_ONLY = (
    """
    CREATE TRIGGER events_follow_each_other BEFORE INSERT ON events
    WHEN NEW.number <> (SELECT COALESCE(MAX(number), 0) + 1 FROM events WHERE rollout = NEW.rollout)
    BEGIN SELECT RAISE(ABORT, 'history is only ever appended to'); END
    """,
    """
    CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'history is never changed'); END
    """,
    """
    CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'history is never deleted'); END
    """,
)

_TICKS = """
CREATE TABLE ticks (
    number INTEGER PRIMARY KEY,         -- in the order in which they were kept
    plan TEXT NOT NULL,                 -- the digest of the plan whose runbook it is
    body TEXT NOT NULL                  -- JSON
)
"""

_STATEMENTS = """
CREATE TABLE statements (
    number INTEGER PRIMARY KEY,         -- in the order in which they were kept
    digest TEXT NOT NULL UNIQUE,        -- of its content
    service TEXT NOT NULL,
    body TEXT NOT NULL                  -- JSON
)
"""

HISTORY = Schema(
    application=0x50494C48,  # "PILH"
    migrations=(
        (
            _ROLLOUTS,
            "CREATE INDEX rollouts_due ON rollouts (wake) WHERE wake IS NOT NULL",
            "CREATE INDEX rollouts_queued ON rollouts (service, environment) WHERE status = 'queued'",
            "CREATE INDEX rollouts_newest ON rollouts (service, environment, seq)",
            "CREATE INDEX rollouts_owned ON rollouts (owner) WHERE owner IS NOT NULL",
            _EVENTS,
            *_APPEND_ONLY,
            _MESSAGES,
            _ENVIRONMENTS,
        ),
        (
            _TICKS,
            "CREATE INDEX ticks_of_plan ON ticks (plan, number)",
            """
            CREATE TRIGGER ticks_are_never_changed BEFORE UPDATE ON ticks
            BEGIN SELECT RAISE(ABORT, 'history is never changed'); END
            """,
            """
            CREATE TRIGGER ticks_are_never_deleted BEFORE DELETE ON ticks
            BEGIN SELECT RAISE(ABORT, 'history is never deleted'); END
            """,
        ),
        (
            _STATEMENTS,
            "CREATE INDEX statements_of_service ON statements (service, number)",
            """
            CREATE TRIGGER statements_are_never_changed BEFORE UPDATE ON statements
            BEGIN SELECT RAISE(ABORT, 'history is never changed'); END
            """,
            """
            CREATE TRIGGER statements_are_never_deleted BEFORE DELETE ON statements
            BEGIN SELECT RAISE(ABORT, 'history is never deleted'); END
            """,
        ),
    ),
)

_SNAPSHOTS = """
CREATE TABLE snapshots (
    rollout TEXT NOT NULL,
    number INTEGER NOT NULL,
    body TEXT NOT NULL,                 -- JSON
    PRIMARY KEY (rollout, number)
) WITHOUT ROWID
"""

TELEMETRY = Schema(
    application=0x50494C54,  # "PILT"
    migrations=(
        (
            _SNAPSHOTS,
            "CREATE TABLE checkpoints (rollout TEXT PRIMARY KEY, number INTEGER NOT NULL, body TEXT NOT NULL)",
            "CREATE TABLE glances (rollout TEXT PRIMARY KEY, body TEXT NOT NULL)",
        ),
        ("CREATE TABLE pruned (rollout TEXT PRIMARY KEY, body TEXT NOT NULL)",),
    ),
)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(instant: datetime) -> int:
    """Exact, in microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


@dataclass(frozen=True)
class Found:
    """What a file says of itself."""

    application: int
    version: int
    empty: bool


def found(connection: sqlite3.Connection) -> Found:
    """To be called inside a transaction: another process may be making the file just now."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    return Found(application, version, empty=not tables)


def migrate(connection: sqlite3.Connection, schema: Schema) -> None:
    """Brings the file up to date, all or nothing; several processes may try at once."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = found(connection).version
        for statements in schema.migrations[version:]:
            for statement in statements:
                connection.execute(statement)
        if version < schema.version:
            connection.execute(f"PRAGMA application_id = {schema.application}")
            connection.execute(f"PRAGMA user_version = {schema.version}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
