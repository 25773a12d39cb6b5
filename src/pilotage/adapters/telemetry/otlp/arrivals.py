"""What has arrived, by series, as cumulative counts. Pure: the time of arrival is passed in.

Order is told by the sender's times, age by our own: clocks of senders are not trusted. Increments (delta
temporality) are added up. Two processes that send as one can not be told apart: their series is doubled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import NamedTuple

from pilotage.adapters.telemetry.histograms import Classic, Exponential, Histogram
from pilotage.adapters.telemetry.ledger import Labels, Sample, shown
from pilotage.adapters.telemetry.otlp.points import Kind, Point, Value

MOST_SERIES = 20_000
KEPT = 64
"""Points of a series that are kept for the next look."""
SKEW = 5.0
"""Seconds by which a sender's clock may differ before it is told."""
CLOCK_TICK = 0.001
"""Seconds by which two intervals of one process may overlap."""


class _Kept(NamedTuple):
    """A point, when it arrived, and by our clock when its process began, where that is news."""

    heard: float
    point: Point
    began: float | None = None


@dataclass
class _Series:
    kind: Kind
    last: Point
    heard: float
    skew: float = 0.0
    again: int = 0
    """How often two processes were seen in it: what comes after is a series of its own."""
    doubled: float = -inf
    """When two processes were last seen in it."""
    kept: deque[_Kept] = field(default_factory=lambda: deque(maxlen=KEPT))


@dataclass
class Arrivals:
    """``stale``: seconds for which a doubled series is not trusted; ``gone``: after which one is forgotten."""

    stale: float
    gone: float
    heard: float | None = None
    """When anything last arrived."""
    _series: dict[Labels, _Series] = field(default_factory=dict)
    _ended: dict[Labels, float] = field(default_factory=dict)
    _notes: list[str] = field(default_factory=list)

    def take(self, points: Iterable[Point], now: float, clock: float) -> None:
        """``now``: a steady clock of ours; ``clock``: Unix seconds, to tell skew by."""
        self.heard = now
        self._forget(now)
        for point in points:
            if point.ended:
                if self._series.pop(point.labels, None) is not None:
                    self._ended[point.labels] = now
            elif point.labels in self._series:
                self._next(self._series[point.labels], point, now, clock)
            elif len(self._series) < MOST_SERIES:
                self._ended.pop(point.labels, None)
                series = self._series[point.labels] = _Series(point.kind, point, now, point.at - clock)
                series.kept.append(_Kept(now, point, _began(now, point)))
            else:
                self._notes.append(f"more than {MOST_SERIES} series: the rest is left out")

    def counts(self, fits: Callable[[Labels], bool]) -> list[Sample]:
        """Counters; a histogram counts as its count."""
        found = []
        for labels, series in self._counting(fits):
            for heard, point, began in self._points(series):
                found.append(Sample(_own(labels, series), heard, (_whole(point.value),), began))
        return found

    def histograms(self, fits: Callable[[Labels], bool]) -> list[Histogram]:
        found = []
        for labels, series in self._counting(fits):
            for heard, point, began in self._points(series):
                if isinstance(point.value, Classic | Exponential):
                    found.append(Histogram(_own(labels, series), heard, point.value, began))
        return found

    def levels(self, fits: Callable[[Labels], bool]) -> list[Sample]:
        found = []
        for labels, series in self._series.items():
            if series.kind is Kind.LEVEL and isinstance(series.last.value, float) and fits(labels):
                found.append(Sample(labels, series.heard, (series.last.value,)))
        return found

    def ended(self, labels: Labels) -> bool:
        """Whether its sender said that it has ended."""
        return labels in self._ended

    def notes(self) -> Sequence[str]:
        """What was noticed since they were last asked for, and what is so now."""
        skewed = [
            f"{shown(labels)} has a clock {abs(one.skew):.0f} s {'ahead of' if one.skew > 0 else 'behind'} ours"
            for labels, one in self._series.items()
            if abs(one.skew) > SKEW
        ]
        notes, self._notes = [*self._notes, *skewed], []
        return notes

    def _counting(self, fits: Callable[[Labels], bool]) -> Iterator[tuple[Labels, _Series]]:
        for labels, series in self._series.items():
            if series.kind is not Kind.LEVEL and fits(labels):
                yield labels, series

    def _points(self, series: _Series) -> list[_Kept]:
        """Of a doubled series the last one twice, for the ledger to find."""
        kept = list(series.kept)
        return kept + kept[-1:] if series.heard - series.doubled <= self.stale else kept

    def _next(self, series: _Series, point: Point, now: float, clock: float) -> None:
        last = series.last
        if point.kind is not series.kind or type(point.value) is not type(last.value):
            self._notes.append(f"{shown(point.labels)} comes in two kinds: left out")
            return
        if point.at <= last.at:
            if point.at < last.at and point.kind is not Kind.DELTA:
                self._notes.append(f"{shown(point.labels)} came late, {last.at - point.at:.0f} s: left out")
            return  # the same once more: sent again
        if doubled := _overlaps(last, point):
            self._ended[_own(point.labels, series)] = now
            series.doubled, series.again = now, series.again + 1
            series.kept.clear()
        if point.kind is Kind.DELTA:
            added = _plus(last.value, point.value)
            if added is None:
                self._notes.append(f"{shown(point.labels)} has other buckets than before: left out")
                return
            if point.start is not None and point.start > last.at + CLOCK_TICK:
                lost = point.start - last.at
                self._notes.append(f"{shown(point.labels)} has a gap: {lost:.1f} s of increments did not come")
            point = point._replace(value=added, start=last.start)
        anew = not doubled and point.start is not None and point.start != last.start
        series.last, series.heard, series.skew = point, now, point.at - clock
        series.kept.append(_Kept(now, point, now if anew else None))

    def _forget(self, now: float) -> None:
        for labels in [labels for labels, one in self._series.items() if now - one.heard > self.gone]:
            del self._series[labels]
        for labels in [labels for labels, at in self._ended.items() if now - at > self.gone]:
            del self._ended[labels]


def _overlaps(last: Point, point: Point) -> bool:
    """Whether two processes must be at it: each counts from a start of its own."""
    if point.start is None:
        return False
    if point.kind is Kind.DELTA:
        return point.start < last.at - CLOCK_TICK
    return point.start != last.start and point.start < last.at - CLOCK_TICK


def _own(labels: Labels, series: _Series) -> Labels:
    """A series in which two processes were seen is another one from then on."""
    return labels | {("again", str(series.again))} if series.again else labels


def _began(heard: float, point: Point) -> float | None:
    """When a new series began, by our clock; increments alone are all new. The time on the way makes it later
    than it was, never earlier."""
    if point.kind is Kind.DELTA:
        return heard
    return None if point.start is None else heard - (point.at - point.start)


def _whole(value: Value) -> float:
    if isinstance(value, float):
        return value
    count = value.up_to(inf)
    return count if count is not None and isfinite(count) else -1.0


def _plus(one: Value, other: Value) -> Value | None:
    if isinstance(one, Classic) and isinstance(other, Classic):
        return one.plus(other)
    if isinstance(one, Exponential) and isinstance(other, Exponential):
        return one.plus(other)
    if isinstance(one, float) and isinstance(other, float):
        return one + other if other >= 0 else None
    return None
