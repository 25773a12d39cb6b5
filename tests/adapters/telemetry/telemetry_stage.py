"""A stage for sources of telemetry: what is watched, and looking until something is seen."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from factories import make_release
from pilotage.core.telemetry import Reading, Watched
from pilotage.ports import Site, TelemetrySource

PLENTY = 60.0
"""Seconds for anything that must happen."""
WATCHED = Watched(service="shop", environment="production", new=make_release("2.0"), old=make_release("1.0"))
SECRET = "tr0ub4dor-and-3"


def watched(new: str, old: str | None = "1.0") -> Watched:
    before = None if old is None else make_release(old)
    return Watched(service="shop", environment="production", new=make_release(new), old=before)


def site(folder: Path, settings: dict[str, Any]) -> Site:
    return Site("shop", "production", folder, folder, settings)


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 150))


async def sees(
    source: TelemetrySource,
    true: Callable[[Reading], Any],
    always: Callable[[Reading], bool] = lambda _: True,
    of: Watched = WATCHED,
    resend: Callable[[], Any] = lambda: None,
) -> Reading:
    """Looks until ``true``; ``always`` must hold at every look on the way. ``resend`` is done before each."""
    async with asyncio.timeout(PLENTY):
        while True:
            await asyncio.to_thread(resend)
            reading = await source.read(of)
            assert always(reading), reading
            if true(reading):
                return reading
            await asyncio.sleep(0.05)


def says(reading: Reading, words: str) -> bool:
    return any(words in note for note in reading.notes)
