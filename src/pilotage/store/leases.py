"""Who looks at which rollout, and when: leases, wake-ups and the inbox, inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection
from datetime import datetime, timedelta

from pilotage.core.events import Message, Order
from pilotage.core.state import State
from pilotage.ports import Held, StoreError
from pilotage.store import reading
from pilotage.store.problems import ended, unfinished
from pilotage.store.reading import FOLD
from pilotage.store.schema import micros

LOOK_AGAIN = timedelta(minutes=1)
"""A rollout that this version cannot read is passed over for so long, so that it does not block the others."""

AT_ONCE_OR = """
    CASE WHEN nudged = 1
           OR EXISTS (SELECT 1 FROM messages WHERE rollout = :id AND messages.number > {heard})
         THEN 0 ELSE :wake END
"""
# What came while a worker had the lease must not wait for the wake-up that the worker chose before it came.


_DUE = "FROM rollouts WHERE wake <= :now AND lease_until <= :now AND fold <= :fold"
_SERVED = """
    AND (:served IS NULL OR environment IN (SELECT value FROM json_each(:served))
         OR service || '/' || environment IN (SELECT value FROM json_each(:served)))
"""


def any_due(db: sqlite3.Connection, now: datetime) -> bool:
    row = db.execute(f"SELECT 1 {_DUE} LIMIT 1", {"now": micros(now), "fold": FOLD}).fetchone()
    return row is not None


def claim(
    db: sqlite3.Connection,
    owner: str,
    now: datetime,
    ttl: timedelta,
    limit: int,
    served: Collection[str] | None = None,
) -> list[tuple[Held, State]]:
    due = db.execute(
        f"SELECT id, epoch {_DUE} {_SERVED} ORDER BY wake, seq LIMIT :limit",
        {
            "now": micros(now),
            "fold": FOLD,
            "limit": limit,
            "served": None if served is None else json.dumps(list(served)),
        },
    ).fetchall()
    claimed = []
    for id, epoch in due:
        try:
            state = reading.rollout(db, id)
        except StoreError:
            db.execute("UPDATE rollouts SET wake = ? WHERE id = ?", (micros(now + LOOK_AGAIN), id))
            continue
        db.execute(
            "UPDATE rollouts SET owner = ?, epoch = ?, lease_until = ?, nudged = 0 WHERE id = ?",
            (owner, epoch + 1, micros(now + ttl), id),
        )
        claimed.append((Held(rollout=id, owner=owner, epoch=epoch + 1), state))
    return claimed


def renew(db: sqlite3.Connection, owner: str, now: datetime, ttl: timedelta, rollouts: Collection[str]) -> None:
    db.execute(
        """
        UPDATE rollouts SET lease_until = ?
        WHERE owner = ? AND id IN (SELECT value FROM json_each(?))
        """,
        (micros(now + ttl), owner, json.dumps(list(rollouts))),
    )


def take_over(db: sqlite3.Connection) -> None:
    db.execute("UPDATE rollouts SET owner = NULL, lease_until = 0, wake = 0 WHERE wake IS NOT NULL")


def release(db: sqlite3.Connection, held: Held, wake: datetime) -> None:
    db.execute(
        f"""
        UPDATE rollouts SET owner = NULL, lease_until = 0, wake = {AT_ONCE_OR.format(heard="heard")}
        WHERE id = :id AND owner = :owner AND epoch = :epoch
        """,
        {"id": held.rollout, "owner": held.owner, "epoch": held.epoch, "wake": micros(wake)},
    )


def send(
    db: sqlite3.Connection, rollout: str, order: Order, by: str, at: datetime, reason: str, key: str | None
) -> Message:
    found = db.execute("SELECT wake, status FROM rollouts WHERE id = ?", (rollout,)).fetchone()
    if found is None:
        raise reading.unknown(db, rollout)
    row = db.execute("SELECT body FROM messages WHERE rollout = ? AND key = ?", (rollout, key)).fetchone()
    if row:
        return reading.record(Message, row[0], f"A message to {rollout}")
    if found[0] is None:
        raise ended(rollout, found[1])
    (last,) = db.execute(
        "SELECT COALESCE(MAX(number), 0) FROM messages WHERE rollout = ?", (rollout,)
    ).fetchone()
    message = Message(number=last + 1, order=order, by=by, at=at, reason=reason)
    db.execute(
        "INSERT INTO messages (rollout, number, key, body) VALUES (?, ?, ?, ?)",
        (rollout, message.number, key, message.model_dump_json()),
    )
    db.execute("UPDATE rollouts SET wake = 0 WHERE id = ? AND wake IS NOT NULL", (rollout,))
    return message


def forget(db: sqlite3.Connection, rollout: str) -> None:
    """Its orders: who gave them is in the events."""
    found = db.execute("SELECT wake FROM rollouts WHERE id = ?", (rollout,)).fetchone()
    if found is None:
        raise reading.unknown(db, rollout)
    if found[0] is not None:
        raise unfinished(rollout)
    db.execute("DELETE FROM messages WHERE rollout = ?", (rollout,))


def messages(db: sqlite3.Connection, rollout: str, after: int) -> tuple[Message, ...]:
    rows = db.execute(
        "SELECT body FROM messages WHERE rollout = ? AND number > ? ORDER BY number", (rollout, after)
    )
    return tuple(reading.record(Message, body, f"A message to {rollout}") for (body,) in rows)
