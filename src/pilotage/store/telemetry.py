"""The statements on the telemetry file: what the judge saw, remembers, and the last look for those who watch.

A file of its own, so that its frequent writes never lock or sync the history. A power cut may cost its last
seconds; a damaged one is set aside, because a rollback must never wait for it.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

from pilotage.core.environment import Glance
from pilotage.core.judging import Snapshot
from pilotage.core.retention import Pruned
from pilotage.ports import StoreError
from pilotage.store import reading
from pilotage.store.database import Database
from pilotage.store.schema import TELEMETRY


def open_telemetry(path: Path) -> Database:
    """A damaged file is renamed (``… .damaged``, replacing an earlier one) and begun anew."""
    try:
        return Database.open(path, TELEMETRY)
    except StoreError as error:
        if error.problems[0].code != "store.corrupt":
            raise
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(path.with_name(path.name + ".damaged" + suffix))
    return Database.open(path, TELEMETRY)


def record(db: sqlite3.Connection, rollout: str, number: int, snapshot: Snapshot) -> None:
    db.execute(
        "INSERT INTO snapshots (rollout, number, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (rollout, number, snapshot.model_dump_json()),
    )


def snapshots(db: sqlite3.Connection, rollout: str, after: int) -> list[tuple[int, Snapshot]]:
    rows = db.execute(
        "SELECT number, body FROM snapshots WHERE rollout = ? AND number > ? ORDER BY number", (rollout, after)
    )
    return [(number, reading.record(Snapshot, body, f"Telemetry of {rollout}")) for number, body in rows]


def checkpoint(db: sqlite3.Connection, rollout: str, number: int, judge: dict[str, Any]) -> None:
    # json, not pydantic: infinities come back as they were.
    db.execute(
        """
        INSERT INTO checkpoints (rollout, number, body) VALUES (?, ?, ?)
        ON CONFLICT (rollout) DO UPDATE SET number = excluded.number, body = excluded.body
        """,
        (rollout, number, json.dumps(judge)),
    )


def last_checkpoint(db: sqlite3.Connection, rollout: str) -> tuple[int, dict[str, Any]] | None:
    row = db.execute("SELECT number, body FROM checkpoints WHERE rollout = ?", (rollout,)).fetchone()
    return None if row is None else (row[0], json.loads(row[1]))


def put_glance(db: sqlite3.Connection, rollout: str, glance: Glance) -> None:
    db.execute(
        """
        INSERT INTO glances (rollout, body) VALUES (?, ?)
        ON CONFLICT (rollout) DO UPDATE SET body = excluded.body
        """,
        (rollout, glance.model_dump_json()),
    )


def glance(db: sqlite3.Connection, rollout: str) -> Glance | None:
    row = db.execute("SELECT body FROM glances WHERE rollout = ?", (rollout,)).fetchone()
    return None if row is None else reading.record(Glance, row[0], f"The last look at {rollout}")


FORGETTABLE = ("snapshots", "checkpoints", "glances")


def remembered(db: sqlite3.Connection) -> set[str]:
    union = " UNION ".join(f"SELECT rollout FROM {table}" for table in FORGETTABLE)
    return {id for (id,) in db.execute(union)}


def weight(db: sqlite3.Connection, rollout: str) -> dict[str, int]:
    found = {}
    for table in FORGETTABLE:
        row = db.execute(f"SELECT COUNT(*) FROM {table} WHERE rollout = ?", (rollout,)).fetchone()
        found[table] = int(row[0])
    return found


def forget(db: sqlite3.Connection, rollout: str, at: datetime) -> None:
    (count,) = db.execute("SELECT COUNT(*) FROM snapshots WHERE rollout = ?", (rollout,)).fetchone()
    for table in FORGETTABLE:
        db.execute(f"DELETE FROM {table} WHERE rollout = ?", (rollout,))
    if count:
        db.execute(
            "INSERT INTO pruned (rollout, body) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (rollout, Pruned(at=at, snapshots=count).model_dump_json()),
        )


def pruned(db: sqlite3.Connection, rollout: str) -> Pruned | None:
    row = db.execute("SELECT body FROM pruned WHERE rollout = ?", (rollout,)).fetchone()
    return None if row is None else reading.record(Pruned, row[0], f"What is gone of {rollout}")
