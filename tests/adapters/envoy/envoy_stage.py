"""A stage for trials of the router: a real Envoy, real releases, free loopback ports."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# The load that the benchmarks use is the load that the tests use.
sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))

from router_load import Backend as Release

from pilotage.adapters.envoy.router import EnvoyRouter
from pilotage.core.routing import Address, Backend, Endpoint, Routing, Split, Telemetry
from pilotage.core.values import EVERYBODY
from pilotage.ports import Site
from ports import free_port


def here(port: int) -> Address:
    return Address(host="127.0.0.1", port=port)


@dataclass
class Stage:
    """A site with an Envoy, two releases ``old-1`` and ``new-1``, and the routings between them."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    listen: int = field(default_factory=free_port)
    preview: int = field(default_factory=free_port)
    releases: list[Release] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.router = self.again()

    def again(self) -> EnvoyRouter:
        """Another object on the same folder, as after a restart of ours."""
        return EnvoyRouter(Site("shop", "test", self.folder, self.folder, self.settings))

    def release(self, name: str, port: int | None = None) -> Release:
        self.releases.append(Release(name, port))
        return self.releases[-1]

    def routing(self, new: int = 0, *, using: tuple[Release, ...] | None = None, **others: Any) -> Routing:
        """``new`` parts in a million to new-1, the rest to old-1."""
        backends: dict[str, list[Endpoint]] = {}
        for release in using if using is not None else self.releases:
            endpoints = backends.setdefault(release.release, [])
            instance = f"{release.release}.{len(endpoints) + 1}"
            endpoints.append(Endpoint(instance=instance, address=here(release.port)))
        splits = (Split(release="old-1", share=EVERYBODY - new), Split(release="new-1", share=new))
        values = {
            "listen": here(self.listen),
            "preview": here(self.preview),
            "backends": tuple(Backend(release=r, endpoints=tuple(e)) for r, e in backends.items()),
            "splits": splits,
        }
        return Routing(**values | others)

    async def serve(self, routing: Routing) -> None:
        """Applied, and seen to be in effect."""
        await self.router.apply(routing)
        await self.until(lambda: self.serves(routing))

    async def serves(self, routing: Routing) -> bool:
        return (await self.router.observe()).revision == routing.revision

    async def until(self, true: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(20):
            while not await true():
                await asyncio.sleep(0.02)

    async def settled(self, attempts: int, timed: int | None = None) -> Telemetry:
        """The telemetry once it counts this many tries, and ``timed`` of them (None: all) in the histograms.

        Envoy counts a try a moment after it was answered, and merges its threads' histograms later still.
        """
        seen: list[Telemetry] = []

        async def all_counted() -> bool:
            seen.append(await self.router.telemetry())
            counters = seen[-1].counters.values()
            counted = sum(c.requests + c.failed_over for c in counters)
            in_buckets = sum(c.latency_bucket[-1] for c in counters)
            return counted >= attempts and in_buckets >= (attempts if timed is None else timed)

        await self.until(all_counted)
        return seen[-1]

    def pid(self) -> int:
        pid = self.router._proxy.status().pid
        assert pid
        return pid

    async def close(self) -> None:
        await self.router.stop()
        for release in self.releases:
            release.close()
        await self.until(self._ended)

    async def _ended(self) -> bool:
        status = self.router._proxy.status()
        return status.pid is None and status.supervisor is None


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 120))
