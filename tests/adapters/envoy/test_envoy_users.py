"""What users notice of a change: nothing. Each story runs under load of clients that never retry."""

from __future__ import annotations

import asyncio
import random

import pytest
from envoy_stage import Stage, run
from router_load import Connection, Events, Load, Websocket, ask, shares

from pilotage.core.routing import Backend, ByUser, Pin, Routing, Split

pytestmark = pytest.mark.real


def test_nothing_is_lost_while_shares_change(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(0))
        draw = random.Random(1)
        async with Load(stage.listen) as seen:
            for _ in range(40):
                new = draw.choice([0, 10, 1_000, 10_000, 100_000, 500_000, 900_000, 1_000_000])
                await stage.serve(stage.routing(new, failover=draw.choice([(), ("old-1",)])))
        assert seen.failures == []
        assert set(seen.answers) == {"old-1", "new-1"}
        assert seen.streamed > 0

    run(story)


def test_nothing_is_lost_while_a_release_comes_takes_over_and_the_old_one_goes(stage: Stage) -> None:
    async def story() -> None:
        old, new = stage.releases
        await stage.serve(stage.routing(0, using=(old,), splits=(Split(release="old-1", share=1_000_000),)))
        alone = (Split(release="new-1", share=1_000_000),)
        async with Load(stage.listen, sses=0, websockets=0) as seen:
            await stage.serve(stage.routing(0))
            await stage.serve(stage.routing(500_000))
            await stage.serve(stage.routing(1_000_000))
            await stage.until(lambda: idle(stage, "old-1.1"))
            old.end()
            await stage.serve(stage.routing(0, using=(new,), splits=alone))
            seen.answers.clear()
            await asyncio.sleep(0.3)
        assert seen.failures == []
        assert set(seen.answers) == {"new-1"}
        old.process.wait(10)

    run(story)


async def idle(stage: Stage, instance: str) -> bool:
    return (await stage.router.observe()).inflight.get(instance, 0) == 0


def test_one_call_may_swap_everything(stage: Stage) -> None:
    """Routes move before endpoints go, within one apply: the caller need not know that order."""

    async def story() -> None:
        old, new = stage.releases
        only_old = stage.routing(0, using=(old,), splits=(Split(release="old-1", share=1_000_000),))
        only_new = stage.routing(0, using=(new,), splits=(Split(release="new-1", share=1_000_000),))
        await stage.serve(only_old)
        async with Load(stage.listen, slows=0) as seen:
            for _ in range(10):
                await stage.serve(only_new)
                await stage.serve(only_old)
        assert seen.failures == []

    run(story)


def test_zero_is_a_hard_zero(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(500_000))
        async with Load(stage.listen, slows=0, sses=0, websockets=0) as seen:
            for _ in range(10):
                await stage.serve(stage.routing(500_000))
                await stage.serve(stage.routing(0))
                after = asyncio.get_running_loop().time()
                await asyncio.sleep(0.05)
                assert not [t for t in seen.timeline if t[0] > after and t[2] == "new-1"]
        assert seen.failures == []

    run(story)


def test_shares_are_as_asked(stage: Stage) -> None:
    async def story() -> None:
        for new in (100_000, 500_000):
            await stage.serve(stage.routing(new))
            seen = await shares(stage.listen, 2_000)
            # Six standard deviations of a binomial: fails once in five hundred million runs.
            spread = 6 * (2_000 * new / 1e6 * (1 - new / 1e6)) ** 0.5
            assert abs(seen["new-1"] - 2_000 * new / 1e6) < spread

    run(story)


@pytest.mark.parametrize("growing", ["new-1", "old-1"])
def test_users_only_move_to_the_release_whose_share_grows(stage: Stage, growing: str) -> None:
    """Whichever of the two ids comes first in the alphabet."""

    def routing(share: int) -> Routing:
        new = share if growing == "new-1" else 1_000_000 - share
        return stage.routing(new, key=ByUser(cookie="uid"))

    async def story() -> None:
        before: set[int] = set()
        sizes = []
        for share in (0, 10_000, 50_000, 200_000, 500_000, 1_000_000):
            await stage.serve(routing(share))
            now = await users_of(growing, stage.listen, 1_500)
            assert before <= now
            before = now
            sizes.append(len(now))
        assert sizes[0] == 0
        assert sizes[-1] == 1_500
        assert 0 < sizes[1] < sizes[2] < sizes[3] < sizes[4] < 1_500
        await stage.serve(routing(50_000))
        assert len(await users_of(growing, stage.listen, 1_500)) == sizes[2]

    run(story)


async def users_of(release: str, port: int, users: int) -> set[int]:
    async with Connection(port) as connection:
        answers = [await connection.ask(cookie=f"a=b; uid=user-{user}; c=d") for user in range(users)]
    return {user for user, answer in enumerate(answers) if answer.text == release}


