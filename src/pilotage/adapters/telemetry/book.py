"""The book of one rollout: the ledgers of all fields of both versions, from which readings are made. Pure.

A source fills it: ``take`` what was found of both versions, then ``close`` the look. What belongs to both
versions at once can not be told apart, and is left out of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from math import isfinite
from typing import Any, NamedTuple

from pilotage.adapters.telemetry.histograms import Histogram, common_bounds, samples
from pilotage.adapters.telemetry.ledger import Fate, Labels, Ledger, Rules, Sample, Values, shown
from pilotage.core.judging import Arm

MOST_NOTES = 20
LATENCY = "latency_bucket"
HALVES = (0, 1)


@dataclass(frozen=True)
class Found:
    """What one look found of one version. A field that could not be asked is left out."""

    counters: Mapping[str, Sequence[Sample]] = field(default_factory=dict)
    latency: Sequence[Histogram] | None = None
    gauges: Mapping[str, Sequence[Sample]] = field(default_factory=dict)

    def labels(self, name: str) -> set[Labels]:
        series: Iterable[Sample | Histogram] = (self.latency or ()) if name == LATENCY else ()
        series = [*series, *self.counters.get(name, ()), *self.gauges.get(name, ())]
        return {one.labels for one in series}

    def without(self, names: set[str]) -> Found:
        return Found(
            counters={name: found for name, found in self.counters.items() if name not in names},
            latency=None if LATENCY in names else self.latency,
            gauges={name: found for name, found in self.gauges.items() if name not in names},
        )


class Entry(NamedTuple):
    """One look, closed."""

    old: Arm | None
    new: Arm | None
    bounds: tuple[float, ...]
    """In seconds."""
    notes: tuple[str, ...]


@dataclass
class Page:
    """The ledgers of one version. ``halves``: the label by which its instances are split in two (F6)."""

    rules: Mapping[str, Rules]
    halves: str | None = None
    _ledgers: dict[tuple[str, int | None], Ledger] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)
    _gauges: dict[str, float] = field(default_factory=dict)
    _notes: list[str] = field(default_factory=list)

    def take(self, found: Found, bounds: Sequence[float], now: float) -> None:
        self._notes = []
        series = dict(found.counters)
        if found.latency is not None and (vectors := samples(found.latency, bounds, self._notes)) is not None:
            series[LATENCY] = vectors
        self._asked = set(series)
        for name, those in series.items():
            self._ledger(name, None).take(those, now)
            for half in HALVES if self.halves is not None else ():
                self._ledger(name, half).take([one for one in those if self._half(one.labels) == half], now)
        self._gauges = {}
        for name, those in found.gauges.items():
            self._gauge(name, those, now)

    def overdue(self, now: float) -> set[Labels]:
        return {labels for ledger in self._ledgers.values() for labels in ledger.overdue(now)}

    def close(self, now: float, fate: Callable[[Labels], Fate]) -> None:
        for (name, half), ledger in self._ledgers.items():
            if name in self._asked:
                ledger.settle(now, fate)
                self._notes += [f"{name}: {note}" for note in ledger.notes() if half is None]

    def arm(self) -> Arm | None:
        """None when nothing is known."""
        values: dict[str, Any] = {**self._counted(None), **self._gauges}
        if self.halves is not None and len(values) > 0:
            parts = [self._counted(half) for half in HALVES]
            if all(parts):
                values["shards"] = tuple(Arm.model_validate(part) for part in parts)
            else:
                self._notes.append(f"shards: not all instances are in two halves by their label {self.halves}")
        return Arm.model_validate(values) if values else None

    def notes(self) -> list[str]:
        return self._notes

    def _counted(self, half: int | None) -> dict[str, float | Values]:
        totals = {name: self._ledger(name, half).total() for name in sorted(self._asked)}
        if totals.get("requests") is None:  # nothing seen means none only of a version that is seen
            totals = {name: None if self._rules(name).zero else total for name, total in totals.items()}
        return {
            name: total if name == LATENCY else total[0] for name, total in totals.items() if total is not None
        }

    def _gauge(self, name: str, those: Sequence[Sample], now: float) -> None:
        """The mean over its series; not known when one of them is stale or no number."""
        levels = {one.labels: one for one in sorted(those, key=lambda sample: sample.at)}
        stale = self._rules(name).stale
        wrong = [
            one for one in levels.values() if not isfinite(one.values[0]) or not -stale <= now - one.at <= stale
        ]
        self._notes += [f"{name}: {shown(one.labels)} is stale or no number" for one in wrong]
        if levels and not wrong:
            self._gauges[name] = sum(one.values[0] for one in levels.values()) / len(levels)

    def _half(self, labels: Labels) -> int | None:
        value = dict(labels).get(self.halves or "")
        return None if value is None else sha256(value.encode()).digest()[0] & 1

    def _ledger(self, name: str, half: int | None) -> Ledger:
        if (name, half) not in self._ledgers:
            self._ledgers[name, half] = Ledger(self._rules(name))
        return self._ledgers[name, half]

    def _rules(self, name: str) -> Rules:
        return self.rules[name]


@dataclass
class Book:
    """Both versions. ``bounds`` of the latency in the histograms' own unit, which is ``unit`` seconds; None:
    those that the first histograms have in common. They stay, so that all readings can be compared."""

    rules: Mapping[str, Rules]
    bounds: tuple[float, ...] | None = None
    unit: float = 1.0
    halves: str | None = None
    old: Page = field(init=False)
    new: Page = field(init=False)

    def __post_init__(self) -> None:
        self.old, self.new = Page(self.rules, self.halves), Page(self.rules)

    def take(self, now: float, old: Found, new: Found) -> None:
        """``now`` in seconds by the server's clock."""
        both = {name for name in self.rules if old.labels(name) & new.labels(name)}
        self._shared = sorted(both)
        old, new = old.without(both), new.without(both)
        if self.bounds is None:
            filled = [
                one for one in (*(old.latency or ()), *(new.latency or ())) if one.counts.up_to(float("inf"))
            ]
            self.bounds = common_bounds(filled) or None
        old, new = self._fitting(old), self._fitting(new)
        self.old.take(old, self.bounds or (), now)
        self.new.take(new, self.bounds or (), now)

    def overdue(self, now: float) -> set[Labels]:
        return self.old.overdue(now) | self.new.overdue(now)

    def close(self, now: float, fate: Callable[[Labels], Fate]) -> Entry:
        for page in (self.old, self.new):
            page.close(now, fate)
        old, new = self.old.arm(), self.new.arm()
        notes = [f"{name}: the same series are of both versions: not told apart" for name in self._shared]
        notes += [f"the old version's {note}" for note in self.old.notes()]
        notes += [f"the new version's {note}" for note in self.new.notes()]
        bounds = tuple(bound * self.unit for bound in self.bounds or ())
        return Entry(old, new, bounds, shortened(notes))

    def _fitting(self, found: Found) -> Found:
        """Without histograms as long as no bounds are known."""
        return found if self.bounds else replace(found, latency=None)


def shortened(notes: Sequence[str]) -> tuple[str, ...]:
    """Each once, and not too many for a person."""
    once = list(dict.fromkeys(notes))
    more = len(once) - MOST_NOTES
    return tuple(once) if more <= 0 else (*once[:MOST_NOTES], f"and {more} more of the kind")


def certain(_: Labels) -> Fate:
    """For sources that can not ask what became of a series."""
    return Fate.UNKNOWN
