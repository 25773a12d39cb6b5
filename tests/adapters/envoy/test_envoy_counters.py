"""Counters against the truth that the client knows: exact to the request."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from envoy_stage import Stage, run
from router_load import Connection, Events, Websocket, ask

from pilotage.core.routing import Timeouts

pytestmark = pytest.mark.real


def test_every_status_is_counted_where_it_was_given(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(300_000, failover=("old-1",)))
        truth: Counter[tuple[str, int]] = Counter()
        statuses = [200] * 300 + [500] * 30 + [503] * 7 + [404] * 11 + [204] * 5
        async with Connection(stage.listen) as connection:
            for number, status in enumerate(statuses):
                answer = await connection.ask(f"/status/{status}", "POST" if number % 3 else "GET")
                assert answer.status == status
                truth[answer.headers["x-release"], status] += 1
        reading = await stage.settled(len(statuses))
        for release, counters in reading.counters.items():
            mine = {status: number for (name, status), number in truth.items() if name == release}
            assert counters.by_status == mine
            assert counters.requests == counters.latency_bucket[-1] == sum(mine.values())
            assert counters.errors == sum(number for status, number in mine.items() if status >= 500)
            assert counters.connect_failures == counters.failed_over == counters.inflight == 0
            assert all(below <= above for below, above in pairwise(counters.latency_bucket))
        assert reading.users_served == len(statuses)
        assert reading.users_failed == 37

    run(story)


def test_a_dead_release_is_seen_through_its_failover(stage: Stage) -> None:
    """Users lose nothing and all of them get 200; the judge must still see that new-1 is dead."""

    async def story() -> None:
        await stage.serve(stage.routing(500_000, failover=("old-1",)))
        stage.releases[1].kill()
        async with Connection(stage.listen) as connection:
            for number in range(400):
                answer = await connection.ask("/", "POST" if number % 2 else "GET")
                assert answer.status == 200
                assert answer.text == "old-1"
        # Every request was tried at new-1 or at old-1 first; those of new-1 once more, at old-1.
        reading = await stage.settled(400, timed=0)
        again = reading.counters["new-1"].requests
        reading = await stage.settled(400 + again, timed=400 - again)
        new, old = reading.counters["new-1"], reading.counters["old-1"]
        assert new.requests == new.errors == new.connect_failures == old.failed_over > 100
        assert new.by_status == {}
        assert new.latency_bucket[-1] == 0
        assert old.requests + old.failed_over == 400
        assert old.requests == old.by_status[200] == old.latency_bucket[-1]
        assert old.errors == 0
        assert (reading.users_served, reading.users_failed) == (400, 0)

    run(story)


def test_an_answer_that_breaks_off_counts_once_for_a_post_and_once_a_try_for_a_get(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(0))
        answer = await ask(stage.listen, "/break", "POST", b"x")
        assert (answer.status, "broke off" in answer.text) == (503, True)
        reading = await stage.settled(1, timed=0)
        assert (reading.counters["old-1"].requests, reading.counters["old-1"].errors) == (1, 1)
        assert (reading.users_served, reading.users_failed) == (1, 1)
        assert (await ask(stage.listen, "/break")).status == 503
        reading = await stage.settled(10, timed=0)
        assert (reading.counters["old-1"].requests, reading.counters["old-1"].errors) == (10, 10)
        assert (reading.users_served, reading.users_failed) == (2, 2)

    run(story)


def test_a_client_that_leaves_is_no_error_but_its_wait_is_counted(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(0))
        async with Connection(stage.listen) as connection:
            connection.send("/slow/5000", "GET", b"", {})
            await asyncio.sleep(0.2)
        reading = await stage.settled(1)
        old = reading.counters["old-1"]
        assert (old.requests, old.errors, old.by_status) == (1, 0, {499: 1})
        assert old.latency_bucket[-1] == 1
        assert old.latency_bucket[reading.latency_bounds.index(0.1)] == 0
        assert (reading.users_served, reading.users_failed) == (0, 0)

    run(story)


def test_latency_is_to_the_first_byte_and_in_the_right_bucket(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(0))
        for path in ("/", "/slow/120", "/slow/400", "/late/400"):
            assert (await ask(stage.listen, path)).status == 200
        reading = await stage.settled(4)
        buckets = dict(zip(reading.latency_bounds, reading.counters["old-1"].latency_bucket, strict=False))
        # Lower edges only: how long a busy machine takes on top is nobody's promise.
        assert buckets[0.1] <= 2
        assert buckets[0.35] <= 3
        assert reading.counters["old-1"].latency_bucket[-1] == 4

    run(story)


def test_streams_are_in_flight_by_instance_until_they_end(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(0))
        async with Connection(stage.listen) as first, Connection(stage.listen) as second:
            events, socket = Events(first), Websocket(second)
            await events.start()
            await socket.start()
            assert (await stage.router.observe()).inflight == {"old-1.1": 2, "new-1.1": 0}
            assert (await stage.router.telemetry()).counters["old-1"].inflight == 2
            await stage.serve(stage.routing(1_000_000))
            assert (await stage.router.observe()).inflight == {"old-1.1": 2, "new-1.1": 0}

        async def over() -> bool:
            return (await stage.router.observe()).inflight["old-1.1"] == 0

        await stage.until(over)

    run(story)


def test_streams_stay_in_flight_when_their_cluster_is_built_anew(stage: Stage) -> None:
    """Other timeouts make another cluster in Envoy, whose endpoints know nothing of what went before."""

    async def story() -> None:
        await stage.serve(stage.routing(0))
        async with Connection(stage.listen) as connection:
            events = Events(connection)
            await events.start()
            await stage.serve(stage.routing(0, timeouts=Timeouts(upstream_idle=timedelta(seconds=2))))
            assert (await ask(stage.listen)).text == "old-1"
            assert (await stage.router.observe()).inflight == {"old-1.1": 1, "new-1.1": 0}
            assert await events.next() == "old-1"

        async def over() -> bool:
            return (await stage.router.observe()).inflight["old-1.1"] == 0

        await stage.until(over)

    run(story)


def test_probes_are_never_counted(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(0))
        for _ in range(5):
            await stage.again().observe()
        await ask(stage.listen)
        reading = await stage.settled(1)
        assert reading.users_served == 1
        assert sum(counters.requests for counters in reading.counters.values()) == 1

    run(story)


def test_counters_outlive_changes_of_the_routing(stage: Stage) -> None:
    async def story() -> None:
        for number in range(1, 6):
            await stage.serve(stage.routing(number * 10, failover=("old-1",) if number % 2 else ()))
            await ask(stage.listen)
            reading = await stage.settled(number)
            assert reading.counters["old-1"].requests + reading.counters["new-1"].requests == number

    run(story)
