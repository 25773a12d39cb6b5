"""Counters: from cumulative readings to what happened in between (F14).

A reading is a vector of cumulative counts of one arm: (requests, errors), or the latency buckets. Only
differences of readings are ever used. None: not readable now; the next difference spans the gap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, NamedTuple, Self

from pilotage.core.judging import Arm

Vector = tuple[float, ...]

SURGE = 3.0
"""After a restart, more than this many times the usual traffic is not new: a sum lost one of its parts."""
MOST = 1e15
"""Beyond it a counter is rubbish, and a float cannot count by ones."""
SLACK = 100.0
"""Requests that may always come at once after a restart."""


def totals(arm: Arm | None) -> Vector | None:
    """(requests, errors) of an arm; None if not known or impossible."""
    if arm is None or arm.requests is None or arm.errors is None:
        return None
    found = (arm.requests, arm.errors)
    return found if _possible(found) and arm.errors <= arm.requests else None


def buckets(arm: Arm | None) -> Vector | None:
    """Answers up to each bound, the last is all of them; None if not known or impossible."""
    if arm is None or arm.latency_bucket is None or len(arm.latency_bucket) < 2:
        return None
    found = tuple(arm.latency_bucket)
    return found if _possible(found) and _rising(found) else None


def field(arm: Arm | None, name: str) -> float | None:
    """A declared field of an arm; None if it is not known, or no possible figure."""
    if arm is None:
        return None
    extra = arm.__pydantic_extra__
    value = extra[name] if extra and name in extra else arm.__dict__.get(name)
    if isinstance(value, bool) or not isinstance(value, (float, int)):
        return None
    return float(value) if 0.0 <= value < MOST else None  # so not NaN either


def fields(arm: Arm | None, names: Sequence[str]) -> Vector | None:
    """Declared counters of an arm, all of them or None."""
    found = []
    for name in names:
        value = field(arm, name)
        if value is None:
            return None
        found.append(value)
    return tuple(found)


def halves(arm: Arm | None, read: Callable[[Arm | None], Vector | None]) -> tuple[Vector, Vector] | None:
    """An arm's shards in two fixed halves, summed; ``read`` is ``totals`` or ``buckets``."""
    if arm is None or arm.shards is None or len(arm.shards) < 2:
        return None
    readings = [one for one in map(read, arm.shards) if one is not None]
    if len(readings) < len(arm.shards) or len({len(one) for one in readings}) > 1:
        return None
    return _sum(readings[0::2]), _sum(readings[1::2])


class Step(NamedTuple):
    """What a counter did in ``seconds``."""

    seconds: float
    counts: Vector


@dataclass(slots=True)
class Series:
    """One arm's last reading. ``rate``: its usual requests per second, to tell a restart from a lost part.

    ``whole`` is the place of the requests in the vector: the first of totals, the last of buckets.
    """

    whole: int
    last: Vector | None = None
    at: float = 0.0
    rate: float | None = None
    bounded: bool = True
    """Whether the other counts of a vector are some of the first."""

    def since(self, t: float, reading: Vector) -> Step | None:
        """What happened since the last reading; None if there is none, or if it contradicts itself."""
        if self.last is None or len(self.last) != len(reading) or t <= self.at:
            return None
        counts = tuple([new - old for new, old in zip(reading, self.last, strict=True)])
        if min(counts) < 0.0:
            counts = reading
            usual = 0.0 if self.rate is None else self.rate
            if reading[self.whole] > SURGE * usual * (t - self.at) + SLACK:
                return None
        return Step(t - self.at, counts) if self._consistent(counts) else None

    def accept(self, t: float, reading: Vector, step: Step | None) -> None:
        """Make ``reading`` the one that the next difference starts from."""
        if step is not None:
            now = step.counts[self.whole] / step.seconds
            self.rate = now if self.rate is None else 0.8 * self.rate + 0.2 * now
        self.last, self.at = reading, t

    def forget(self) -> None:
        self.last = None

    def fell(self, reading: Vector) -> bool:
        """The counter restarted (or has another shape): nothing before it can be subtracted."""
        return (
            self.last is None
            or len(self.last) != len(reading)
            or any(new < old for new, old in zip(reading, self.last, strict=True))
        )

    def _consistent(self, counts: Vector) -> bool:
        return counts[-1] <= counts[0] or not self.bounded if self.whole == 0 else _rising(counts)

    def dump(self) -> dict[str, Any]:
        data = asdict(self)
        data["last"] = None if self.last is None else list(self.last)
        return data

    @classmethod
    def load(cls, data: dict[str, Any]) -> Self:
        last = None if data["last"] is None else tuple(data["last"])
        return cls(data["whole"], last, data["at"], data["rate"], data["bounded"])


@dataclass(slots=True)
class Pair:
    """Both arms, only ever differenced between the same two looks, so that trouble they share cancels."""

    new: Series
    old: Series

    @classmethod
    def of(cls, whole: int, *, bounded: bool = True) -> Self:
        return cls(Series(whole, bounded=bounded), Series(whole, bounded=bounded))

    def since(self, t: float, new: Vector, old: Vector, longest: float) -> tuple[Step, Step] | None:
        """The two steps, or None. A gap of more than ``longest`` seconds is not bridged."""
        gap = self.new.last is not None and t - self.new.at > longest
        mine, other = (None, None) if gap else (self.new.since(t, new), self.old.since(t, old))
        contradiction = mine is None or other is None
        if contradiction and not (gap or self.new.fell(new) or self.old.fell(old)):
            return None  # e.g. an error counted before its request: the next difference will make up for it
        self.new.accept(t, new, mine)
        self.old.accept(t, old, other)
        return None if mine is None or other is None else (mine, other)

    def forget(self) -> None:
        self.new.forget()
        self.old.forget()

    def dump(self) -> dict[str, Any]:
        return {"new": self.new.dump(), "old": self.old.dump()}

    @classmethod
    def load(cls, data: dict[str, Any]) -> Self:
        return cls(Series.load(data["new"]), Series.load(data["old"]))


def _possible(values: Vector) -> bool:
    return isfinite(sum(values)) and min(values) >= 0.0 and max(values) < MOST


def _rising(values: Vector) -> bool:
    return list(values) == sorted(values)


def _sum(readings: list[Vector]) -> Vector:
    return tuple([sum(values) for values in zip(*readings, strict=True)])
