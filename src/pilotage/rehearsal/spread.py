"""Figures of several runs, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from pilotage.core.values import Frozen

Z95 = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution."""


class Spread(Frozen):
    """The middle of the runs, and where eight in ten of them lie."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread | None:
        """None: no run has such a figure."""
        if not values:
            return None
        ordered = sorted(values)
        return cls(median=_at(ordered, 0.5), low=_at(ordered, 0.1), high=_at(ordered, 0.9))


def _at(ordered: Sequence[float], part: float) -> float:
    """The quantile, straight between the values beside it."""
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


class Odds(Frozen):
    """How often something happened, and what its true chance may be: with 95 % confidence."""

    hits: int
    runs: int
    low: float
    high: float

    @classmethod
    def of(cls, hits: int, runs: int) -> Odds:
        """Wilson's score interval (Journal of the American Statistical Association 22, 1927)."""
        if runs == 0:
            return cls(hits=0, runs=0, low=0.0, high=1.0)
        part, square = hits / runs, Z95 * Z95
        middle = (part + square / (2 * runs)) / (1 + square / runs)
        half = Z95 / (1 + square / runs) * sqrt(part * (1 - part) / runs + square / (4 * runs * runs))
        return cls(hits=hits, runs=runs, low=max(0.0, middle - half), high=min(1.0, middle + half))
