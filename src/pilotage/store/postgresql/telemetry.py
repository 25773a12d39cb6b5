"""What the judge saw and remembers, and the last look for those who watch. Not synced to the server's disk."""

from __future__ import annotations

import json
from typing import Any

from pilotage.core.environment import Glance
from pilotage.core.judging import Snapshot
from pilotage.store.postgresql.database import Connection
from pilotage.store.reading import record as read


async def record(db: Connection, rollout: str, number: int, snapshot: Snapshot) -> None:
    await db.execute(
        "INSERT INTO snapshots (rollout, number, body) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (rollout, number, snapshot.model_dump_json()),
    )


async def snapshots(db: Connection, rollout: str, after: int) -> list[tuple[int, Snapshot]]:
    rows = await db.execute(
        "SELECT number, body FROM snapshots WHERE rollout = %s AND number > %s ORDER BY number",
        (rollout, after),
    )
    return [(number, read(Snapshot, body, f"Telemetry of {rollout}")) for number, body in await rows.fetchall()]


async def checkpoint(db: Connection, rollout: str, number: int, judge: dict[str, Any]) -> None:
    # json, not pydantic: infinities come back as they were.
    await db.execute(
        """
        INSERT INTO checkpoints (rollout, number, body) VALUES (%s, %s, %s)
        ON CONFLICT (rollout) DO UPDATE SET number = excluded.number, body = excluded.body
        """,
        (rollout, number, json.dumps(judge)),
    )


async def last_checkpoint(db: Connection, rollout: str) -> tuple[int, dict[str, Any]] | None:
    found = await db.execute("SELECT number, body FROM checkpoints WHERE rollout = %s", (rollout,))
    row = await found.fetchone()
    return None if row is None else (row[0], json.loads(row[1]))


async def put_glance(db: Connection, rollout: str, glance: Glance) -> None:
    await db.execute(
        """
        INSERT INTO glances (rollout, body) VALUES (%s, %s)
        ON CONFLICT (rollout) DO UPDATE SET body = excluded.body
        """,
        (rollout, glance.model_dump_json()),
    )


async def glance(db: Connection, rollout: str) -> Glance | None:
    found = await db.execute("SELECT body FROM glances WHERE rollout = %s", (rollout,))
    row = await found.fetchone()
    return None if row is None else read(Glance, row[0], f"The last look at {rollout}")
