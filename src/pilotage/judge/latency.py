"""Latency as counts: how many answers were slower than a bucket's bound (F11)."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from typing import NamedTuple

PERCENTILES = {50.0: 0.5, 75.0: 0.25, 90.0: 0.1, 95.0: 0.05, 98.0: 0.02, 99.0: 0.01, 99.5: 0.005, 99.9: 0.001}
"""Percentile → fraction of answers that are slower."""
GATING = (50.0, 95.0, 99.0)
"""The percentiles that must be shown to be fine before the new version may go on (F9)."""
ENOUGH = 200.0
"""Answers of the old version from which bounds are chosen."""


class Edge(NamedTuple):
    """The new version's answers above bucket ``new`` against the old one's above bucket ``old``."""

    name: str
    old: int
    new: int
    gating: bool


def slack(seen: Sequence[float], bounds: Sequence[float], edge: Edge, slower: float) -> float:
    """How many times as many answers would exceed the bound if all took (1 + ``slower``) times as long.

    Read off between the bounds, straight in log odds over the logarithm of time. 1 where that can not be told.
    """
    if len(bounds) != len(seen) - 1 or slower <= 0.0 or edge.old == 0:
        return 1.0
    total = seen[-1]
    odds = [_log_odds((total - below + 0.5) / (total + 1.0)) for below in seen[:-1]]
    wanted, j = bounds[edge.old] / (1.0 + slower), edge.old
    while j > 1 and bounds[j - 1] > wanted:
        j -= 1
    part = min(1.0, log(bounds[j] / wanted) / log(bounds[j] / bounds[j - 1]))
    there, here = odds[j] + (odds[j - 1] - odds[j]) * part, odds[edge.old]
    return max(1.0, (1.0 + exp(-here)) / (1.0 + exp(-there)))


def choose(
    seen: Sequence[float], margin: int, most: float = 1.0, bounds: Sequence[float] | None = None
) -> list[Edge]:
    """The bounds nearest to the old version's percentiles, nearest in log odds; each bound once.

    ``seen``: cumulative buckets of its history, the last is +Inf. The new version is held to the bound
    ``margin`` buckets higher, as far as there is one. ``most``: a bound that a larger fraction of the old
    answers exceeds is not asked before the new version may go on. A multiple of it comes near to all, which
    nothing could be shown to stay below. ``bounds`` (in seconds) only tell two edges apart that are nearest to
    the same percentile.
    """
    total, last = seen[-1], len(seen) - 1
    slower = [(total - below + 0.5) / (total + 1.0) for below in seen[:-1]]
    within = range(max(1, last - margin))
    askable = [j for j in within if slower[j] <= most] or [within[-1]]
    found: dict[int, list[float]] = {}
    for percentile, wanted in PERCENTILES.items():
        found.setdefault(_nearest(slower, within, wanted), []).append(percentile)
    gating = {_nearest(slower, askable, PERCENTILES[percentile]): percentile for percentile in GATING}
    for j, percentile in gating.items():
        found.setdefault(j, [percentile])
    names = _apart({j: _name(named, slower[j]) for j, named in sorted(found.items())}, bounds)
    return [Edge(name, j, min(j + margin, last - 1), j in gating) for j, name in names.items()]


def _nearest(slower: Sequence[float], candidates: Sequence[int], wanted: float) -> int:
    return min(candidates, key=lambda j: abs(_log_odds(slower[j]) - _log_odds(wanted)))


def _name(percentiles: list[float], slower: float) -> str:
    best = min(percentiles, key=lambda p: abs(_log_odds(PERCENTILES[p]) - _log_odds(slower)))
    return f"latency p{best:g}"


def _apart(names: dict[int, str], bounds: Sequence[float] | None) -> dict[int, str]:
    """Where a name is taken, with the bound: ``latency p50 (25 ms)``."""
    taken: set[str] = set()
    for j, name in names.items():
        if name in taken:
            bound = f"{bounds[j] * 1000:g} ms" if bounds and j < len(bounds) else f"bucket {j + 1}"
            names[j] = f"{name} ({bound})"
        taken.add(names[j])
    return names


def _log_odds(p: float) -> float:
    return log(p / (1.0 - p))
