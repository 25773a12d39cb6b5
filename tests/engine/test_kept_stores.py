"""What an earlier version has begun, this one finishes: stores/ holds states as earlier versions left them."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kept_stores import DATABASES, EVENTS, FOLDER, METHODS, STATES, STORE, Country, around, revive
from test_engine import NEW, OLD

from pilotage.core import events as e
from pilotage.core.plan import Plan
from pilotage.core.state import State, Status, fold
from pilotage.store.schema import HISTORY, TELEMETRY
from pilotage.store.sqlite import SqliteStore
from pilotage.usecases import backing_up
from pilotage.usecases.proving import Proof, verify
from pilotage.usecases.returning import roll_back

KEPT = sorted(path for path in FOLDER.iterdir() if path.is_dir())
each = pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.name)


def histories(kept: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in gzip.decompress((kept / EVENTS).read_bytes()).decode().splitlines():
        told = json.loads(line)
        found.setdefault(told["rollout"], []).append(told["event"])
    return found


def states(kept: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((kept / STATES).read_text())
    return found


def check_same(state: State, was: dict[str, Any]) -> None:
    """What was known then is the same now; a version may know more."""
    now = json.loads(state.model_dump_json(exclude={"plan"}))
    assert {key: now[key] for key in was} == was


@each
def test_the_events_make_the_states_that_they_made(kept: Path) -> None:
    told = histories(kept)
    assert told.keys() == states(kept).keys()
    for id, was in states(kept).items():
        check_same(fold(id, [e.EVENT.validate_python(event) for event in told[id]]), was)


@each
def test_a_plan_keeps_the_digest_that_was_approved(kept: Path) -> None:
    for events in histories(kept).values():
        assert Plan.model_validate(events[0]["plan"]).digest == events[0]["digest"]


@each
def test_the_store_is_brought_up_to_date_and_says_the_same(kept: Path, tmp_path: Path) -> None:
    async def look() -> None:
        country = await revive(kept, tmp_path)
        store: SqliteStore = country.store
        found = {state.id: state for state in await store.rollouts(limit=1000)}
        assert found.keys() == states(kept).keys()
        for id, was in states(kept).items():
            check_same(found[id], was)
            told = [json.loads(event.model_dump_json()) for event in await store.events(id)]
            assert [event["kind"] for event in told] == [event["kind"] for event in histories(kept)[id]]
        await country.close()

    asyncio.run(look())
    for name, schema in zip(DATABASES, (HISTORY, TELEMETRY), strict=True):
        with sqlite3.connect(tmp_path / name) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (schema.version,)


@each
def test_its_rollouts_go_on_to_their_end(kept: Path, tmp_path: Path) -> None:
    """A pause is lifted, a person says yes, the judge goes on with what it had heard."""

    async def story() -> dict[str, tuple[State, list[Proof]]]:
        country = await revive(kept, tmp_path)
        for environment, order in (
            ("paused", e.Order.RESUME),
            ("waiting", e.Order.PROMOTE),
            ("warm", e.Order.PROMOTE),
        ):
            await ask(country, environment, order)
        ended = await all_ended(country)
        found = {}
        for state in ended:
            judged = await country.store.snapshots(state.id)
            proofs = await verify(country.store, state) if judged else []
            found[state.plan.environment] = (state, [one.proof for one in proofs])
            assert fold(state.id, await country.store.events(state.id)) == state
        check_served(country, {name: OLD.id if name in BACK else NEW.id for name in METHODS})
        await country.close()
        return found

    found = asyncio.run(story())
    for name, (state, proofs) in found.items():
        assert state.status is (Status.ROLLED_BACK if name in BACK else Status.SUCCEEDED), name
        assert set(proofs) <= {Proof.SAME, Proof.OTHER_VERDICT}, "a judge may learn; what it heard stays"
    assert found["judging"][1]


@each
def test_its_rollouts_are_taken_back(kept: Path, tmp_path: Path) -> None:
    async def story() -> list[State]:
        country = await revive(kept, tmp_path)
        for name in ("paused", "waiting", "judging", "warm", "turned-back"):
            await ask(country, name, e.Order.ROLLBACK)
        known = await country.store.environment("shop", "finished")
        again = await roll_back(
            country.store, country.reach_of, known, by="ada", now=country.clock.now(), reason="not good"
        )
        ended = await all_ended(country)
        check_served(country, dict.fromkeys(METHODS, OLD.id))
        assert next(state for state in ended if state.id == again.id).status is Status.SUCCEEDED
        await country.close()
        return [state for state in ended if state.plan.environment != "finished"]

    assert {state.status for state in asyncio.run(story())} == {Status.ROLLED_BACK}


@each
def test_a_backup_of_it_is_put_back_and_goes_on(kept: Path, tmp_path: Path) -> None:
    """As on another machine that took over: nobody's lease stands in the way."""

    async def story() -> list[State]:
        country = await revive(kept, tmp_path)
        await country.store.claim("somebody", country.clock.now(), timedelta(hours=9), 100)
        moment, file = country.clock.now(), tmp_path / "all.backup"
        backing_up.write(country.store.everything(), file, moment)
        await country.close()
        assert backing_up.check(file).rollouts == len(states(kept))
        country = await around(tmp_path / "elsewhere", kept)
        await country.store.put_everything(lambda: backing_up.rows_of(file), replace=False)
        for id, was in states(kept).items():
            check_same(await country.store.rollout(id), was)
        await ask(country, "paused", e.Order.ABORT)
        await ask(country, "waiting", e.Order.PROMOTE)
        await ask(country, "warm", e.Order.PROMOTE)
        ended = await all_ended(country)
        await country.close()
        return ended

    ended = {state.plan.environment: state.status for state in asyncio.run(story())}
    back = {*BACK, "paused"}
    assert ended == {n: Status.ROLLED_BACK if n in back else Status.SUCCEEDED for n in METHODS}


BACK = ("taken-back", "turned-back")


async def ask(country: Country, environment: str, order: e.Order) -> None:
    """Of the rollout that is under way there."""
    known = await country.store.environment("shop", environment)
    assert known.holder is not None, "the kept store has something under way there"
    await country.store.send(known.holder, order, "ada", country.clock.now())


async def all_ended(country: Country) -> list[State]:
    async with country.at_work():
        for state in await country.store.rollouts(unfinished=True):
            await country.until(state.id, lambda state: state.status.final, look=5)
    return await country.store.rollouts(limit=1000)


def check_served(country: Country, wanted: dict[str, str]) -> None:
    served = {
        name: [split.release for split in place.router.serving.splits if split.share]
        for name, place in country.places.items()
    }
    assert served == {name: [release] for name, release in wanted.items()}


def test_every_kept_store_is_whole() -> None:
    assert KEPT, "there is one of the past"
    for kept in KEPT:
        assert {path.name for path in kept.iterdir()} >= {*DATABASES, EVENTS, STATES, STORE}
        assert {id.split("-", 1)[1].rsplit("-", 1)[0] for id in states(kept)} == set(METHODS)
