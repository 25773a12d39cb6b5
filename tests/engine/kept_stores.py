"""Stores as a version of Pilotage left them, with rollouts under way, and the world that they were about.

``python tests/engine/kept_stores.py NAME`` writes stores/NAME from the version that is installed: the store's
files, every event (an event a line, with the id of its rollout), what each rollout's state was, and the world
of fakes that each environment was. One is added with each release and never changed: later versions finish it.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from test_engine import OLD, Place, quick

from pilotage.core import events as e
from pilotage.core.environment import Good
from pilotage.core.fleet import Phase
from pilotage.core.plan import Plan
from pilotage.core.release import Release
from pilotage.core.routing import Counters, Routing
from pilotage.core.state import State
from pilotage.core.steps import Pause
from pilotage.engine.worker import Worker
from pilotage.ports import Reach
from pilotage.store.sqlite import SqliteStore
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.canary import Canary
from pilotage.testing.target import FakeInstance
from pilotage.usecases.releasing import start

FOLDER = Path(__file__).parent / "stores"
STORE, EVENTS, STATES, WORLD = "pilotage.db", "events.jsonl.gz", "states.json", "world.json"
DATABASES = (STORE, "pilotage-telemetry.db")


class Country:
    """Several environments around one store and one clock."""

    def __init__(self, folder: Path) -> None:
        self.store = SqliteStore.open(folder / STORE)
        self.clock = Place().clock
        self.places: dict[str, Place] = {}

    def place(self, name: str) -> Place:
        made = self.places[name] = Place()
        made.store, made.clock = self.store, self.clock
        return made

    def reach_of(self, plan: Plan) -> Reach:
        return self.places[plan.environment].reach

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """A worker, users everywhere, and time."""
        await self.store.take_over()
        worker = Worker(self.store, self.clock, self.reach_of)
        tasks = [asyncio.create_task(one) for one in (worker.run(), self.clock.tick())]
        tasks += [asyncio.create_task(place.users()) for place in self.places.values()]
        try:
            yield
        finally:
            worker.stop()
            await tasks[0]
            for task in tasks[1:]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until(self, rollout: str, wanted: Callable[[State], bool], look: float = 1.0) -> State:
        end = self.clock.now() + timedelta(hours=4)
        while self.clock.now() < end:
            state = await self.store.rollout(rollout)
            if wanted(state):
                return state
            await self.clock.sleep(look)
        raise AssertionError(f"{rollout} did not come there: {state.status} at {state.step}")

    async def close(self) -> None:
        await self.store.close()


# What is kept

HOLD = Canary(steps=("10%", "50%"), hold="20s", keep_warm="30s")
LONG = Canary(steps=("10%", "50%"), hold="40s", keep_warm="30s")
METHODS = {
    "finished": HOLD,
    "taken-back": HOLD,
    "warm": BlueGreen(keep_warm=timedelta(hours=2)),
    "waiting": HOLD,
    "paused": LONG,
    "judging": LONG,
    "turned-back": HOLD,
}
"""By environment, each with one rollout, in the order in which they begin."""


def _plan(name: str) -> Plan:
    plan = quick(METHODS[name]).model_copy(update={"environment": name})
    if name != "waiting":
        return plan
    first = next(place for place, step in enumerate(plan.steps) if step.kind == "judge")
    return plan.model_copy(update={"steps": (*plan.steps[:first], Pause(), *plan.steps[first:])})


async def _brought_there(country: Country, name: str) -> None:
    """Its rollout begins, and comes to where it is to be found later."""
    plan = _plan(name)
    place = country.places[name]
    await _settle(place, plan)
    if name in ("taken-back", "turned-back"):
        place.failing[plan.new.id] = 30
    begun = await start(country.store, country.reach_of, plan, by="ada", now=country.clock.now())
    match name:
        case "finished" | "taken-back":
            await country.until(begun.id, lambda state: state.status.final)
        case "warm":
            await country.until(begun.id, lambda state: state.warm)
        case "waiting":
            await country.until(begun.id, lambda state: state.step is not None and state.step.kind == "pause")
        case "judging":
            await country.until(begun.id, lambda state: state.verdict is not None)
        case "paused":
            await country.until(begun.id, lambda state: state.exposed_at is not None)
            await country.store.send(begun.id, e.Order.PAUSE, "ada", country.clock.now(), reason="lunch")
            await country.until(begun.id, lambda state: state.paused_by is not None)
        case "turned-back":
            await country.until(begun.id, lambda state: state.back, look=0.05)


async def _settle(place: Place, plan: Plan) -> None:
    """The old version live, as an earlier rollout would have left it."""
    while (await place.target.prepare(OLD)).digest is None:
        pass
    await place.target.scale(OLD, range(1, plan.basis.instances + 1))
    while not all(one.healthy for one in await place.target.observe()):
        pass
    known = await place.store.environment("shop", plan.environment)
    rollout = f"shop-{plan.environment}-0"
    good = Good(release=OLD, instances=plan.basis.instances, rollout=rollout, at=place.clock.now())
    fields = {"lineage": (good,), "rollouts": 1, "last_plan": plan}
    await place.store.commit(environment=known.model_copy(update=fields))


async def keep(folder: Path) -> None:
    folder.mkdir(parents=True)
    country = Country(folder)
    for name in METHODS:
        country.place(name)
    async with country.at_work():
        for name in METHODS:
            await _brought_there(country, name)
    rollouts = await country.store.rollouts(limit=1000)
    lines = [
        json.dumps({"rollout": state.id, "event": json.loads(event.model_dump_json())})
        for state in rollouts
        for event in await country.store.events(state.id)
    ]
    (folder / EVENTS).write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    states = {one.id: json.loads(one.model_dump_json(exclude={"plan"})) for one in rollouts}
    _write(folder / STATES, states)
    await country.close()
    world = {name: _world_of(place) for name, place in country.places.items()}
    _write(folder / WORLD, {"now": country.clock.now().isoformat(), "environments": world})


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n")


def _world_of(place: Place) -> dict[str, Any]:
    """What ran, what the router served and had counted, and how the versions do."""
    router = place.router
    return {
        "failing": place.failing,
        "releases": {
            one.release.id: json.loads(one.release.model_dump_json())
            for one in place.target.world.instances.values()
        },
        "instances": [
            [one.release.id, one.number, one.port, one.phase.value]
            for one in place.target.world.instances.values()
        ],
        "serving": json.loads(router.serving.model_dump_json()) if router.serving else None,
        "counters": {id: json.loads(one.model_dump_json()) for id, one in router.counters.items()},
        "users": [router.users_served, router.users_failed],
    }


# What becomes of it


async def revive(kept: Path, folder: Path) -> Country:
    """A copy of the store in ``folder``, and the world as it was; nobody works there yet."""
    for name in DATABASES:
        shutil.copy(kept / name, folder / name)
    return await around(folder, kept)


async def around(folder: Path, kept: Path) -> Country:
    """The store in ``folder``, with the kept world around it."""
    world = json.loads((kept / WORLD).read_text())
    country = Country(folder)
    country.clock._now = datetime.fromisoformat(world["now"])
    for name, was in world["environments"].items():
        await _made_again(country.place(name), was)
    return country


async def _made_again(place: Place, was: dict[str, Any]) -> None:
    place.failing = was["failing"]
    for id, number, port, phase in was["instances"]:
        release = Release.model_validate(was["releases"][id])
        place.target.world.prepares[id] = 10
        one = FakeInstance(release=release, number=number, port=port, pid=port, phase=Phase(phase))
        place.target.world.instances[one.id] = one
        place.target.world.last_port = max(place.target.world.last_port, port)
    if was["serving"] is not None:
        await place.router.apply(Routing.model_validate(was["serving"]))
    place.router.counters = {id: Counters.model_validate(one) for id, one in was["counters"].items()}
    place.router.users_served, place.router.users_failed = was["users"]


if __name__ == "__main__":
    asyncio.run(keep(FOLDER / sys.argv[1]))
