"""Histograms of all kinds as counts up to fixed bounds, so that they can be added and compared. Pure.

Classic ones have bounds of their own. Exponential ones (Prometheus: native) have the bounds 2^(i / 2^schema):
those of a coarser schema are every second one of the next finer. So counts up to the bounds of a coarse schema
are exact in every finer one, and stay so when whoever exports them merges its buckets to a coarser resolution.
Sources: OpenTelemetry, *Metrics Data Model*, "ExponentialHistogram"; Prometheus, *Native Histograms*.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isclose, isfinite, log2
from typing import NamedTuple, Protocol

from pilotage.adapters.telemetry.ledger import Labels, Sample

FINEST = 2
"""Schema of the fixed bounds, where the data is as fine: each bound is 1.19 times the one before."""
LOWEST, HIGHEST = -10, 6
"""Powers of two, in seconds, between which the fixed bounds lie: from 1 ms to 64 s."""
COARSEST, MOST_SCHEMA = -4, 20


class Counts(Protocol):
    """One histogram at one time."""

    def up_to(self, bound: float) -> float | None:
        """How many were at most ``bound``; None when it is not one of its bounds."""
        ...

    def bounds(self) -> tuple[float, ...]:
        """Bounds that suit it, without +Inf, rising; in its own unit."""
        ...


class Histogram(NamedTuple):
    labels: Labels
    at: float
    counts: Counts
    start: float | None = None


@dataclass(frozen=True)
class Classic:
    """``cumulative``: counts up to each upper bound; +Inf is all."""

    cumulative: Mapping[float, float]

    def up_to(self, bound: float) -> float | None:
        if bound in self.cumulative:
            return self.cumulative[bound]
        near = (count for other, count in self.cumulative.items() if isclose(other, bound, rel_tol=1e-9))
        return next(near, None)

    def bounds(self) -> tuple[float, ...]:
        return tuple(sorted(bound for bound in self.cumulative if isfinite(bound)))

    def plus(self, other: Classic) -> Classic | None:
        """Both together; None when their bounds differ."""
        if self.cumulative.keys() != other.cumulative.keys():
            return None
        return Classic({bound: count + other.cumulative[bound] for bound, count in self.cumulative.items()})


@dataclass(frozen=True)
class Exponential:
    """``buckets``: bucket ``i`` counts what was in (2^((i-1) / 2^schema), 2^(i / 2^schema)], Prometheus' way.

    ``low`` counts what was at most ``threshold``: the zero bucket and everything negative. ``unit``: seconds
    that one unit of the values is.
    """

    schema: int
    buckets: Mapping[int, float]
    low: float = 0.0
    threshold: float = 0.0
    unit: float = 1.0

    def up_to(self, bound: float) -> float | None:
        if bound == inf:
            return self.low + sum(self.buckets.values())
        if bound <= 0 or bound < self.threshold:
            return None
        place = log2(bound) * 2.0**self.schema
        if not isclose(place, round(place), abs_tol=1e-6):
            return None
        return self.low + sum(count for index, count in self.buckets.items() if index <= round(place))

    def bounds(self) -> tuple[float, ...]:
        return aligned(min(self.schema, FINEST), self.unit)

    def coarser(self, schema: int) -> Exponential:
        """With its buckets merged to a coarser schema: 2^n neighbours become one."""
        merged: dict[int, float] = defaultdict(float)
        for index, count in self.buckets.items():
            merged[-(-index >> (self.schema - schema))] += count
        return replace(self, schema=schema, buckets=dict(merged))

    def plus(self, other: Exponential) -> Exponential:
        """Both together, at the coarser of both resolutions."""
        schema = min(self.schema, other.schema)
        mine, others = self.coarser(schema), other.coarser(schema)
        indices = mine.buckets.keys() | others.buckets.keys()
        both = {i: mine.buckets.get(i, 0) + others.buckets.get(i, 0) for i in indices}
        threshold = max(self.threshold, other.threshold)
        return Exponential(schema, both, self.low + other.low, threshold, self.unit)


def aligned(schema: int, unit: float = 1.0) -> tuple[float, ...]:
    """All bounds of a schema from about 1 ms to 64 s, in units of ``unit`` seconds."""
    shift = round(-log2(unit))
    fine = 2.0**schema
    first, last = int((LOWEST + shift) * fine), int((HIGHEST + shift) * fine)
    return tuple(2.0 ** (place / fine) for place in range(first, last + 1))


def schema_of(lower: float, upper: float) -> int | None:
    """The schema whose buckets have these two bounds; None when there is none."""
    if not 0 < lower < upper < inf:
        return None
    found = -log2(log2(upper / lower))
    near = round(found)
    fits = isclose(2.0**-near, 2.0**-found, rel_tol=1e-4) and COARSEST <= near <= MOST_SCHEMA
    return near if fits else None


def common_bounds(histograms: Sequence[Histogram]) -> tuple[float, ...]:
    """The bounds that all of them have, rising, without +Inf; empty when there are none."""
    if not histograms:
        return ()
    candidates = min((one.counts.bounds() for one in histograms), key=len)
    return tuple(b for b in candidates if all(one.counts.up_to(b) is not None for one in histograms))


def samples(histograms: Iterable[Histogram], bounds: Sequence[float], notes: list[str]) -> list[Sample] | None:
    """Counts up to ``bounds`` and +Inf; None when one of them has not all these bounds."""
    found = []
    for one in histograms:
        counts = [one.counts.up_to(bound) for bound in (*bounds, inf)]
        whole = tuple(count for count in counts if count is not None)
        if len(whole) < len(counts):
            notes.append("buckets do not fit those that were seen first: left out")
            return None
        found.append(Sample(one.labels, one.at, whole, one.start))
    return found
