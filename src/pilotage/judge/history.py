"""History: what the old version has shown so far of one kind of event. Only the past is used (predictable)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from pilotage.judge.dispersion import Dispersion

KEEP = 0.99
"""Of the base rate's memory, per second (F2)."""
KNOWN = 20.0
"""Remembered requests from which the base rate is worth using."""


PLAIN = ("events", "requests", "pace", "base", "phi", "psi")


@dataclass(slots=True)
class History:
    """``base``, ``phi``, ``psi`` are frozen when a block begins, so that no block is judged by itself."""

    interval: float
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
        self.series, self.sides = Dispersion(self.interval), Dispersion(self.interval, sides=True)

    def learn(
        self,
        seconds: float,
        events: float,
        requests: float,
        *,
        new: tuple[float, float] = (0.0, 0.0),
        sides: list[float] | None = None,
    ) -> None:
        """One look at the old version. ``new``: (events, requests) of the new one in the same time, if known;
        ``sides``: [x_a, n_a, x_b, n_b] of two halves of the old one's instances."""
        keep = KEEP**seconds
        self.events = self.events * keep + events
        self.requests = self.requests * keep + requests
        gap = self.pace is not None and seconds > 2.5 * self.pace
        self.pace = seconds
        if gap:
            self.series.interrupt()
            self.sides.interrupt()
        elif requests > 0.0:
            self.series.add([events, requests, *new])
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
    def load(cls, interval: float, data: dict[str, Any]) -> Self:
        found = cls(interval, *[data[name] for name in PLAIN])
        found.series.restore(data["series"])
        found.sides.restore(data["sides"])
        return found
