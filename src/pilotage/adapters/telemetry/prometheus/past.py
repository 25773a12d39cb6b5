"""The past in steps: how much is asked for at once, and what was found at each of its times. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeVar

from pilotage.adapters.telemetry.book import Found
from pilotage.adapters.telemetry.histograms import Histogram
from pilotage.adapters.telemetry.ledger import Sample

MOST_POINTS = 10_000
"""Of one range query; the server refuses more than 11 000 a series."""

_T = TypeVar("_T", Sample, Histogram)


def chunks(start: float, end: float, step: float) -> Iterator[tuple[float, float]]:
    """Ranges of at most MOST_POINTS steps that together are the steps from ``start`` to ``end``."""
    points = int((end - start) / step + 1e-6) + 1 if end >= start else 0
    for first in range(0, points, MOST_POINTS):
        last = min(first + MOST_POINTS, points) - 1
        yield start + first * step, start + last * step


def by_step(old: Found, new: Found) -> Iterator[tuple[float, Found, Found]]:
    """What was found, cut by its times, in their order."""
    before, after = _cut(old), _cut(new)
    for at in sorted(before.keys() | after.keys()):
        yield at, before.get(at, _nothing(old)), after.get(at, _nothing(new))


def _cut(found: Found) -> dict[float, Found]:
    counters = {name: _by_time(series) for name, series in found.counters.items()}
    gauges = {name: _by_time(series) for name, series in found.gauges.items()}
    latency = None if found.latency is None else _by_time(found.latency)
    times = {at for cut in (*counters.values(), *gauges.values()) for at in cut} | set(latency or ())
    return {
        at: Found(
            counters={name: cut.get(at, []) for name, cut in counters.items()},
            latency=None if latency is None else latency.get(at, []),
            gauges={name: cut.get(at, []) for name, cut in gauges.items()},
        )
        for at in times
    }


def _nothing(found: Found) -> Found:
    """Asked, and nothing there."""
    return Found({name: [] for name in found.counters}, [] if found.latency is not None else None)


def _by_time(series: Sequence[_T]) -> dict[float, list[_T]]:
    cut: dict[float, list[_T]] = defaultdict(list)
    for one in series:
        cut[one.at].append(one)
    return dict(cut)
