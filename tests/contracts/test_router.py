"""What every router keeps to, the fake one included. What users notice is in tests/adapters/<router>/."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from pilotage.adapters.envoy.router import EnvoyRouter
from pilotage.core.comparing import Reconciliation
from pilotage.core.judging import Outcome
from pilotage.core.routing import Address, Backend, ByUser, Endpoint, Mirroring, Pin, Routing, Split
from pilotage.errors import Problem
from pilotage.ports import Router, Site
from pilotage.testing.router import FakeRouter
from ports import free_ports


@dataclass
class Case:
    """A router, and routings that it could serve."""

    router: Router
    kind: type[Router]
    listen: int
    preview: int
    ask: Callable[[], None]
    """One user's request, which goes to old-1 by the routing, and fails."""
    restart: Callable[[], Awaitable[None]]
    refusable: Callable[[], Routing]

    def routing(self, new: int, **others: Any) -> Routing:
        dead = Address(host="127.0.0.1", port=9)
        values: dict[str, Any] = {
            "listen": Address(host="127.0.0.1", port=self.listen),
            "preview": Address(host="127.0.0.1", port=self.preview),
            "backends": tuple(
                Backend(release=name, endpoints=(Endpoint(instance=f"{name}.1", address=dead),))
                for name in ("new-1", "old-1")
            ),
            "splits": (Split(release="new-1", share=new), Split(release="old-1", share=1_000_000 - new)),
        }
        return Routing(**values | others)

    async def serve(self, routing: Routing) -> None:
        await self.router.apply(routing)
        async with asyncio.timeout(20):
            while (await self.router.observe()).revision != routing.revision:
                await asyncio.sleep(0.02)


def _fake() -> Case:
    router = FakeRouter()

    async def restart() -> None:
        router.restart()

    def refusable() -> Routing:
        router.refuse_next = Problem(code="router.refused", what="no", why="the test says so")
        return case.routing(7)

    case = Case(router, FakeRouter, 1, 2, lambda: router.serve("old-1", 0.01, 503), restart, refusable)
    return case


def _envoy(folder: Path) -> Case:
    folder.mkdir(mode=0o700)
    router = EnvoyRouter(Site("shop", "test", folder, folder, {}))

    async def restart() -> None:
        pid = router._proxy.status().pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(20):
            while router._proxy.status().pid in (pid, None) or not (await router.observe()).running:
                await asyncio.sleep(0.02)

    def refusable() -> Routing:
        return case.routing(7, pins=(Pin(release="new-1", header="two\nlines", value="x"),))

    def ask() -> None:
        with pytest.raises(HTTPError, match="503"):
            urlopen(f"http://127.0.0.1:{case.listen}/", timeout=20)

    case = Case(router, EnvoyRouter, *free_ports(2), ask, restart, refusable)
    return case


@pytest.fixture(params=["fake", pytest.param("envoy", marks=pytest.mark.real)])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    case = _fake() if request.param == "fake" else _envoy(tmp_path / "site")
    yield case
    asyncio.run(case.router.stop())


def test_a_routing_that_was_applied_is_seen(case: Case) -> None:
    async def story() -> None:
        for routing in (case.routing(0), case.routing(100_000), case.routing(0, key=ByUser())):
            await case.serve(routing)
            seen = await case.router.observe()
            assert seen.running
            assert seen.rejected is None
            assert seen.since is not None
            assert seen.inflight == {"new-1.1": 0, "old-1.1": 0}

    asyncio.run(story())


def test_a_router_without_a_routing_says_so(case: Case) -> None:
    seen = asyncio.run(case.router.observe())
    assert not seen.running
    assert seen.revision is None


def test_applying_the_same_again_changes_nothing(case: Case) -> None:
    async def story() -> None:
        await case.serve(case.routing(5))
        before = await case.router.observe()
        await case.router.apply(case.routing(5))
        assert await case.router.observe() == before

    asyncio.run(story())


def test_a_refused_routing_leaves_the_one_before(case: Case) -> None:
    async def story() -> None:
        good = case.routing(5)
        await case.serve(good)
        await case.router.apply(case.refusable())
        seen = await case.router.observe()
        assert seen.revision == good.revision
        assert seen.rejected is not None
        assert seen.rejected.why
        await case.serve(case.routing(6))
        assert (await case.router.observe()).rejected is None

    asyncio.run(story())


