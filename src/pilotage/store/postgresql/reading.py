"""Reading history. A statement sees one moment; a state that is folded anew may be of a later one, as sound."""

from __future__ import annotations

from pydantic import ValidationError

from pilotage.core.environment import Environment
from pilotage.core.events import EVENT, Event
from pilotage.core.evidence import Statement
from pilotage.core.readiness import Tick
from pilotage.core.state import State, fold
from pilotage.ports import StoreError
from pilotage.store import problems
from pilotage.store.postgresql.database import Connection
from pilotage.store.reading import FOLD, record

_NEWEST = 500
"""Among so many rollouts the nearest id is looked for."""


async def rollout(db: Connection, id: str) -> State:
    found = await db.execute("SELECT fold, state, plan FROM rollouts WHERE id = %s", (id,))
    row = await found.fetchone()
    if row is None:
        raise await unknown(db, id)
    return await state(db, id, *row)


async def rollouts(
    db: Connection, service: str | None, environment: str | None, limit: int, *, unfinished: bool
) -> list[State]:
    conditions = ["wake IS NOT NULL" if unfinished else "TRUE"]
    if service is not None:
        conditions.append("service = %(service)s")
    if environment is not None:
        conditions.append("environment = %(environment)s")
    rows = await db.execute(
        f"""
        SELECT id, fold, state, plan FROM rollouts WHERE {" AND ".join(conditions)}
        ORDER BY seq DESC LIMIT %(limit)s
        """,
        {"service": service, "environment": environment, "limit": limit},
    )
    return [await state(db, *row) for row in await rows.fetchall()]


async def state(db: Connection, id: str, made_by: int, kept: str, plan: str) -> State:
    """The kept state; folded anew from the events when another version of the code made it."""
    if made_by == FOLD:
        try:
            return State.model_validate_json(f'{{"plan":{plan},{kept[1:]}')
        except ValidationError:
            pass
    return fold(id, await events(db, id, 0))


async def events(db: Connection, rollout: str, after: int) -> tuple[Event, ...]:
    rows = await db.execute(
        "SELECT body FROM events WHERE rollout = %s AND number > %s ORDER BY number", (rollout, after)
    )
    try:
        return tuple(EVENT.validate_json(body) for (body,) in await rows.fetchall())
    except ValidationError as error:
        raise problems.unreadable(f"The history of {rollout}", error) from error


async def environment(db: Connection, service: str, name: str) -> Environment:
    found = await db.execute("SELECT body FROM environments WHERE service = %s AND name = %s", (service, name))
    row = await found.fetchone()
    if row is None:
        return Environment(service=service, name=name)
    return record(Environment, row[0], f"Environment {name} of {service}")


async def environments(db: Connection) -> list[Environment]:
    rows = await db.execute(
        'SELECT service, name, body FROM environments ORDER BY service COLLATE "C", name COLLATE "C"'
    )
    return [
        record(Environment, body, f"Environment {name} of {service}")
        for service, name, body in await rows.fetchall()
    ]


async def tick(db: Connection, tick: Tick, key: str) -> None:
    await db.execute(
        "INSERT INTO ticks (key, plan, body) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (key, tick.plan, tick.model_dump_json()),
    )


async def ticks(db: Connection, plan: str) -> tuple[Tick, ...]:
    rows = await db.execute("SELECT body FROM ticks WHERE plan = %s ORDER BY number", (plan,))
    return tuple(record(Tick, body, f"A tick of {plan}") for (body,) in await rows.fetchall())


async def attest(db: Connection, statement: Statement) -> None:
    await db.execute(
        "INSERT INTO statements (digest, service, body) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (statement.digest, statement.service, statement.model_dump_json()),
    )


async def statements(db: Connection, service: str) -> tuple[Statement, ...]:
    rows = await db.execute("SELECT body FROM statements WHERE service = %s ORDER BY number", (service,))
    return tuple(record(Statement, body, f"A statement on {service}") for (body,) in await rows.fetchall())


async def unknown(db: Connection, id: str) -> StoreError:
    rows = await db.execute("SELECT id FROM rollouts ORDER BY seq DESC LIMIT %s", (_NEWEST,))
    return problems.unknown_rollout(id, [known for (known,) in await rows.fetchall()])
