"""What users lose while the router envoy changes, and what it costs: the figures of docs/routers/envoy.md.

    python benchmarks/router_changes.py [trial …]        all of them take about three minutes

Writes results/router_changes.json; results/router.md is written from it by hand. Load and releases run on the
same machine, so rates are low; failures and the router's own CPU time are what counts.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from router_load import Backend as Release
from router_load import Connection, Load, ask, free_port

from pilotage.adapters.envoy import listeners, process
from pilotage.adapters.envoy.router import EnvoyRouter
from pilotage.core.routing import Address, Backend, ByRequest, ByUser, Endpoint, Routing, Split
from pilotage.core.values import EVERYBODY
from pilotage.ports import Site

RESULTS = Path(__file__).parent / "results" / "router_changes.json"
SHARES = [0, 1, 1_000, 10_000, 50_000, 100_000, 250_000, 500_000, 750_000, 900_000, 990_000, 1_000_000]


class Scene:
    """One site and its releases."""

    def __init__(self, folder: Path) -> None:
        self.router = EnvoyRouter(Site("shop", "benchmark", folder, folder, {}))
        self.listen = free_port()
        self.releases: dict[str, Release] = {}

    def start(self, *names: str) -> None:
        for name in names:
            self.releases[name] = Release(name)

    def routing(self, **shares: int) -> Routing:
        """``old=900_000, new=100_000``; every release that runs is in it."""
        return self.with_key(ByRequest(), **shares)

    def with_key(self, key: ByRequest | ByUser, failover: tuple[str, ...] = (), **shares: int) -> Routing:
        return Routing(
            listen=Address(host="127.0.0.1", port=self.listen),
            backends=tuple(
                Backend(release=name, endpoints=(self._endpoint(name, release.port),))
                for name, release in self.releases.items()
            ),
            splits=tuple(Split(release=name, share=share) for name, share in shares.items()),
            key=key,
            failover=failover,
        )

    @staticmethod
    def _endpoint(name: str, port: int) -> Endpoint:
        return Endpoint(instance=f"{name}.1", address=Address(host="127.0.0.1", port=port))

    async def serve(self, routing: Routing) -> None:
        await self.router.apply(routing)
        while (await self.router.observe()).revision != routing.revision:
            await asyncio.sleep(0.005)

    def pid(self) -> int:
        pid = self.router._proxy.status().pid
        assert pid
        return pid

    def cpu(self) -> float:
        """Seconds of CPU that Envoy has used."""
        fields = Path(f"/proc/{self.pid()}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        pages = int(Path(f"/proc/{self.pid()}/statm").read_text().split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


@asynccontextmanager
async def scene():  # type: ignore[no-untyped-def]
    with tempfile.TemporaryDirectory() as folder:
        here = Scene(Path(folder, "site"))
        Path(folder, "site").mkdir(mode=0o700)
        here.start("old", "new")
        try:
            yield here
        finally:
            await here.router.stop()
            while here.router._proxy.status().supervisor:
                await asyncio.sleep(0.02)
            for release in here.releases.values():
                release.close()


async def share_changes() -> dict[str, Any]:
    """500 random changes of shares, key and failover under load."""
    draw = random.Random(20261121)
    took: list[float] = []
    async with scene() as here:
        await here.serve(here.routing(old=EVERYBODY, new=0))
        memory = here.resident_mb()
        async with Load(here.listen, gets=8, posts=4, idles=24, slows=4, sses=4, websockets=4) as seen:
            for _ in range(500):
                new = draw.choice(SHARES)
                key = draw.choice([ByRequest(), ByUser()])
                failover = draw.choice([(), ("old",)])
                began = time.perf_counter()
                await here.router.apply(here.with_key(key, failover, old=EVERYBODY - new, new=new))
                took.append((time.perf_counter() - began) * 1000)
                await asyncio.sleep(0.06)
        return {
            "changes": 500,
            **lost(seen),
            "streamed": seen.streamed,
            "apply_ms": spread(took),
            "resident_mb_before": memory,
            "resident_mb_after": here.resident_mb(),
        }


async def cut_overs() -> dict[str, Any]:
    """Ten times: a release comes, takes everything, the old one drains, ends and leaves."""
    async with scene() as here:
        here.releases.pop("new").close()
        serving = "old"
        await here.serve(here.routing(old=EVERYBODY))
        async with Load(here.listen, gets=8, posts=4, idles=24, slows=4, sses=0, websockets=0) as seen:
            for number in range(10):
                coming = f"r{number}"
                here.start(coming)
                await here.serve(here.routing(**{serving: EVERYBODY, coming: 0}))
                await here.serve(here.routing(**{serving: 0, coming: EVERYBODY}))
                while (await here.router.observe()).inflight[f"{serving}.1"]:
                    await asyncio.sleep(0.01)
                here.releases[serving].end()
                gone = here.releases.pop(serving)
                await here.serve(here.routing(**{coming: EVERYBODY}))
                gone.process.wait(10)
                serving = coming
        return {"cut_overs": 10, **lost(seen)}


async def time_to_effect() -> dict[str, Any]:
    """From the call of apply to the first answer of the new release, and to the last request to the old."""
    first_new, last_old = [], []
    async with scene() as here:
        sides = ["old", "new"]
        await here.serve(here.routing(old=EVERYBODY, new=0))
        async with Load(here.listen, gets=12, posts=0, idles=0, slows=0, sses=0, websockets=0) as seen:
            for _ in range(40):
                before, after = sides
                seen.timeline.clear()
                called = time.monotonic()
                await here.serve(here.routing(**{before: 0, after: EVERYBODY}))
                await asyncio.sleep(0.1)
                first_new.append(min(t[1] for t in seen.timeline if t[2] == after) - called)
                last_old.append(max([t[0] for t in seen.timeline if t[2] == before] + [called]) - called)
                sides.reverse()
        return {
            "flips": 40,
            **lost(seen),
            "first_new_ms": spread([1000 * seconds for seconds in first_new]),
            "last_old_ms": spread([1000 * seconds for seconds in last_old]),
        }


async def death_of_a_canary() -> dict[str, Any]:
    """kill -9 of the new release at half of the requests, five times, with the old one for failover."""
    async with scene() as here:
        half = here.with_key(ByRequest(), ("old",), old=EVERYBODY // 2, new=EVERYBODY // 2)
        await here.serve(half)
        async with (
            Load(here.listen, gets=8, posts=0, idles=0, slows=4, sses=0, websockets=0) as safe,
            Load(here.listen, gets=0, posts=4, idles=0, slows=0, sses=0, websockets=0) as posts,
        ):
            for _ in range(5):
                port = here.releases["new"].port
                here.releases["new"].kill()
                await asyncio.sleep(1)
                here.releases["new"].close()
                here.releases["new"] = Release("new", port)
                await asyncio.sleep(1)
        reading = await here.router.telemetry()
        return {
            "deaths": 5,
            "safe": lost(safe),
            "posts": lost(posts),
            "seen_by_telemetry": {
                "errors_of_new": reading.counters["new"].errors,
                "failed_over_to_old": reading.counters["old"].failed_over,
                "errors_of_old": reading.counters["old"].errors,
                "users_failed": reading.users_failed,
            },
        }


async def death_of_the_proxy() -> dict[str, Any]:
    """kill -9 of Envoy; its supervisor starts it again."""
    took = []
    async with scene() as here:
        await here.serve(here.routing(old=0, new=EVERYBODY))
        for _ in range(5):
            pid = here.pid()
            os.kill(pid, signal.SIGKILL)
            began = time.perf_counter()
            while not await answers(here.listen):
                await asyncio.sleep(0.005)
            took.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(1)
        # The supervisor waits longer after each death in a row: the first is what one death costs.
        return {"deaths": 5, "first_ms": round(took[0], 1), "until_served_again_ms": spread(took)}


async def answers(port: int) -> bool:
    try:
        return (await ask(port)).text == "new"
    except (OSError, EOFError):
        return False


async def cost_of_looking() -> dict[str, Any]:
    """Milliseconds a call, by the clock and of our own CPU; with two releases and 2 000 requests counted."""
    async with scene() as here:
        await here.serve(here.routing(old=EVERYBODY // 2, new=EVERYBODY // 2))
        async with Connection(here.listen) as connection:
            for _ in range(2_000):
                await connection.ask()
        await here.router.observe()
        numbers = iter(range(10**6))

        async def change() -> None:
            new = next(numbers)
            await here.router.apply(here.routing(old=EVERYBODY - new, new=new))

        return {
            "observe": await per_call(here.router.observe, here),
            "telemetry": await per_call(here.router.telemetry, here),
            "apply": await per_call(change, here),
        }


async def per_call(call: Callable[[], Any], here: Scene, times: int = 200) -> dict[str, float]:
    clock, ours, envoys = time.perf_counter(), time.process_time(), here.cpu()
    for _ in range(times):
        await call()
    return {
        "clock_ms": round((time.perf_counter() - clock) / times * 1000, 2),
        "our_cpu_ms": round((time.process_time() - ours) / times * 1000, 2),
        "envoy_cpu_ms": round((here.cpu() - envoys) / times * 1000, 2),
    }


async def cost_of_counting() -> dict[str, Any]:
    """Envoy's CPU a request with our counters and without, in one run, alternating."""
    micros: dict[str, list[float]] = {"with_counters": [], "without": []}
    attempts, answered = listeners._attempts, listeners._answers
    for _ in range(3):
        for name, samples in micros.items():
            bare = name == "without"
            listeners._attempts = (lambda _: []) if bare else attempts
            listeners._answers = nothing_counted if bare else answered
            async with scene() as here:
                await here.serve(here.routing(old=EVERYBODY // 2, new=EVERYBODY // 2))
                samples.append(await micros_a_request(here))
    listeners._attempts, listeners._answers = attempts, answered
    medians = {name: round(statistics.median(samples), 1) for name, samples in micros.items()}
    return {**medians, "ratio": round(medians["with_counters"] / medians["without"], 2)}


def nothing_counted(name: str, token: str) -> dict[str, Any]:
    return listeners._counted(name, None)


async def micros_a_request(here: Scene) -> float:
    async with Load(here.listen, gets=16, posts=0, idles=0, slows=0, sses=0, websockets=0) as seen:
        await asyncio.sleep(0.5)
        before, cpu = seen.requests, here.cpu()
        await asyncio.sleep(4)
        return (here.cpu() - cpu) / (seen.requests - before) * 1e6


def lost(seen: Any) -> dict[str, Any]:
    return {"requests": seen.requests, "failures": len(seen.failures), "examples": seen.failures[:5]}


def spread(samples: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(samples), 1), "most": round(max(samples), 1)}


TRIALS = (
    share_changes,
    cut_overs,
    time_to_effect,
    death_of_a_canary,
    death_of_the_proxy,
    cost_of_looking,
    cost_of_counting,
)


def main(wanted: list[str]) -> None:
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    machine = f"{os.cpu_count()} shared cores, {platform.system()} {platform.machine()}"
    results["machine"] = f"{machine}, Python {platform.python_version()}, Envoy {process.version()}"
    for trial in TRIALS:
        if not wanted or trial.__name__ in wanted:
            results[trial.__name__] = asyncio.run(trial())
            print(trial.__name__, json.dumps(results[trial.__name__]), flush=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
