"""Plays one scenario, and says what came of it."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from pilotage.simulate.laws import Breach
from pilotage.simulate.loop import Stuck, VirtualLoop
from pilotage.simulate.scenario import Scenario, draw
from pilotage.simulate.world import World


@dataclass(frozen=True)
class Outcome:
    """What a simulation came to. ``hash`` is over everything that happened, in order."""

    scenario: Scenario
    breach: Breach | None
    hash: str
    struck: tuple[str, ...]
    story: tuple[tuple[float, str], ...]
    ends: tuple[str, ...]
    checked: int
    seconds: float
    """Virtual."""


def play(scenario: Scenario) -> Outcome:
    """The same scenario gives the same outcome, on any machine."""
    logging.getLogger("pilotage.worker").setLevel(logging.CRITICAL + 1)
    folder = Path(tempfile.mkdtemp(prefix="simulate", dir=_memory()))
    loop = VirtualLoop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(_played(scenario, folder))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        shutil.rmtree(folder)


def _memory() -> str | None:
    """A folder that is memory, where there is one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


async def _played(scenario: Scenario, folder: Path) -> Outcome:
    world = World(scenario, folder)
    try:
        await world.run()
    except Stuck as error:
        world.laws.breach("every rollout ends", str(error))
    laws, trouble = world.laws, world.trouble
    ends = tuple(f"{id} {record.state.status.value}" for id, record in laws.records.items())
    return Outcome(
        scenario=scenario,
        breach=laws.broken,
        hash=trouble.hash,
        struck=tuple(trouble.struck),
        story=tuple(trouble.story),
        ends=ends,
        checked=laws.checked,
        seconds=asyncio.get_running_loop().time(),
    )


def play_seed(seed: int, only: frozenset[str] | None = None) -> Outcome:
    return play(replace(draw(seed), only=only))
