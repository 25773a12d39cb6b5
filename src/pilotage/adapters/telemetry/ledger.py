"""A ledger: from samples of many series to one cumulative counter of one version (F14 of the judge).

Pure. A series is known by its labels; a sample is what it showed at a time of the server's own clock. Only
differences between samples of the same series are ever counted:

    a fall              it began anew: what it shows now is what came since, as in PromQL's ``increase``
    a later series      counts from the first value seen; from 0 when it says that it began since the last look
    an old sample       its increments are missing: the counter is not known until it is heard again
    gone for long       it has ended, and is forgotten; a renamed series is one that ends and one that begins
    the same one twice  not known which is right: the counter is not known
    a late sample       older than what was counted already: left out
    NaN, below zero     no sample at all

The counter itself begins with what the first look saw, so that a person finds the numbers of the server again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import NamedTuple, assert_never

Labels = frozenset[tuple[str, str]]
Values = tuple[float, ...]
"""A counter alone, or the counts up to each bound of a histogram; they rise and begin anew together."""

MOST = 1e15
"""Beyond it a float can not count by ones."""


class Falls(StrEnum):
    """What it means when a counter falls."""

    RESTART = "restart"
    """It began anew at 0: it counts what it shows."""
    UNKNOWN = "unknown"
    """A sum lost one of its parts, rows were deleted: nothing is known of that time, it goes on from there."""


class Fate(StrEnum):
    """What is known of a series that is no longer heard."""

    UNKNOWN = "unknown"
    """It is missing, until it was gone for so long that it must have ended."""
    MISSING = "missing"
    """What exports it is still there, and does not answer."""
    ENDED = "ended"


class Sample(NamedTuple):
    labels: Labels
    at: float
    """Seconds, by the clock of the server."""
    values: Values
    start: float | None = None
    """When the series began to count, if it says so."""


@dataclass(frozen=True)
class Rules:
    """``stale``: seconds without a sample after which a series is missing; ``gone``: after which it has ended.
    ``aside``: labels that say who collected a series, and do not make it another one."""

    stale: float
    gone: float
    falls: Falls = Falls.RESTART
    aside: frozenset[str] = frozenset()
    zero: bool = False
    """Nothing seen at all counts as 0: a series that appears once something happens."""


@dataclass
class Ledger:
    """One counter. ``take`` what a look found, ``settle`` what is no longer heard, then ``total``."""

    rules: Rules
    _last: dict[Labels, Sample] = field(default_factory=dict)
    _sum: Values | None = None
    _looked: float | None = None
    _doubled: bool = False
    _missing: int = 0
    _wrong: set[Labels] = field(default_factory=set)
    """Those that are there, and show what is no sample."""
    _notes: list[str] = field(default_factory=list)

    def take(self, samples: Iterable[Sample], now: float) -> None:
        """``samples`` may hold several of a series, and such as were taken before. ``now``: of the server."""
        self._notes, self._missing = [], 0
        found = self._sound(samples, now)
        doubled = self._twice(found)
        self._doubled = bool(doubled)
        first = self._looked is None or (self._sum is None and not self.rules.zero)
        for labels, series in found.items():
            if labels not in doubled:
                self._follow(labels, sorted(series, key=lambda sample: sample.at), first=first)
        if found or self.rules.zero:
            self._looked = now

    def overdue(self, now: float) -> list[Labels]:
        """Series of which nothing was heard for too long."""
        return [labels for labels, last in self._last.items() if now - last.at > self.rules.stale]

    def settle(self, now: float, fate: Callable[[Labels], Fate]) -> None:
        """Decide about every series that is overdue."""
        for labels in self.overdue(now):
            silent = now - self._last[labels].at
            match Fate.MISSING if labels in self._wrong else fate(labels):
                case Fate.ENDED:
                    ended = True
                case Fate.MISSING:
                    ended = False
                case Fate.UNKNOWN:
                    ended = silent > self.rules.gone
                case never:
                    assert_never(never)
            if ended:
                del self._last[labels]
                self._notes.append(f"{shown(labels)} has ended: it is no longer counted")
            else:
                self._missing += 1
                self._notes.append(f"{shown(labels)} is stale, its last sample is {silent:.0f} s old")

    def total(self) -> Values | None:
        """The counter now; None when it is not known."""
        if self._doubled or self._missing:
            return None
        if not self._last and not self.rules.zero:
            return None
        return self._sum or (0.0,)

    def notes(self) -> tuple[str, ...]:
        """What was left out since the last ``take``, and why."""
        return tuple(self._notes)

    def _sound(self, samples: Iterable[Sample], now: float) -> dict[Labels, list[Sample]]:
        """By series, without what is no sample. Only what is wrong now is told, not what was wrong before."""
        found: dict[Labels, list[Sample]] = defaultdict(list)
        wrong: dict[Labels, tuple[float, str]] = {}
        for sample in samples:
            trouble = _trouble(sample, now + self.rules.stale)
            if trouble is None:
                found[sample.labels].append(sample)
            elif sample.at >= wrong.get(sample.labels, (sample.at, ""))[0] or not isfinite(sample.at):
                wrong[sample.labels] = (sample.at, trouble)
        self._wrong = set()
        for labels, (at, trouble) in wrong.items():
            if not any(sample.at > at for sample in found.get(labels, ())):
                self._wrong.add(labels)
                self._notes.append(f"{shown(labels)} has {trouble}: left out")
        return dict(found)

    def _twice(self, found: dict[Labels, list[Sample]]) -> set[Labels]:
        """Series that are there more than once: under the same labels, or collected by two."""
        same: dict[Labels, list[Labels]] = defaultdict(list)
        for labels, series in found.items():
            identity = frozenset(pair for pair in labels if pair[0] not in self.rules.aside)
            times = [sample.at for sample in series]
            same[identity] += [labels] * (1 if len(set(times)) == len(times) else 2)
        doubled = set()
        for identity, those in same.items():
            if len(those) > 1:
                doubled |= set(those)
                self._notes.append(f"{shown(identity)} is there more than once: not known which one counts")
        return doubled

    def _follow(self, labels: Labels, series: list[Sample], *, first: bool) -> None:
        if (last := self._last.get(labels)) is not None and series[-1].at < last.at:
            self._notes.append(f"{shown(labels)} came late, {last.at - series[-1].at:.0f} s: left out")
        for sample in series:
            last = self._last.get(labels)
            if last is None:
                self._begin(sample, first=first)
            elif sample.at > last.at:
                self._advance(last, sample)

    def _begin(self, sample: Sample, *, first: bool) -> None:
        since = sample.start is not None and self._looked is not None and sample.start >= self._looked
        self._last[sample.labels] = sample
        self._count(sample.values if first or since else (0.0,) * len(sample.values))

    def _advance(self, last: Sample, sample: Sample) -> None:
        if len(sample.values) != len(last.values):
            self._notes.append(f"{shown(sample.labels)} has other buckets than before: left out")
            return
        self._last[sample.labels] = sample
        rise = tuple(new - old for new, old in zip(sample.values, last.values, strict=True))
        anew = sample.start is not None and sample.start > last.at
        if min(rise) >= 0 and not anew:
            self._count(rise)
            return
        match self.rules.falls:
            case Falls.RESTART:
                self._count(sample.values)
            case Falls.UNKNOWN:
                self._notes.append(
                    f"{shown(sample.labels)} fell, and is no counter of one process: not counted"
                )
            case never:
                assert_never(never)

    def _count(self, rise: Values) -> None:
        if self._sum is None:
            self._sum = (0.0,) * len(rise)
        self._sum = tuple(total + one for total, one in zip(self._sum, rise, strict=True))


def _trouble(sample: Sample, latest: float) -> str | None:
    if not isfinite(sample.at) or not all(isfinite(v) and 0 <= v < MOST for v in sample.values):
        return "a sample that is no count"
    return "a sample of the future" if sample.at > latest else None


def shown(labels: Labels) -> str:
    """``http_requests_total{code="200"}``, shortened; for people."""
    name = dict(labels).get("__name__", "")
    others = ", ".join(f'{key}="{value}"' for key, value in sorted(labels) if key != "__name__")
    text = f"{name}{{{others}}}" if others else name or "the series"
    return text if len(text) <= 160 else f"{text[:157]}…"
