"""History: what the old version has shown so far of one kind of event. Only the past is used (predictable)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from pilotage.judge.dispersion import Dispersion, Half

KEEP = 0.99
"""Of the base rate's memory, per second (F2)."""
KNOWN = 20.0
"""Remembered requests from which the base rate is worth using."""


PLAIN = ("events", "requests", "pace", "base", "phi", "psi")


@dataclass(slots=True)
class History:
    """``base``, ``phi``, ``psi`` are frozen when a block begins, so that no block is judged by itself."""

    interval: float
    bounded: bool = True
    """Whether events are some of the requests; else ``requests`` are an exposure."""
    slow: bool = False
    """Whether slow variation is held against it as well: visits of many requests come and go in minutes."""
    events: float = 0.0
    requests: float = 0.0
    pace: float | None = None
    """Seconds between the last two looks."""
    base: float = 0.0
    phi: float = 1.0
    psi: float = 1.0
    series: Dispersion = field(init=False)
    sides: Dispersion = field(init=False)

    def __post_init__(self) -> None:
        self.series = Dispersion(self.interval, bounded=self.bounded, slow=self.slow)
        self.sides = Dispersion(self.interval, bounded=self.bounded, sides=True)

    def learn(self, seconds: float, keep: float, look: Half, sides: Half | None = None) -> None:
        """One look at the old version. ``keep``: of the memory, after so many seconds. ``look``: events and
        requests, and those of the new one in the same time, if known; ``sides``: [x_a, n_a, x_b, n_b] of two
        halves of the old one's instances."""
        self.events = self.events * keep + look[0]
        self.requests = self.requests * keep + look[1]
        gap = self.pace is not None and seconds > 2.5 * self.pace
        self.pace = seconds
        if gap:
            self.series.interrupt()
            self.sides.interrupt()
        elif look[1] > 0.0:
            if not self.sides.ready():  # from then on only they are asked
                self.series.add(look)
            if sides is not None:
                self.sides.add(sides)

    def rate(self) -> float | None:
        """The base rate of about the last two minutes."""
        return self.events / self.requests if self.requests >= KNOWN else None

    def freeze(self) -> None:
        self.base = self.rate() or 0.0
        self.phi, self.psi = (self.sides if self.sides.ready() else self.series).spread()

    def dump(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in PLAIN}
        return plain | {"series": self.series.dump(), "sides": self.sides.dump()}

    @classmethod
    def load(cls, like: History, data: dict[str, Any]) -> Self:
        found = cls(like.interval, like.bounded, like.slow, **{name: data[name] for name in PLAIN})
        found.series.restore(data["series"])
        found.sides.restore(data["sides"])
        return found
