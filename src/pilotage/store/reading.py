"""Reading history, and what is kept beside it, inside the transaction that the caller began."""

from __future__ import annotations

import sqlite3
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pilotage.core.environment import Environment
from pilotage.core.events import EVENT, Event
from pilotage.core.evidence import Statement
from pilotage.core.readiness import Tick
from pilotage.core.state import State, fold
from pilotage.ports import StoreError
from pilotage.store import problems

FOLD = 2
"""Raise it whenever fold makes another state of the same events: kept states are then folded anew.

A worker leaves rollouts alone whose state was made by a higher one (a newer Pilotage works here too).
"""

_NEWEST = 500
"""Among so many rollouts the nearest id is looked for."""

Record = TypeVar("Record", bound=BaseModel)

_COLUMNS = "rollouts.id, rollouts.fold, rollouts.state, json_extract(events.body, '$.plan')"
_CREATION = "JOIN events ON events.rollout = rollouts.id AND events.number = 1"


def rollout(db: sqlite3.Connection, id: str) -> State:
    row = db.execute(f"SELECT {_COLUMNS} FROM rollouts {_CREATION} WHERE rollouts.id = ?", (id,)).fetchone()
    if row is None:
        raise unknown(db, id)
    return _state(db, *row)


def rollouts(
    db: sqlite3.Connection, service: str | None, environment: str | None, limit: int, *, unfinished: bool
) -> list[State]:
    # An idle worker asks for the unfinished ones all the time; without the index it would read all of history.
    source, conditions = "rollouts", ["TRUE"]
    if unfinished:
        source, conditions = "rollouts INDEXED BY rollouts_due", ["wake IS NOT NULL"]
    if service is not None:
        conditions.append("service = :service")
    if environment is not None:
        conditions.append("environment = :environment")
    rows = db.execute(
        f"""
        SELECT {_COLUMNS} FROM rollouts {_CREATION} WHERE seq IN (
            SELECT seq FROM {source} WHERE {" AND ".join(conditions)} ORDER BY seq DESC LIMIT :limit
        ) ORDER BY seq DESC
        """,
        {"service": service, "environment": environment, "limit": limit},
    ).fetchall()
    return [_state(db, *row) for row in rows]


def _state(db: sqlite3.Connection, id: str, made_by: int, state: str, plan: str) -> State:
    """The kept state; folded anew from the events when another version of the code made it."""
    if made_by == FOLD:
        try:
            return State.model_validate_json(f'{{"plan":{plan},{state[1:]}')
        except ValidationError:
            pass
    return fold(id, events(db, id, 0))


def events(db: sqlite3.Connection, rollout: str, after: int) -> tuple[Event, ...]:
    rows = db.execute(
        "SELECT body FROM events WHERE rollout = ? AND number > ? ORDER BY number", (rollout, after)
    )
    try:
        return tuple(EVENT.validate_json(body) for (body,) in rows)
    except ValidationError as error:
        raise problems.unreadable(f"The history of {rollout}", error) from error


def environment(db: sqlite3.Connection, service: str, name: str) -> Environment:
    row = db.execute("SELECT body FROM environments WHERE service = ? AND name = ?", (service, name)).fetchone()
    if row is None:
        return Environment(service=service, name=name)
    return record(Environment, row[0], f"Environment {name} of {service}")


def environments(db: sqlite3.Connection) -> list[Environment]:
    rows = db.execute("SELECT service, name, body FROM environments ORDER BY service, name")
    return [record(Environment, body, f"Environment {name} of {service}") for service, name, body in rows]


def tick(db: sqlite3.Connection, tick: Tick) -> None:
    db.execute("INSERT INTO ticks (plan, body) VALUES (?, ?)", (tick.plan, tick.model_dump_json()))


def ticks(db: sqlite3.Connection, plan: str) -> tuple[Tick, ...]:
    rows = db.execute("SELECT body FROM ticks WHERE plan = ? ORDER BY number", (plan,)).fetchall()
    return tuple(record(Tick, body, f"A tick of {plan}") for (body,) in rows)


def attest(db: sqlite3.Connection, statement: Statement) -> None:
    db.execute(
        "INSERT OR IGNORE INTO statements (digest, service, body) VALUES (?, ?, ?)",
        (statement.digest, statement.service, statement.model_dump_json()),
    )


def statements(db: sqlite3.Connection, service: str) -> tuple[Statement, ...]:
    rows = db.execute("SELECT body FROM statements WHERE service = ? ORDER BY number", (service,)).fetchall()
    return tuple(record(Statement, body, f"A statement on {service}") for (body,) in rows)


def unknown(db: sqlite3.Connection, id: str) -> StoreError:
    rows = db.execute("SELECT id FROM rollouts ORDER BY seq DESC LIMIT ?", (_NEWEST,))
    return problems.unknown_rollout(id, [known for (known,) in rows])


def record(model: type[Record], body: str, what: str) -> Record:
    """``what`` names the record for the reader of a Problem."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise problems.unreadable(what, error) from error
