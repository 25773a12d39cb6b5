"""Calls that land when all has ended: of a worker that froze on its way into an adapter, or in a slow network.

Each did happen in this story, or could have: a routing that was in effect once, a start or a stop of an
instance of a release that was prepared here.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

from pilotage.errors import PilotageError
from pilotage.simulate.place import Place

if TYPE_CHECKING:
    from pilotage.simulate.world import World

LATEST = 25.0
"""Seconds after the last end: a lease, and the longest time-out of an adapter."""


async def land(world: World, place: Place) -> None:
    """One late call in this place, in every second story, when it has a live version."""
    known = await world.store.environment(place.service, place.name)
    number = world.places.index(place) + 1
    only, key = world.scenario.only, f"late:{number}"
    if not world.scenario.late or known.live is None or (only is not None and key not in only):
        return
    world.trouble.struck.append(key)
    chance = Random(f"{world.scenario.seed} {key}")
    await asyncio.sleep(chance.uniform(0.5, LATEST))
    try:
        world.trouble.tell(f"{place.name}: {await _call(world, place, chance)} lands late")
    except PilotageError as error:
        world.trouble.tell(f"{place.name}: a call lands late and is refused: {error}")


async def _call(world: World, place: Place, chance: Random) -> str:
    kind = chance.choice(("route", "route", "stop", "scale"))
    if kind == "route" and place.past:
        await place.router.apply(chance.choice(place.past))
        return "an old routing"
    instances = [one.id for one in await place.target.observe() if one.exists]
    if kind == "stop" and instances:
        stopped = chance.choice(instances)
        await place.target.stop([stopped])
        return f"a stop of {stopped}"
    records = [record for record in world.laws.records.values() if record.place is place]
    release = chance.choice(records).plan.new
    await place.target.scale(release, (1,))
    return f"a start of {release.id}.1"
