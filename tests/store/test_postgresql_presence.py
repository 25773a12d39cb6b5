"""Workers that share a database: how they hear what comes, and how the leases of a dead one are taken over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from test_postgresql import begin, raw, with_stores

from databases import Databases
from factories import make_environment, make_plan
from pilotage.core.events import Order
from pilotage.ports import Change, StoreError
from pilotage.store.postgresql.presence import Living, Presence
from pilotage.store.postgresql.store import PostgresStore

pytestmark = [pytest.mark.real]
HOUR = timedelta(hours=1)
LONG = 3000.0
PLENTY = 60.0
"""Seconds for what comes at once; whoever rests would rest for longer."""


def story(databases: Databases, work: Callable[..., Awaitable[Any]]) -> Any:
    async def within(one: PostgresStore, two: PostgresStore) -> Any:
        async with asyncio.timeout(PLENTY):
            return await work(one, two)

    return with_stores(databases.emptied(), 2, within)


async def arrived(store: PostgresStore, *presences: Presence) -> None:
    names = {presence.name for presence in presences}
    while not names <= {one.name for one in await store.workers()}:
        await asyncio.sleep(0.01)


async def asleep(store: PostgresStore, id: str) -> None:
    """Due in an hour."""
    state = await begin(store, id)
    await store.commit(Change(state, (), before=1, wake=store.clock.now() + HOUR))


@pytest.mark.parametrize("by_name", [True, False])
def test_an_order_wakes_at_once(databases: Databases, by_name: bool) -> None:
    async def work(one: PostgresStore, two: PostgresStore) -> None:
        await asleep(one, "shop-1")
        await asleep(one, "shop-2")
        async with one.presence("w1") as bell:
            await arrived(one, bell)
            await bell.rest(None, LONG)  # until it listens
            for rollout in ("shop-1", "shop-2"):
                bell.expect(rollout)
            await bell.rest(None, 0.01)
            resting = asyncio.create_task(bell.rest("shop-1" if by_name else None, LONG))
            other = asyncio.create_task(bell.rest("shop-2", LONG))
            await two.send("shop-1", Order.PAUSE, "ada", one.clock.now())
            await resting
            assert not other.done()
            bell.ring()
            await other

    story(databases, work)


def test_an_order_that_comes_before_the_rest_is_not_missed(databases: Databases) -> None:
    async def work(one: PostgresStore, two: PostgresStore) -> None:
        await asleep(one, "shop-1")
        async with one.presence("w1") as bell:
            await arrived(one, bell)
            await bell.rest(None, LONG)  # until it listens
            bell.expect("shop-1")
            await two.send("shop-1", Order.PAUSE, "ada", one.clock.now())
            await bell.rest(None, LONG)
            await bell.rest("shop-1", LONG)

    story(databases, work)


def test_a_new_release_and_a_free_environment_wake(databases: Databases) -> None:
    async def work(one: PostgresStore, two: PostgresStore) -> None:
        async with one.presence("w1") as bell:
            await arrived(one, bell)
            await bell.rest(None, 0.01)
            resting = asyncio.create_task(bell.rest(None, LONG))
            state = await begin(two)
            await resting
            raw(one.server, "UPDATE rollouts SET status = 'queued'")
            await two.commit(Change(state, (), before=1, wake=one.clock.now() + HOUR))
            raw(one.server, "UPDATE rollouts SET status = 'queued'")
            await bell.rest(None, 0.01)
            resting = asyncio.create_task(bell.rest(None, LONG))
            await two.commit(environment=make_environment())
            await resting

    story(databases, work)


def test_what_sleeps_is_looked_at_when_it_is_time(databases: Databases) -> None:
    async def work(one: PostgresStore, two: PostgresStore) -> None:
        state = await begin(one)
        wake = one.clock.now() + timedelta(seconds=0.4)
        await one.commit(Change(state, (), before=1, wake=wake))
        async with one.presence("w1") as bell:
            await arrived(one, bell)
            await bell.rest(None, 0.01)
            while not (claimed := await one.claim("w1", one.clock.now(), HOUR, 1)):
                await bell.rest(None, LONG)
            assert [held.rollout for held, _ in claimed] == ["shop-1"]

    story(databases, work)


def test_the_leases_of_one_whose_connection_is_gone_are_free(databases: Databases) -> None:
    """Long before they run out; those of one that lives stay."""

    async def work(one: PostgresStore, two: PostgresStore) -> None:
        for number in range(3):
            await begin(one, f"shop-{number}")
        dying, living = one.presence("w1"), two.presence("w2")
        async with living:
            async with dying:
                await arrived(one, dying, living)
                assert len(await one.claim("w1", one.clock.now(), HOUR, 2)) == 2
                assert len(await two.claim("w2", two.clock.now(), HOUR, 2)) == 1
            mine: list[str] = []
            while len(mine) < 2:
                await living.rest(None, LONG)
                mine += [held.rollout for held, _ in await two.claim("w2", two.clock.now(), HOUR, 9)]
            assert sorted(mine) == ["shop-0", "shop-1"]
            assert await two.workers() == [Living("w2", None)]

    story(databases, work)


def test_one_that_is_cut_off_comes_back(databases: Databases) -> None:
    async def work(one: PostgresStore, two: PostgresStore) -> None:
        await asleep(one, "shop-1")
        async with one.presence("w1", ["production"]) as bell:
            await arrived(one, bell)
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
            assert raw(one.server, query, "pilotage worker w1") == [(True,)]
            await two.send("shop-1", Order.PAUSE, "ada", one.clock.now())
            bell.expect("shop-1")
            await bell.rest("shop-1", LONG)
            await arrived(one, bell)

    story(databases, work)


async def rest_for_ever(bell: Presence) -> None:
    while True:
        await bell.rest(None, LONG)


def test_a_worker_ends_when_a_newer_pilotage_has_come(databases: Databases) -> None:
    async def work(one: PostgresStore) -> None:
        async with one.presence("w1") as bell:
            await arrived(one, bell)
            raw(one.server, "INSERT INTO versions (version) VALUES (99)")
            with pytest.raises(StoreError) as caught:
                await rest_for_ever(bell)
            assert caught.value.problems[0].code == "store.newer"

    with_stores(databases.fresh(), 1, work)


def test_who_serves_what(databases: Databases) -> None:
    everything, some = Living("w1", None), Living("w2", ("production", "till/staging"))
    assert everything.serves("shop", "staging")
    assert some.serves("shop", "production")
    assert some.serves("till", "staging")
    assert not some.serves("shop", "staging")

    async def work(one: PostgresStore, two: PostgresStore) -> None:
        state = make_plan(environment="staging")
        async with one.presence("w1", some.environments) as bell:
            await arrived(one, bell)
            assert await two.workers() == [Living("w1", some.environments)]
            assert not (await two.workers())[0].serves(state.service, state.environment)

    story(databases, work)