def test_a_restart_keeps_the_routing_and_shows_as_a_new_epoch(case: Case) -> None:
    async def story() -> None:
        routing = case.routing(5)
        await case.serve(routing)
        before = (await case.router.telemetry()).epoch
        assert (await case.router.telemetry()).epoch == before
        await case.restart()
        assert (await case.router.observe()).revision == routing.revision
        assert (await case.router.telemetry()).epoch != before

    asyncio.run(story())


def test_telemetry_has_every_release_of_the_routing(case: Case) -> None:
    async def story() -> None:
        await case.serve(case.routing(5))
        reading = await case.router.telemetry()
        assert set(reading.counters) == {"new-1", "old-1"}
        for counters in reading.counters.values():
            assert counters.requests == counters.errors == counters.inflight == 0
            assert len(counters.latency_bucket) == len(reading.latency_bounds) + 1
        assert list(reading.latency_bounds) == sorted(reading.latency_bounds)

    asyncio.run(story())


def test_a_release_that_is_routed_again_counts_on_from_where_it_was(case: Case) -> None:
    """Otherwise all that it ever counted would look like what came since it was routed again."""

    async def story() -> None:
        both = case.routing(0)
        alone = case.routing(1_000_000)
        alone = alone.model_copy(update={"backends": alone.backends[:1], "splits": alone.splits[:1]})
        await case.serve(both)
        await asyncio.to_thread(case.ask)
        async with asyncio.timeout(20):
            while not (await case.router.telemetry()).counters["old-1"].requests:
                await asyncio.sleep(0.02)
        before = (await case.router.telemetry()).counters["old-1"]
        await case.serve(alone)
        meanwhile = await case.router.telemetry()
        assert meanwhile.counters["old-1"].requests >= before.requests
        await case.serve(both)
        again = (await case.router.telemetry()).since(meanwhile)
        assert again.counters["old-1"].requests == again.counters["old-1"].errors == 0
        await asyncio.to_thread(case.ask)
        async with asyncio.timeout(20):
            while not (await case.router.telemetry()).since(meanwhile).counters["old-1"].requests:
                await asyncio.sleep(0.02)

    asyncio.run(story())


def test_check_touches_nothing(case: Case) -> None:
    async def story() -> None:
        assert await case.router.check(case.routing(5)) == []
        assert not (await case.router.observe()).running
        await case.serve(case.routing(5))
        assert await case.router.check(case.routing(6)) == []
        assert (await case.router.observe()).revision == case.routing(5).revision

    asyncio.run(story())


def test_unknown_settings_are_refused_with_the_nearest_name(case: Case) -> None:
    assert case.kind.check_settings({"concurrency": 2}) == []
    [problem] = case.kind.check_settings({"concurency": 2})
    assert "concurency" in problem.what
    assert "concurrency" in (problem.mend or "")


def test_copies_are_told_of_while_they_are_made_and_begin_anew_with_each_run(case: Case) -> None:
    """Nobody answers here: what could not be compared is told, and never counted as equal."""

    async def copied() -> Reconciliation:
        async with asyncio.timeout(20):
            while True:
                await asyncio.to_thread(case.ask)
                seen = (await case.router.observe()).mirrored
                if seen is not None and seen.copies:
                    return seen

    async def story() -> None:
        mirror = Mirroring(run="one", old="old-1", again="old-1", new="new-1", most=0.001)
        await case.serve(case.routing(0, mirror=mirror))
        told = await copied()
        assert (told.compared, told.equal, told.outcome) == (0, 0, Outcome.UNDECIDED)
        assert set(told.left_out) == {"the old version did not answer"}
        assert (await case.router.telemetry()).counters["new-1"].requests == 0
        await case.serve(case.routing(0))
        assert (await case.router.observe()).mirrored is None
        await case.serve(case.routing(0, mirror=mirror.model_copy(update={"run": "two"})))
        again = (await case.router.observe()).mirrored
        assert again is None or again.copies == 0

    asyncio.run(story())
