"""What a server has of both versions: every query of the settings, filled for each, and its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from pilotage.adapters.telemetry.book import LATENCY, Found
from pilotage.adapters.telemetry.histograms import Histogram
from pilotage.adapters.telemetry.ledger import Labels, Sample
from pilotage.adapters.telemetry.placeholders import of_one
from pilotage.adapters.telemetry.prometheus import answers, promql
from pilotage.adapters.telemetry.prometheus.answers import Answer
from pilotage.adapters.telemetry.prometheus.asking import Refused
from pilotage.adapters.telemetry.prometheus.settings import Settings
from pilotage.core.release import Release
from pilotage.core.telemetry import Watched

Ask = Callable[[str], Awaitable[Answer]]
Start = tuple[Labels, float]
"""Labels, and when what has them began."""

_T = TypeVar("_T", Sample, Histogram)


async def both(settings: Settings, watched: Watched, ask: Ask, notes: list[str]) -> tuple[Found, Found]:
    """The old version and the new one. What can not be asked is left out, and noted."""
    old, new = await asyncio.gather(
        _found(settings, watched, watched.old, ask, notes), _found(settings, watched, watched.new, ask, notes)
    )
    return old, new


async def began(settings: Settings, watched: Watched, ask: Ask, notes: list[str]) -> list[Start]:
    """When series began, of both versions, as far as the server is told."""
    found: list[Start] = []
    for release in (watched.old, watched.new):
        if settings.started is None or release is None:
            continue
        try:
            found += answers.at_times(await ask(promql.fill(settings.started, of_one(watched, release))))
        except (Refused, ValueError) as error:
            notes.append(f"when series began could not be asked: {error}")
    return found


def begun(found: Found, starts: Sequence[Start]) -> Found:
    """With the time at which each series began, where exactly one is known."""

    def mark(series: Sequence[_T]) -> list[_T]:
        marked = []
        for one in series:
            times = {at for labels, at in starts if labels <= one.labels}
            marked.append(one._replace(start=times.pop()) if len(times) == 1 else one)
        return marked

    if not starts:
        return found
    return Found(
        counters={name: mark(series) for name, series in found.counters.items()},
        latency=None if found.latency is None else mark(found.latency),
        gauges=found.gauges,
    )


async def _found(
    settings: Settings, watched: Watched, release: Release | None, ask: Ask, notes: list[str]
) -> Found:
    if release is None:
        return Found()
    whose = "old" if release is watched.old else "new"

    async def one(name: str, query: str) -> tuple[str, Any]:
        try:
            answer = await ask(promql.fill(query, of_one(watched, release)))
            notes.extend(answer.notes)
            if name == LATENCY:
                return name, answers.histograms(answer, settings.unit(), notes)
            return name, answers.counters(answer)
        except (Refused, ValueError) as error:
            notes.append(f"{name} of the {whose} version could not be asked: {error}")
            return name, None

    asked = await asyncio.gather(*(one(name, query) for name, query in settings.queries().items()))
    known = {name: found for name, found in asked if found is not None}
    return Found(
        counters={name: known[name] for name in settings.counted() if name in known},
        latency=known.get(LATENCY),
        gauges={name: known[name] for name in settings.gauges if name in known},
    )
