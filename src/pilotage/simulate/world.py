"""One simulation, whole: places, people, weather, workers over one store, and the laws that watch them all."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from pilotage.core.events import Order
from pilotage.core.plan import Plan
from pilotage.engine.resting import Resting, Watching
from pilotage.engine.worker import Worker
from pilotage.errors import Problem
from pilotage.ports import FlagsError, Store, StoreError
from pilotage.simulate.late import land
from pilotage.simulate.laws import Laws
from pilotage.simulate.ledger import Ledger
from pilotage.simulate.people import People
from pilotage.simulate.place import Place
from pilotage.simulate.process import ERRORS, LEASE, WRITES, Process
from pilotage.simulate.scenario import Scenario
from pilotage.simulate.trouble import Trouble, now
from pilotage.simulate.weather import Weather
from pilotage.store.sqlite import SqliteStore
from pilotage.testing.store import MemoryStore

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
END_WITHIN = 500.0
"""Virtual seconds after the last trouble within which every rollout must have ended."""
DECIDE_AFTER = 120.0
"""After so long people decide themselves about what the judge does not know."""
WATCHING = Watching(every=timedelta(seconds=12))
"""A slow pace that fits into the rest."""
AFTERWARDS = 35.0
"""So long it is watched whether the end is one."""


class World:
    """All of it. ``run`` plays the scenario to its end, or to the first law that is broken."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self.scenario = scenario
        self.trouble = Trouble(scenario)
        self.store: Store = (
            SqliteStore.open(folder / "history.db") if scenario.store == "sqlite" else MemoryStore()
        )
        self.ledger = Ledger(self, self.store)
        self.places = [Place("shop", name) for name in ("prod", "east")[: scenario.environments]]
        self.people, self.weather = People(self), Weather(self)
        self.laws = Laws(self)
        self.down: dict[str, float] = {}
        self.clock_offset = 0.0
        self.workers: list[Process] = []
        self.processes: dict[str, Process] = {}
        self._doomed: set[str] = set()
        self._spawned: set[asyncio.Task[Any]] = set()
        self._lag = self.trouble.stream("lag")
        for place in self.places:
            place.runner.done = self.laws.errand_done
            place.router.changed = lambda place=place: self.laws.routing_changed(place)  # type: ignore[misc]

    # What processes ask

    def place(self, plan: Plan) -> Place:
        return next(place for place in self.places if place.name == plan.environment)

    def wall(self, skew: float) -> datetime:
        return BEGIN + timedelta(microseconds=round((now() + self.clock_offset + skew) * 1e6))

    def lag(self) -> float:
        """How long a call is on its way: what decides who of two is quicker."""
        return self._lag.uniform(0, 0.03) if self._lag.random() < 0.4 else 0.0

    def check_reachable(self, port: str, name: str) -> None:
        if now() < self.down.get(f"no-{port}", 0.0):
            raise ERRORS[port](Problem(code=f"{port}.no-answer", what=f"the {port} does not answer"))
        if port == "flags" and name == "apply" and now() < self.down.get("full", 0.0):
            raise FlagsError(Problem(code="flags.unwritable", what="no room"))
        if port == "store" and name in WRITES and now() < self.down.get("full", 0.0):
            raise StoreError(Problem(code="store.full", what="no room"))

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._spawned.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._spawned.discard(task)
        if not task.cancelled():
            task.exception()

    def process(self, name: str) -> Process:
        process = Process(self, name)
        self.processes[name] = process
        return process

    def doom(self, process: Process, why: str) -> None:
        self._doomed.add(process.name)

    def doomed(self, process: Process) -> bool:
        return process.name in self._doomed

    # Workers

    def died(self, process: Process) -> None:
        """A dead worker is replaced after a while."""
        if process not in self.workers:
            return
        delay = self.trouble.stream("restarts").choice((0.2, 2.0, 6.0))
        self.trouble.excuse("crash", delay + LEASE + 2)
        self.workers.remove(process)
        self.spawn(self._replace(process.name, delay))

    async def _replace(self, name: str, delay: float) -> None:
        await asyncio.sleep(delay)
        number, life = name.removeprefix("worker-").split(".")
        self._employ(int(number), int(life) + 1)

    def _employ(self, number: int, life: int) -> None:
        process = self.process(f"worker-{number}.{life}")
        self.workers.append(process)
        process.run(self._work(process))

    async def _work(self, process: Process) -> None:
        if self.scenario.workers == 1:
            while True:
                try:
                    await process.store.take_over()
                    break
                except StoreError:
                    await process.sleep(1)
        chance = Random(f"{self.scenario.seed} resting {process.name}")
        resting = Resting(process.store, process, process.reach_of, WATCHING, chance)
        worker = Worker(process.store, process, process.reach_of, resting=resting)
        worker.name = process.name
        await worker.run()

    # The story

    async def run(self) -> None:
        for place in self.places:
            self.spawn(place.live_on())
            self.spawn(self.people.release_all(place))
        for number in range(1, self.scenario.workers + 1):
            self._employ(number, 1)
        for kind in self.scenario.weather:
            self.spawn(self.weather.blow(kind))
        self.spawn(self.laws.watch())
        try:
            await self._until(self.scenario.seconds)
            await self._mend()
            await self._end()
        finally:
            await self._leave()

    async def _until(self, end: float) -> None:
        while now() < end and self.laws.broken is None:  # noqa: ASYNC110  # virtual time: nothing is polled
            await asyncio.sleep(min(1.0, end - now()))

    async def _mend(self) -> None:
        self.trouble.over = True
        self.down.clear()
        for process in self.processes.values():
            # Commands that are on their way end here: nobody waits for them any more.
            process.alive = process.alive and process in self.workers
        self.trouble.tell("from here on nothing goes wrong any more")
        self.trouble.disturbed_until = max(self.trouble.disturbed_until, now() + 5)
        for place in self.places:
            place.mend()
        order = {"abort": Order.ABORT, "rollback": Order.ROLLBACK, "finish": Order.RESUME}[self.scenario.ending]
        for state in await self.store.rollouts(unfinished=True):
            await self.people.send(state, order)

    async def _end(self) -> None:
        """Everything ends, and stays as it ended."""
        begun, decided = now(), False
        while self.laws.broken is None and (left := await self.store.rollouts(unfinished=True)):
            if now() - begun > END_WITHIN:
                told = ", ".join(f"{state.id} ({state.status.value}, step {state.position})" for state in left)
                self.laws.breach(
                    "every rollout ends", f"{told} had not ended {END_WITHIN:g} s after all was well"
                )
            if now() - begun > DECIDE_AFTER:
                for state in left:
                    await self.people.sign(state)
            if now() - begun > DECIDE_AFTER and not decided:
                decided = True
                for state in left:
                    await self.people.send(state, Order.RESUME)
                    await self.people.send(state, Order.PROMOTE_FULL, reason="it has waited for long enough")
            if int(now() - begun) % 10 == 9:
                for place in self.places:
                    await self.people.settle(place)
            await asyncio.sleep(1)
        if self.laws.broken is None:
            await asyncio.gather(*(land(self, place) for place in self.places))
        await self._until(
            max(now(), max((p.frozen_until for p in self.processes.values()), default=0)) + AFTERWARDS
        )
        await self.laws.at_the_end()

    async def _leave(self) -> None:
        """Nothing is left running: whoever waits for the dead is told to stop, again and again."""
        for process in self.processes.values():
            process.alive = False
        mine = asyncio.current_task()
        while left := [task for task in asyncio.all_tasks() if task is not mine]:
            for task in left:
                task.cancel()
            await asyncio.sleep(0)
        await self.store.close()
