"""Writing history: the statements of one commit, inside the transaction that its caller began."""

from __future__ import annotations

import sqlite3

from pilotage.core.environment import Environment
from pilotage.ports import Change, StoreError
from pilotage.store.leases import AT_ONCE_OR
from pilotage.store.problems import unheard
from pilotage.store.reading import unknown
from pilotage.store.records import columns, environment_moved_on, lease_lost, moved_on, there_already


def commit(db: sqlite3.Connection, changes: tuple[Change, ...], environment: Environment | None) -> None:
    for change in changes:
        if not change.before:
            _begin(db, change)
        else:
            _move_on(db, change)
        _append(db, change)
    if environment is not None:
        _put_environment(db, environment)


def _begin(db: sqlite3.Connection, change: Change) -> None:
    made = db.execute(
        """
        INSERT INTO rollouts (id, service, environment, status, rev, heard, wake, fold, state)
        VALUES (:id, :service, :environment, :status, :rev, :heard, :wake, :fold, :state)
        ON CONFLICT (id) DO NOTHING
        """,
        columns(change),
    )
    if not made.rowcount:
        raise there_already(change.state.id)


_MOVE_ON = f"""
    UPDATE rollouts SET
        status = :status, rev = :rev, heard = :heard, fold = :fold, state = :state,
        wake = CASE WHEN :final THEN NULL ELSE {AT_ONCE_OR.format(heard=":heard")} END,
        owner = CASE WHEN :final THEN NULL ELSE owner END,
        lease_until = CASE WHEN :final THEN 0 ELSE lease_until END
    WHERE id = :id AND rev = :before AND (:epoch IS NULL OR (owner = :owner AND epoch = :epoch))
      AND NOT (:final AND EXISTS (SELECT 1 FROM messages WHERE rollout = :id AND number > :heard))
"""


def _move_on(db: sqlite3.Connection, change: Change) -> None:
    if not db.execute(_MOVE_ON, columns(change)).rowcount:
        raise _why_not(db, change)


def _why_not(db: sqlite3.Connection, change: Change) -> StoreError:
    id, held = change.state.id, change.held
    row = db.execute("SELECT rev, owner, epoch FROM rollouts WHERE id = ?", (id,)).fetchone()
    if row is None:
        return unknown(db, id)
    rev, owner, epoch = row
    if held is not None and (owner, epoch) != (held.owner, held.epoch):
        return lease_lost(held, owner)
    if rev == change.before:
        return unheard(id)
    return moved_on(id, rev, change.before)


def _append(db: sqlite3.Connection, change: Change) -> None:
    id = change.state.id
    numbered = enumerate(change.events, start=change.before + 1)
    db.executemany(
        "INSERT INTO events (rollout, number, body) VALUES (?, ?, ?)",
        [(id, number, event.model_dump_json()) for number, event in numbered],
    )


def _put_environment(db: sqlite3.Connection, environment: Environment) -> None:
    service, name, before = environment.service, environment.name, environment.revision
    after = environment.model_copy(update={"revision": before + 1})
    row = (after.revision, after.model_dump_json(), service, name)
    if before:
        put = db.execute(
            "UPDATE environments SET revision = ?, body = ? WHERE service = ? AND name = ? AND revision = ?",
            (*row, before),
        )
    else:
        put = db.execute(
            """
            INSERT INTO environments (revision, body, service, name) VALUES (?, ?, ?, ?)
            ON CONFLICT DO NOTHING
            """,
            row,
        )
    if not put.rowcount:
        raise environment_moved_on(service, name)
    if after.holder is None:
        _nudge_queue(db, service, name)


def _nudge_queue(db: sqlite3.Connection, service: str, name: str) -> None:
    """The environment is free: those who wait for it look again at once, also one that looks just now."""
    db.execute(
        """
        UPDATE rollouts INDEXED BY rollouts_queued SET wake = 0, nudged = 1
        WHERE service = ? AND environment = ? AND status = 'queued'
        """,
        (service, name),
    )
