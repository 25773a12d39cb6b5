"""What is particular to the PostgreSQL store: its schema, its locks, its errors, answers that are lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from desk import refused

from databases import PASSWORD, Databases
from factories import at, make_change, make_created, make_environment, make_finished
from line import Line
from pilotage.core import events as e
from pilotage.core.events import Order
from pilotage.core.state import State, fold
from pilotage.errors import PilotageError
from pilotage.ports import Conflict, LeaseLost, StoreError
from pilotage.store.postgresql import schema
from pilotage.store.postgresql.server import Server
from pilotage.store.postgresql.store import PostgresStore
from pilotage.store.reading import FOLD

pytestmark = [pytest.mark.real]
TTL = timedelta(seconds=30)


@pytest.fixture
def server(databases: Databases) -> Server:
    return databases.emptied()


@pytest.fixture
def line(databases: Databases) -> Iterator[Line]:
    with Line(databases.server.port) as line:
        yield line


def note(by: str, value: str = "") -> e.Event:
    return e.Intended(at=at(1), by=by, key="k", value=value, told="t")


def raw(server: Server, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.conninfo("tests"), autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def with_stores(server: Server, count: int, work: Callable[..., Awaitable[Any]]) -> Any:
    """``work(store, …)`` with so many stores, each with connections of its own."""

    async def run() -> Any:
        stores = [PostgresStore.open(server) for _ in range(count)]
        try:
            return await work(*stores)
        finally:
            for store in stores:
                await store.close()

    return asyncio.run(run())


async def begin(store: PostgresStore, id: str = "shop-1") -> State:
    change = make_change(id, make_created())
    await store.commit(change)
    return change.state


# --- the schema

OURS = [(number,) for number, _ in enumerate(schema.MIGRATIONS, 1)]


def test_a_newer_schema_is_refused_and_not_touched(databases: Databases) -> None:
    server = databases.fresh()
    PostgresStore.open(server)
    raw(server, "INSERT INTO versions (version) VALUES (99)")
    with refused("store.newer") as problems:
        PostgresStore.open(server)
    assert "99" in (problems[0].why or "")
    assert raw(server, "SELECT version FROM versions ORDER BY 1") == [*OURS, (99,)]


def test_who_works_notices_a_newer_schema_when_it_connects_again(databases: Databases) -> None:
    server = databases.fresh()

    async def work(store: PostgresStore) -> None:
        await begin(store)
        raw(server, "INSERT INTO versions (version) VALUES (99)")
        raw(
            server,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pilotage store'",
        )
        with pytest.raises(StoreError) as caught:
            await store.rollouts()
        assert caught.value.problems[0].code == "store.newer"

    with_stores(server, 1, work)


def test_of_several_that_bring_it_up_to_date_at_once_one_does(databases: Databases) -> None:
    server = databases.fresh()
    later = (*schema.MIGRATIONS, ("CREATE TABLE later (once integer)", "SELECT pg_sleep(0.05)"))
    results: list[object] = []

    def open_it(migrations: tuple[tuple[str, ...], ...]) -> None:
        with psycopg.connect(server.conninfo("tests"), autocommit=True) as connection:
            try:
                results.append(schema.bring_up_to_date(connection, server, migrations))
            except Exception as error:
                results.append(error)

    open_it(schema.MIGRATIONS)
    threads = [threading.Thread(target=open_it, args=(later,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [None] * 6
    assert raw(server, "SELECT version FROM versions ORDER BY 1") == [*OURS, (len(OURS) + 1,)]
    with refused("store.newer"):
        PostgresStore.open(server)


def test_a_migration_that_fails_leaves_nothing_behind(databases: Databases) -> None:
    server = databases.fresh()
    broken = (*schema.MIGRATIONS, ("CREATE TABLE later (once integer)", "SELECT 1 / 0"))
    with psycopg.connect(server.conninfo("tests"), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            schema.bring_up_to_date(connection, server, broken)
        schema.bring_up_to_date(connection, server)
    assert raw(server, "SELECT to_regclass('pilotage.later')") == [(None,)]


def test_a_schema_that_is_not_ours_is_left_alone(databases: Databases) -> None:
    server = databases.fresh()
    raw(server, "CREATE SCHEMA pilotage")
    raw(server, "CREATE TABLE pilotage.ships (name text)")
    with refused("store.foreign"):
        PostgresStore.open(server)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET body = '{}'",
        "DELETE FROM events",
        "TRUNCATE events",
        "INSERT INTO events VALUES ('shop-1', 3, '{}')",
    ],
)
def test_the_database_itself_refuses_to_change_history(server: Server, statement: str) -> None:
    with_stores(server, 1, begin)
    with pytest.raises(psycopg.errors.RaiseException, match="history is"):
        raw(server, statement)


# --- errors, and what they do not tell


def test_its_password_is_never_told(databases: Databases, server: Server) -> None:
    wrong = Server.of(server.uri.replace(PASSWORD, "not-the-word"))
    with refused("store.refused") as problems:
        PostgresStore.open(wrong)
    told = f"{problems[0].model_dump_json()} {wrong!r} {wrong}"
    assert "not-the-word" not in told
    assert PASSWORD not in f"{server!r} {server}"
    assert wrong.tells_password
    with pytest.raises(PilotageError) as caught:
        Server.of("postgresql://ada:pass%zz@host/x")
    assert "pass%zz" not in str(caught.value.problems)


def test_a_database_that_is_not_there(server: Server) -> None:
    with refused("store.refused"):
        PostgresStore.open(Server.of(server.uri.rsplit("/", 1)[0] + "/nowhere"))


def test_a_server_that_can_not_be_reached(
    server: Server, line: Line, monkeypatch: pytest.MonkeyPatch, databases: Databases
) -> None:
    monkeypatch.setattr("pilotage.store.postgresql.database.open_now.__defaults__", (0.3,))
    line.cut()
    with refused("store.unreachable"):
        PostgresStore.open(databases.at("test_1", line.port))


def test_one_that_has_no_answer_is_cut_off(databases: Databases, server: Server, line: Line) -> None:
    name = server.uri.rsplit("/", 1)[1]

    async def work(store: PostgresStore) -> None:
        await begin(store)
        store._database.patience = 0.5
        line.hold()
        begun = time.monotonic()
        with pytest.raises(StoreError) as caught:
            await store.rollouts()
        assert caught.value.problems[0].code == "store.unreachable"
        assert time.monotonic() - begun > 0.2
        line.mend()
        assert len(await store.rollouts()) == 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pilotage.store.postgresql.database.cut_when_silent.__wrapped__.__defaults__", (0.3,))
        patch.setattr("pilotage.store.postgresql.server.CONNECT", 2)
        with_stores(databases.at(name, line.port), 1, work)


# --- answers that are lost


@pytest.mark.parametrize("moment", ["the commit was made", "the commit never came"])
def test_a_commit_whose_answer_is_lost_is_there_once(
    databases: Databases, server: Server, line: Line, moment: str
) -> None:
    lost = []

    def strike(data: bytes) -> None:
        if b"COMMIT" in data and not lost:
            lost.append(moment)
            if moment == "the commit was made":
                line.eats_answers = True
                threading.Timer(0.2, line.cut).start()
            else:
                line.cut()
            threading.Timer(0.5, line.mend).start()

    async def work(store: PostgresStore) -> None:
        state = await begin(store)
        line.asked = strike
        change = make_change(state, note("one"))
        await store.commit(change, environment=make_environment(holder="shop-1"))
        assert lost
        assert await store.events("shop-1", 1) == change.events
        assert (await store.environment("shop", "production")).revision == 1

    with_stores(databases.at(server.uri.rsplit("/", 1)[1], line.port), 1, work)


def test_an_order_whose_answer_is_lost_is_there_once(databases: Databases, server: Server, line: Line) -> None:
    lost = []

    def strike(data: bytes) -> None:
        if b"COMMIT" in data and not lost:
            lost.append(True)
            line.eats_answers = True
            threading.Timer(0.2, line.cut).start()
            threading.Timer(0.5, line.mend).start()

    async def work(store: PostgresStore) -> None:
        await begin(store)
        line.asked = strike
        sent = await store.send("shop-1", Order.PAUSE, "ada", at(1))
        assert lost
        assert await store.messages("shop-1", 0) == (sent,)

    with_stores(databases.at(server.uri.rsplit("/", 1)[1], line.port), 1, work)


def test_somebody_elses_commit_is_not_taken_for_ours(databases: Databases, server: Server, line: Line) -> None:
    """Ours never came, and before we could ask somebody else was quicker."""
    lost = []

    def strike(data: bytes) -> None:
        if b"COMMIT" in data and not lost:
            lost.append(True)
            line.cut()

    async def work(store: PostgresStore) -> None:
        state = await begin(store)
        line.asked = strike
        ours = asyncio.create_task(store.commit(make_change(state, note("we"))))
        while not lost:
            await asyncio.sleep(0.01)
        other = PostgresStore.open(server)
        await other.commit(make_change(state, note("they")))
        await other.close()
        line.mend()
        with pytest.raises(Conflict):
            await ours
        assert [event.by for event in await store.events("shop-1", 1)] == ["they"]

    with_stores(databases.at(server.uri.rsplit("/", 1)[1], line.port), 1, work)


# --- at once


def test_exactly_one_of_several_wins_each_round(server: Server) -> None:
    async def work(*stores: PostgresStore) -> None:
        state = await begin(stores[0])
        for number in range(15):
            changes = [make_change(state, note(str(place), str(number))) for place in range(len(stores))]
            results = await asyncio.gather(
                *(store.commit(change) for store, change in zip(stores, changes, strict=True)),
                return_exceptions=True,
            )
            won = [place for place, result in enumerate(results) if result is None]
            assert len(won) == 1
            assert all(isinstance(result, Conflict | None) for result in results)
            state = await stores[0].rollout("shop-1")
            assert state == changes[won[0]].state
        assert state == fold("shop-1", await stores[0].events("shop-1"))

    with_stores(server, 3, work)


def test_no_rollout_is_ever_claimed_by_two(server: Server) -> None:
    async def work(*stores: PostgresStore) -> None:
        for number in range(40):
            await begin(stores[0], f"shop-{number}")

        async def claim(place: int) -> list[str]:
            had = []
            while claimed := await stores[place].claim(f"w{place}", at(0), TTL, 3):
                had += [held.rollout for held, _ in claimed]
            return had

        had = await asyncio.gather(*(claim(place) for place in range(len(stores))))
        everything = [id for one in had for id in one]
        # Who finds all rows locked just then is told that there is none: at most a few are left.
        left = await stores[0].claim("last", at(0), TTL, 100)
        assert len(everything) + len(left) == 40
        assert len(set(everything)) == len(everything)

    with_stores(server, 4, work)


@pytest.mark.parametrize("waiting", ["a commit", "a lease that is given back"])
def test_an_order_that_comes_while_somebody_waits_for_its_row_is_not_lost(server: Server, waiting: str) -> None:
    """A statement sees what was there when it began, not when it got its lock."""

    async def work(store: PostgresStore) -> None:
        state = await begin(store)
        [(held, _)] = await store.claim("w1", at(0), TTL, 1)
        with psycopg.connect(server.conninfo("tests")) as other:
            other.execute("SELECT 1 FROM rollouts WHERE id = 'shop-1' FOR UPDATE")
            message = e.Message(number=1, order=Order.ABORT, by="ada", at=at(1)).model_dump_json()
            other.execute("INSERT INTO messages VALUES ('shop-1', 1, 'k', %s)", (message,))
            change = make_change(state, note("w1"), held=held, wake=at(999))
            call = store.commit(change) if waiting == "a commit" else store.release(held, at(999))
            saving = asyncio.create_task(call)
            await until_waiting(server, 1)
            other.execute("UPDATE rollouts SET wake = 0 WHERE id = 'shop-1'")
            other.commit()
        await saving
        assert raw(server, "SELECT wake FROM rollouts") == [(0,)]
        again = await store.rollout("shop-1")
        with pytest.raises(Conflict, match="without having heard"):
            await store.commit(make_change(again, make_finished()))

    with_stores(server, 1, work)


async def until_waiting(server: Server, count: int) -> None:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    while raw(server, query) != [(count,)]:
        await asyncio.sleep(0.01)


def test_what_another_version_made_is_left_to_it(server: Server) -> None:
    async def work(store: PostgresStore) -> None:
        await begin(store)
        await begin(store, "shop-2")
        await begin(store, "shop-3")
        raw(server, "UPDATE rollouts SET fold = %s WHERE id = 'shop-1'", FOLD + 1)
        raw(server, "UPDATE rollouts SET fold = %s, state = '{\"odd\": 1}' WHERE id = 'shop-2'", FOLD - 1)
        claimed = await store.claim("w1", at(0), TTL, 9)
        assert [held.rollout for held, _ in claimed] == ["shop-2", "shop-3"]
        assert claimed[0][1] == fold("shop-2", await store.events("shop-2"))

    with_stores(server, 1, work)


def test_one_that_can_not_be_read_does_not_block_the_others(server: Server) -> None:
    async def work(store: PostgresStore) -> None:
        await begin(store)
        await begin(store, "shop-2")
        raw(server, "UPDATE rollouts SET plan = '{}' WHERE id = 'shop-1'")
        raw(server, "SET session_replication_role = replica")
        with psycopg.connect(server.conninfo("tests"), autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute(
                "UPDATE events SET body = '{\"kind\": \"of tomorrow\"}' WHERE rollout = 'shop-1'"
            )
        for _ in range(2):
            claimed = await store.claim("w1", at(0), timedelta(0), 9)
            assert [held.rollout for held, _ in claimed] == ["shop-2"]
        with pytest.raises(StoreError) as caught:
            await store.rollout("shop-1")
        assert caught.value.problems[0].code == "store.unreadable"

    with_stores(server, 1, work)


def test_a_lease_that_was_taken_over_is_lost(server: Server) -> None:
    async def work(one: PostgresStore, two: PostgresStore) -> None:
        await begin(one)
        [(held, state)] = await one.claim("w1", at(0), TTL, 1)
        await two.take_over()
        [(after, _)] = await two.claim("w2", at(0), TTL, 1)
        assert after.epoch > held.epoch
        with pytest.raises(LeaseLost):
            await one.commit(make_change(state, note("w1"), held=held))

    with_stores(server, 2, work)


# --- time


def test_all_go_by_the_servers_time_and_a_clock_that_is_set_is_noticed(server: Server) -> None:
    async def work(one: PostgresStore, two: PostgresStore) -> None:
        def apart() -> float:
            return abs((one.clock.now() - two.clock.now()).total_seconds())

        before = one.clock.now()
        # As if the server's clock had been set forward by an hour.
        raw(server, "UPDATE clock SET ahead = ahead + 3600000000")
        await one._database.read(one.clock.learn)
        await two._database.read(two.clock.learn)
        assert (one.clock.now() - before).total_seconds() < 60
        assert apart() < 1
        assert raw(server, "SELECT generation FROM clock") > [(1,)]
        raw(server, "UPDATE clock SET ahead = -3600000000")
        for store in (one, two, one):
            await store._database.read(store.clock.learn)
        assert (one.clock.now() - before).total_seconds() < 60
        await one.set_clock_right()
        await two._database.read(two.clock.learn)
        assert raw(server, "SELECT abs(ahead) < 2000000 FROM clock") == [(True,)]
        assert apart() < 1

    with_stores(server, 2, work)