def test_a_user_without_the_cookie_gets_one_that_keeps_their_release(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(500_000, key=ByUser(cookie="uid")))
        for _ in range(20):
            first = await ask(stage.listen)
            cookie = first.headers["set-cookie"]
            assert cookie.startswith("uid=")
            assert "HttpOnly" in cookie
            again = await ask(stage.listen, cookie=cookie.split(";")[0].replace('"', ""))
            assert again.text == first.text

    run(story)


@pytest.mark.parametrize("value", ["beta", "a+b (c|d)*[e] $1.0^", "x\\d{2}"])
def test_pins_go_before_the_split_and_mean_what_they_say(stage: Stage, value: str) -> None:
    async def story() -> None:
        pins = (
            Pin(release="new-1", header="X-Canary", value=value),
            Pin(release="new-1", cookie="seg.ment", value=value),
        )
        await stage.serve(stage.routing(0, pins=pins))
        assert await shares(stage.listen, 20, X_Canary=value) == {"new-1": 20}
        assert (await ask(stage.listen, X_Canary=value + "x")).text == "old-1"
        for cookie in (f"seg.ment={value}", f"a=b; seg.ment={value}; c=d", f"a=b; seg.ment={value}"):
            assert (await ask(stage.listen, cookie=cookie)).text == "new-1"
            assert (await ask(stage.listen, "/", "POST", b"x", cookie=cookie)).text == "new-1"
        for cookie in (f"seg.ment={value}x", f"xseg.ment={value}", f"segment={value}", f"a=seg.ment={value}"):
            assert (await ask(stage.listen, cookie=cookie)).text == "old-1"

    run(story)


def test_maintenance_says_when_to_come_back(stage: Stage) -> None:
    async def story() -> None:
        for routing in (stage.routing(0, splits=()), stage.routing(0, using=(), backends=no_endpoints())):
            await stage.serve(routing)
            answer = await ask(stage.listen)
            assert answer.status == 503
            assert answer.headers["retry-after"] == "5"
            assert "try again" in answer.text
            assert answer.headers.keys() <= {"retry-after", "content-length", "content-type", "date"}

    run(story)


def no_endpoints() -> tuple[Backend, ...]:
    return (Backend(release="old-1"), Backend(release="new-1"))


def test_a_draining_endpoint_keeps_its_streams_and_gets_nothing_new(stage: Stage) -> None:
    async def story() -> None:
        second = stage.release("old-1")
        everybody = stage.routing(0)
        await stage.serve(everybody)
        async with Connection(stage.listen) as first, Connection(stage.listen) as other:
            events, socket = Events(first), Websocket(other)
            await events.start()
            await socket.start()
            inflight = (await stage.router.observe()).inflight
            assert sum(inflight.values()) == 2
            # The one that is to drain has at least one of the streams.
            busy = max(("old-1.1", "old-1.2"), key=lambda instance: inflight[instance])
            await stage.serve(draining(everybody, busy))
            before = (await stage.router.observe()).inflight[busy]
            assert before == inflight[busy] >= 1
            assert await shares(stage.listen, 50) == {"old-1": 50}
            assert (await stage.router.observe()).inflight[busy] == before
            for _ in range(5):
                assert await events.next() == "old-1"
                assert await socket.echo(b"hi") == "old-1 hi"
        await stage.until(lambda: idle(stage, busy))
        leaving = stage.releases[0] if busy == "old-1.1" else second
        leaving.kill()
        assert await shares(stage.listen, 50) == {"old-1": 50}

    run(story)


def draining(routing: Routing, instance: str) -> Routing:
    backends = tuple(
        backend.model_copy(
            update={
                "endpoints": tuple(
                    e.model_copy(update={"draining": e.instance == instance}) for e in backend.endpoints
                )
            }
        )
        for backend in routing.backends
    )
    return Routing.model_validate(routing.model_dump() | {"backends": backends})


def test_the_preview_serves_its_release_to_nobody_else(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(0))
        assert (await ask(stage.preview)).status == 503
        await stage.serve(stage.routing(0, preview_release="new-1"))
        assert await shares(stage.preview, 20) == {"new-1": 20}
        assert await shares(stage.listen, 20) == {"old-1": 20}
        reading = await stage.settled(20)
        assert reading.counters["new-1"].requests == 0
        assert reading.counters["old-1"].requests == reading.users_served == 20

    run(story)


def test_old_clients_and_old_applications_are_understood(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(stage.routing(0))
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.listen)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        assert b" 200 " in answer.splitlines()[0]
        assert b"X-Release: old-1" in answer
        assert b"x-envoy" not in answer.lower()

    run(story)
