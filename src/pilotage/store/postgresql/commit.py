"""Writing history: the statements of one commit, inside the transaction that its caller began.

First all rows are locked, in an order that everybody keeps to. A statement sees what was committed before it
began: only one that begins after the locks are held sees every message and every nudge.
"""

from __future__ import annotations

from pilotage.core.environment import Environment
from pilotage.ports import Change, StoreError
from pilotage.store.postgresql.database import Connection
from pilotage.store.postgresql.leases import AT_ONCE_OR, wake_up
from pilotage.store.postgresql.reading import unknown
from pilotage.store.problems import unheard
from pilotage.store.records import columns, environment_moved_on, lease_lost, moved_on, there_already


async def commit(db: Connection, changes: tuple[Change, ...], environment: Environment | None) -> None:
    rows = [columns(change) for change in changes]
    await _lock(db, changes, environment)
    for change, row in zip(changes, rows, strict=True):
        if not change.before:
            await _begin(db, change, row)
        else:
            await _move_on(db, change, row)
        await _append(db, change)
    if environment is not None:
        await _put_environment(db, environment)


async def made(db: Connection, changes: tuple[Change, ...], environment: Environment | None) -> bool:
    """Whether exactly this commit is in the history: it is all or nothing, so its events tell of all of it.

    One without events can be made again instead: it only asks for a lease, or moves a wake-up.
    """
    eventful = [change for change in changes if change.events]
    for change in eventful:
        rows = await db.execute(
            "SELECT body FROM events WHERE rollout = %s AND number > %s ORDER BY number LIMIT %s",
            (change.state.id, change.before, len(change.events)),
        )
        if [body for (body,) in await rows.fetchall()] != _bodies(change):
            return False
    if eventful or environment is None:
        return bool(eventful)
    after = _after(environment)
    found = await db.execute(
        "SELECT body FROM environments WHERE service = %s AND name = %s", (after.service, after.name)
    )
    return await found.fetchone() == (after.model_dump_json(),)


async def _lock(db: Connection, changes: tuple[Change, ...], environment: Environment | None) -> None:
    if environment is not None:
        await db.execute(
            "SELECT 1 FROM environments WHERE service = %s AND name = %s FOR UPDATE",
            (environment.service, environment.name),
        )
    ids = [change.state.id for change in changes if change.before]
    if ids:
        await db.execute("SELECT 1 FROM rollouts WHERE id = ANY(%s) ORDER BY id FOR UPDATE", (ids,))


async def _begin(db: Connection, change: Change, row: dict[str, object]) -> None:
    made = await db.execute(
        """
        INSERT INTO rollouts (id, service, environment, status, rev, heard, wake, fold, state, plan)
        VALUES (%(id)s, %(service)s, %(environment)s, %(status)s, %(rev)s, %(heard)s, %(wake)s, %(fold)s,
                %(state)s, %(plan)s)
        ON CONFLICT (id) DO NOTHING
        """,
        {**row, "plan": change.state.plan.model_dump_json()},
    )
    if not made.rowcount:
        raise there_already(change.state.id)
    await wake_up(db, change.state.id)


_MOVE_ON = f"""
    UPDATE rollouts SET
        status = %(status)s, rev = %(rev)s, heard = %(heard)s, fold = %(fold)s, state = %(state)s,
        wake = CASE WHEN %(final)s THEN NULL ELSE {AT_ONCE_OR.format(heard="%(heard)s")} END,
        owner = CASE WHEN %(final)s THEN NULL ELSE owner END,
        lease_until = CASE WHEN %(final)s THEN 0 ELSE lease_until END
    WHERE id = %(id)s AND rev = %(before)s
      AND (%(epoch)s::bigint IS NULL OR (owner = %(owner)s AND epoch = %(epoch)s))
      AND NOT (%(final)s AND EXISTS (SELECT 1 FROM messages WHERE rollout = %(id)s AND number > %(heard)s))
"""


async def _move_on(db: Connection, change: Change, row: dict[str, object]) -> None:
    if not (await db.execute(_MOVE_ON, row)).rowcount:
        raise await _why_not(db, change)


async def _why_not(db: Connection, change: Change) -> StoreError:
    id, held = change.state.id, change.held
    row = await (await db.execute("SELECT rev, owner, epoch FROM rollouts WHERE id = %s", (id,))).fetchone()
    if row is None:
        return await unknown(db, id)
    rev, owner, epoch = row
    if held is not None and (owner, epoch) != (held.owner, held.epoch):
        return lease_lost(held, owner)
    return unheard(id) if rev == change.before else moved_on(id, rev, change.before)


async def _append(db: Connection, change: Change) -> None:
    if change.events:
        await db.execute(
            """
            INSERT INTO events (rollout, number, body)
            SELECT %s, %s + place, body
            FROM unnest(%s::text[]) WITH ORDINALITY AS bodies (body, place) ORDER BY place
            """,
            (change.state.id, change.before, _bodies(change)),
        )


def _bodies(change: Change) -> list[str]:
    return [event.model_dump_json() for event in change.events]


def _after(environment: Environment) -> Environment:
    return environment.model_copy(update={"revision": environment.revision + 1})


async def _put_environment(db: Connection, environment: Environment) -> None:
    service, name, before = environment.service, environment.name, environment.revision
    after = _after(environment)
    row = (after.revision, after.model_dump_json(), service, name)
    if before:
        put = await db.execute(
            """
            UPDATE environments SET revision = %s, body = %s
            WHERE service = %s AND name = %s AND revision = %s
            """,
            (*row, before),
        )
    else:
        put = await db.execute(
            """
            INSERT INTO environments (revision, body, service, name) VALUES (%s, %s, %s, %s)
            ON CONFLICT DO NOTHING
            """,
            row,
        )
    if not put.rowcount:
        raise environment_moved_on(service, name)
    if after.holder is None:
        await _nudge_queue(db, service, name)


async def _nudge_queue(db: Connection, service: str, name: str) -> None:
    """The environment is free: those who wait for it look again at once, also one that looks just now."""
    nudged = await db.execute(
        """
        UPDATE rollouts SET wake = 0, nudged = true
        WHERE service = %s AND environment = %s AND status = 'queued'
        RETURNING id
        """,
        (service, name),
    )
    for (id,) in await nudged.fetchall():
        await wake_up(db, id)
