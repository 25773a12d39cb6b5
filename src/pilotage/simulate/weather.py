"""What goes wrong in the world by itself, each kind in its own rhythm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pilotage.core.fleet import Phase
from pilotage.errors import Problem
from pilotage.simulate.place import Place
from pilotage.simulate.trouble import Strike, now

if TYPE_CHECKING:
    from pilotage.simulate.world import World

TOLD = {
    "no-target": "the target does not answer",
    "no-router": "the router does not answer",
    "no-store": "the store does not answer",
    "full": "the disk of the store is full",
    "deaf": "the router takes routings and does not apply them",
    "gap": "there is no telemetry",
    "lies": "the counters contradict themselves",
}


class Weather:
    """One task for each kind of trouble."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def blow(self, kind: str) -> None:
        chance = self.world.trouble.stream(kind)
        between = self.world.scenario.weather[kind]
        while True:
            await asyncio.sleep(chance.expovariate(1 / between))
            place = chance.choice(self.world.places)
            if strike := self.world.trouble.next_of(kind):
                await self._strike(kind, strike, place)

    async def _strike(self, kind: str, strike: Strike, place: Place) -> None:
        if kind in TOLD:
            lasts = strike.chance.choice((0.6, 3.0, 9.0)) * strike.chance.uniform(0.7, 1.5)
            self.world.trouble.tell(f"{place.name}: for {lasts:.1f} s {TOLD[kind]}")
            self.world.trouble.excuse(kind, lasts)
            self._for_a_while(kind, place, lasts)
        elif kind in ("flap", "dies"):
            self._one_instance(kind, strike, place)
        elif kind in ("jump", "skew"):
            self._clock(kind, strike)
        elif kind == "order":
            if strike.chance.random() < 0.2:
                await self.world.people.roll_back(place)
            else:
                await self.world.people.order(strike)
        else:
            self._router(kind, strike, place)

    def _for_a_while(self, kind: str, place: Place, lasts: float) -> None:
        router, world = place.router, self.world
        if kind in ("no-target", "no-router", "no-store", "full"):
            world.down[kind] = max(world.down.get(kind, 0.0), now() + lasts)
            return
        knob = {"deaf": "stuck", "gap": "silent", "lies": "lies"}[kind]
        for one in (router, place.features, place.features.flags):
            setattr(one, knob, True)
        asyncio.get_running_loop().call_later(lasts, self._over, place, knob)

    def _over(self, place: Place, knob: str) -> None:
        for one in (place.router, place.features, place.features.flags):
            setattr(one, knob, False)
        place.router.settle()
        place.features.flags.settle()

    def _one_instance(self, kind: str, strike: Strike, place: Place) -> None:
        running = [i for i in place.world.instances.values() if i.phase is Phase.HEALTHY]
        if not running:
            return
        victim = strike.chance.choice(running)
        others = [i for i in running if i.release is victim.release] if strike.chance.random() < 0.5 else []
        for instance in {i.id: i for i in (victim, *others)}.values():
            self.world.trouble.tell(
                f"{place.name}: instance {instance.id} {'gets ill' if kind == 'flap' else kind}"
            )
            if kind == "dies":
                place.world.crash(instance.id)
            else:
                place.world.sicken(instance.id)
                lasts = strike.chance.choice((0.5, 2.0, 6.0, 14.0))
                asyncio.get_running_loop().call_later(lasts, self._cure, place, instance.id)

    def _cure(self, place: Place, id: str) -> None:
        instance = place.world.instances[id]
        if instance.phase is Phase.UNHEALTHY:
            place.world.rise(instance)

    def _clock(self, kind: str, strike: Strike) -> None:
        by = strike.chance.choice((-20.0, -3.0, 2.0, 15.0, 60.0))
        self.world.trouble.excuse(kind, 12 + abs(by))
        if kind == "jump":
            self.world.clock_offset += by
            self.world.trouble.tell(f"every clock jumps by {by:+g} s")
        elif self.world.workers:
            worker = strike.chance.choice(self.world.workers)
            worker.skew = by / 4
            self.world.trouble.tell(f"the clock of {worker.name} is {by / 4:+g} s off")

    def _router(self, kind: str, strike: Strike, place: Place) -> None:
        router = place.router
        self.world.trouble.excuse(kind, 3)
        if kind == "refuses":
            router.refuse_next = Problem(code="router.refused", what="refused on purpose")
            self.world.trouble.tell(f"{place.name}: the router refuses the next routing")
        elif kind == "restart":
            router.flow()
            router.restart()
            self.world.trouble.tell(f"{place.name}: the router restarts, as it was")
        elif kind == "reset":
            router.begin_counting_anew()
            self.world.trouble.tell(f"{place.name}: the counters begin anew without a word")
        elif place.past and self.world.laws.holder(place) is not None:
            older = strike.chance.choice((None, *place.past[-3:]))
            place.changed_by_itself = now()
            router.forget(older)
            what = "nothing" if older is None else "an older routing"
            self.world.trouble.tell(f"{place.name}: the router restarts with {what}")
