"""What may be forgotten of a rollout, and that it was: inside the transaction that the caller began."""

from __future__ import annotations

from datetime import datetime

from pilotage.core.retention import Pruned
from pilotage.store.postgresql.database import Connection
from pilotage.store.postgresql.reading import unknown
from pilotage.store.problems import unfinished
from pilotage.store.reading import record

_FORGETTABLE = ("snapshots", "checkpoints", "glances", "messages")


async def remembered(db: Connection) -> tuple[str, ...]:
    union = " UNION ".join(f"SELECT rollout FROM {table}" for table in _FORGETTABLE)
    rows = await db.execute(f'SELECT rollout FROM ({union}) AS found ORDER BY rollout COLLATE "C"'.encode())
    return tuple(id for (id,) in await rows.fetchall())


async def weight(db: Connection, rollout: str) -> dict[str, int]:
    found = {}
    for table in _FORGETTABLE:
        rows = await db.execute(f"SELECT count(*) FROM {table} WHERE rollout = %s".encode(), (rollout,))
        row = await rows.fetchone()
        found[table] = int(row[0]) if row else 0
    return found


async def forget(db: Connection, rollout: str, at: datetime) -> None:
    """Repeated after an answer that was lost, it changes nothing."""
    found = await db.execute("SELECT wake FROM rollouts WHERE id = %s FOR UPDATE", (rollout,))
    row = await found.fetchone()
    if row is None:
        raise await unknown(db, rollout)
    if row[0] is not None:
        raise unfinished(rollout)
    kept = (await weight(db, rollout))["snapshots"]
    for table in _FORGETTABLE:
        await db.execute(f"DELETE FROM {table} WHERE rollout = %s".encode(), (rollout,))
    if kept:
        await db.execute(
            "INSERT INTO pruned (rollout, body) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (rollout, Pruned(at=at, snapshots=kept).model_dump_json()),
        )


async def pruned(db: Connection, rollout: str) -> Pruned | None:
    rows = await db.execute("SELECT body FROM pruned WHERE rollout = %s", (rollout,))
    row = await rows.fetchone()
    return None if row is None else record(Pruned, row[0], f"What is gone of {rollout}")
