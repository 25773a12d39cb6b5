"""A worker as a process of its own, with rollouts that are being judged, on the in-memory target and router.

    python worker_fakes.py FOLDER COUNT [SAMPLES]

Store, clock, judge and engine are the real ones. Each rollout is in an environment of its own, exposes 50 % to
the new version and stays in a Judge step for an hour; its router counts about 100 requests a second. Says
``parked`` when all are there, and works until SIGTERM. With SAMPLES it is interrupted every 5 ms of CPU from
then on, and writes into that file how often it was found in which part (JSON).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from types import FrameType

import pilotage
from pilotage.adapters.clock import SteadyClock
from pilotage.core.environment import Environment, Good
from pilotage.core.fleet import Instance, Phase
from pilotage.core.judging import JudgeSettings
from pilotage.core.plan import Plan, RouterSpec, TargetSpec
from pilotage.core.release import Release, Requirement, Run
from pilotage.core.routing import Address, Counters, Telemetry
from pilotage.core.steps import Judge
from pilotage.engine.worker import Worker
from pilotage.ports import Reach
from pilotage.store.sqlite import SqliteStore
from pilotage.strategies.canary import Canary
from pilotage.strategies.method import Context
from pilotage.testing.router import BOUNDS, FakeRouter
from pilotage.testing.target import FakeInstance, FakeTarget
from pilotage.usecases.releasing import start

REQUESTS = 100.0
"""A second, in each environment."""
ERRORS = 0.002
LATENCY = (0.0, 0.02, 0.2, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0, 1.0, 1.0)
"""The fraction of answers up to each bound of the fake router."""


def release(version: str) -> Release:
    run = Run(command=("serve", "{port}"), folder="/srv/shop")
    artifact = Requirement(requirements=(f"shop=={version}",))
    return Release(service="shop", version=version, artifact=artifact, run=run)


OLD, NEW = release("1.0"), release("2.0")


class QuietTarget(FakeTarget):
    """Keeps no list of its calls: it would grow for as long as the worker works."""

    async def observe(self) -> tuple[Instance, ...]:
        self.world.calls.clear()
        return await super().observe()


class BusyRouter(FakeRouter):
    """Counts requests as time passes, divided as the routing says."""

    def __init__(self) -> None:
        super().__init__()
        self._totals: dict[str, float] = {}
        self._at = time.monotonic()

    async def telemetry(self) -> Telemetry:
        now = time.monotonic()
        passed, self._at = now - self._at, now
        for split in self.serving.splits if self.serving else ():
            total = self._totals.get(split.release, 0.0) + passed * REQUESTS * split.share / 1_000_000
            self._totals[split.release] = total
            self.counters[split.release] = Counters(
                requests=int(total),
                errors=int(total * ERRORS),
                by_status={200: int(total) - int(total * ERRORS), 500: int(total * ERRORS)},
                latency_bucket=tuple(int(int(total) * part) for part in LATENCY),
            )
        self.users_served = int(sum(self._totals.values()))
        return await super().telemetry()


def reach() -> Reach:
    """One environment's world, in which the old version runs."""
    target = QuietTarget()
    old = FakeInstance(release=OLD, number=1, port=20_000, pid=20_000, phase=Phase.HEALTHY)
    target.world.instances[old.id] = old
    return Reach(target=target, router=BusyRouter(), prober=Nobody())


class Nobody:
    async def probe(self, *_: object) -> None:
        return None


async def main(folder: Path, count: int, samples: Path | None) -> None:
    store = SqliteStore.open(folder / "pilotage.db")
    clock = SteadyClock(folder / "clock.json")
    reaches = {f"e{number}": reach() for number in range(1, count + 1)}

    def reach_of(plan: Plan) -> Reach:
        return reaches[plan.environment]

    for name in reaches:
        good = Good(release=OLD, instances=1, rollout="before", at=clock.now())
        await store.commit(environment=Environment(service="shop", name=name, lineage=(good,)))
        known = await store.environment("shop", name)
        await start(store, reach_of, plan(known), by="benchmark", now=clock.now())
    worker = Worker(store, clock, reach_of)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    watcher = asyncio.create_task(tell_when_parked(store, count, samples))
    await worker.run()
    await watcher
    signal.setitimer(signal.ITIMER_PROF, 0)
    if samples:
        samples.write_text(json.dumps(FOUND.most_common()))


def plan(known: Environment) -> Plan:
    """As `strategy: {method: canary, steps: [50%], hold: 1h}` would make it."""
    return Canary(steps=("50%",), hold="1h").compile(
        Context(
            environment=known.name,
            new=NEW,
            instances=1,
            basis=known.basis,
            target=TargetSpec(kind="fake"),
            router=RouterSpec(kind="fake", listen=Address(host="127.0.0.1", port=8080)),
            judge=JudgeSettings(warm_up=timedelta(0), latency_bounds=BOUNDS),
        )
    )


async def tell_when_parked(store: SqliteStore, count: int, samples: Path | None) -> None:
    while not all(isinstance(state.step, Judge) for state in await store.rollouts(limit=count + 1)):
        await asyncio.sleep(0.5)
    if samples:
        signal.signal(signal.SIGPROF, sample)
        signal.setitimer(signal.ITIMER_PROF, 0.005, 0.005)
    print("parked", flush=True)


# Where the time goes

HOME = os.path.dirname(pilotage.__file__) + os.sep
FOUND: Counter[str] = Counter()
PARTS: tuple[tuple[str, str, str], ...] = (
    ("testing/", "", "the fakes themselves"),
    ("", "telemetry:benchmark", "the fakes themselves"),
    ("judge/", "", "the judge: comparing"),
    ("engine/bench.py", "make_snapshot", "the judge: its snapshot"),
    ("store/telemetry.py", "record", "the judge: its snapshot kept"),
    ("engine/bench.py", "hear", "the judge: its snapshot kept"),
    ("engine/showing.py", "", "the look for those who watch"),
    ("core/routing.py", "revision", "decide: the routing's digest"),
    ("core/world.py", "routing", "decide: the wanted routing"),
    ("core/decide.py", "", "decide: the rest"),
    ("engine/worker.py", "_sleep_until", "asking for messages"),
    ("store/sqlite.py", "messages", "asking for messages"),
    ("engine/worker.py", "_claim", "claiming"),
    ("engine/", "", "looking, and the engine itself"),
)
"""A sample is of the first of these that is on its stack: folder or file, function, name of the part."""


def sample(_: int, frame: FrameType | None) -> None:
    stack = set()
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(HOME):
            stack.add((code.co_filename[len(HOME) :], code.co_name))
        elif code.co_filename == __file__ and code.co_name == "telemetry":
            stack.add(("", "telemetry:benchmark"))
        frame = frame.f_back
    FOUND[part_of(stack)] += 1


def part_of(stack: set[tuple[str, str]]) -> str:
    for file, function, name in PARTS:
        for place, called in stack:
            if place.startswith(file) and function in ("", called):
                return name
    return "the event loop and the rest"


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None))
