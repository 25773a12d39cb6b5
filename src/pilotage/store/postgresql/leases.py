"""Who looks at which rollout, and when: leases, wake-ups and the inbox, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from pilotage.core.events import Message, Order
from pilotage.core.state import State
from pilotage.ports import Held, StoreError
from pilotage.store.leases import LOOK_AGAIN
from pilotage.store.postgresql import reading
from pilotage.store.postgresql.database import Connection
from pilotage.store.problems import ended
from pilotage.store.reading import FOLD, record
from pilotage.store.schema import micros

CHANNEL = "pilotage"
"""Of notifications; what is told is the id of the rollout that something came for."""

AT_ONCE_OR = """
    CASE WHEN nudged
           OR EXISTS (SELECT 1 FROM messages WHERE rollout = %(id)s AND messages.number > {heard})
         THEN 0 ELSE %(wake)s::bigint END
"""
# What came while a worker had the lease must not wait for the wake-up that the worker chose before it came.

SERVED = """
    (%(served)s::text[] IS NULL OR ARRAY[environment, service || '/' || environment] && %(served)s::text[])
"""

_CLAIM = f"""
    WITH due AS (
        SELECT id FROM rollouts
        WHERE wake <= %(now)s AND lease_until <= %(now)s AND fold <= %(fold)s AND {SERVED}
        ORDER BY wake, seq LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    UPDATE rollouts SET owner = %(owner)s, epoch = epoch + 1, lease_until = %(until)s, nudged = false
    FROM due WHERE rollouts.id = due.id
    RETURNING wake, seq, rollouts.id, epoch, fold, state, plan
"""


async def wake_up(db: Connection, rollout: str) -> None:
    """Told to every worker that listens, when the transaction is committed."""
    await db.execute("SELECT pg_notify(%s, %s)", (CHANNEL, rollout))


async def claim(
    db: Connection, owner: str, now: datetime, ttl: timedelta, limit: int, served: Collection[str] | None
) -> list[tuple[Held, State]]:
    rows = await db.execute(
        _CLAIM,
        {
            "owner": owner,
            "now": micros(now),
            "until": micros(now + ttl),
            "limit": limit,
            "fold": FOLD,
            "served": None if served is None else list(served),
        },
    )
    claimed = []
    for _, _, id, epoch, *kept in sorted(await rows.fetchall()):
        try:
            claimed.append((Held(rollout=id, owner=owner, epoch=epoch), await reading.state(db, id, *kept)))
        except StoreError:
            await db.execute(
                "UPDATE rollouts SET owner = NULL, lease_until = 0, wake = %s WHERE id = %s",
                (micros(now + LOOK_AGAIN), id),
            )
    return claimed


async def renew(db: Connection, owner: str, now: datetime, ttl: timedelta, rollouts: Collection[str]) -> None:
    await db.execute(
        "UPDATE rollouts SET lease_until = %s WHERE owner = %s AND id = ANY(%s)",
        (micros(now + ttl), owner, sorted(rollouts)),
    )


async def take_over(db: Connection) -> None:
    await db.execute("UPDATE rollouts SET owner = NULL, lease_until = 0, wake = 0 WHERE wake IS NOT NULL")


async def release(db: Connection, held: Held, wake: datetime) -> None:
    # Locked by a statement of its own: the next one sees every message that came before.
    await db.execute("SELECT 1 FROM rollouts WHERE id = %s FOR UPDATE", (held.rollout,))
    await db.execute(
        f"""
        UPDATE rollouts SET owner = NULL, lease_until = 0, wake = {AT_ONCE_OR.format(heard="heard")}
        WHERE id = %(id)s AND owner = %(owner)s AND epoch = %(epoch)s
        """,
        {"id": held.rollout, "owner": held.owner, "epoch": held.epoch, "wake": micros(wake)},
    )


async def send(
    db: Connection, rollout: str, order: Order, by: str, at: datetime, reason: str, key: str
) -> Message:
    found = await db.execute("SELECT wake, status FROM rollouts WHERE id = %s FOR UPDATE", (rollout,))
    row = await found.fetchone()
    if row is None:
        raise await reading.unknown(db, rollout)
    known = await db.execute("SELECT body FROM messages WHERE rollout = %s AND key = %s", (rollout, key))
    if body := await known.fetchone():
        return record(Message, body[0], f"A message to {rollout}")
    if row[0] is None:
        raise ended(rollout, row[1])
    inserted = await db.execute("SELECT COALESCE(MAX(number), 0) FROM messages WHERE rollout = %s", (rollout,))
    last = await inserted.fetchone()
    assert last is not None
    message = Message(number=last[0] + 1, order=order, by=by, at=at, reason=reason)
    await db.execute(
        "INSERT INTO messages (rollout, number, key, body) VALUES (%s, %s, %s, %s)",
        (rollout, message.number, key, message.model_dump_json()),
    )
    await db.execute("UPDATE rollouts SET wake = 0 WHERE id = %s AND wake IS NOT NULL", (rollout,))
    await wake_up(db, rollout)
    return message


async def messages(db: Connection, rollout: str, after: int) -> tuple[Message, ...]:
    rows = await db.execute(
        "SELECT body FROM messages WHERE rollout = %s AND number > %s ORDER BY number", (rollout, after)
    )
    return tuple(record(Message, body, f"A message to {rollout}") for (body,) in await rows.fetchall())
