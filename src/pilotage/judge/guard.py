"""The absolute guard: the new version alone against a fixed limit, where nothing is left to compare it with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from pilotage.judge.evidence import DISASTER, limit_gains
from pilotage.judge.wealth import Wealth, evenly, log_of

ABOVE = (1.6, 2.5, 5.0, 20.0, 100.0)
BELOW = (0.7, 0.5, 0.2, 0.05, 0.001)
"""Alternatives, as factors on the odds of the limit."""
BELOW_PRIOR = (0.1, 0.1, 0.15, 0.25, 0.4)


@dataclass(slots=True)
class Guard:
    """Errors of the new version while it has all the traffic."""

    limit: float
    top: float
    cap: float
    back: Wealth = field(default_factory=lambda: Wealth(evenly(len(ABOVE))))
    go: Wealth = field(init=False)
    requests: float = 0.0
    errors: float = 0.0
    """At this step, with the warm-up."""
    judged: float = 0.0
    """Requests at this step, without the warm-up."""

    def __post_init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Another step: what let it go on before does not count any more."""
        self.go = Wealth(BELOW_PRIOR, first=0.8, top=self.top)
        self.requests = self.errors = self.judged = 0.0

    def observe(self, n: float, x: float, t: float, phi: float, *, warming: bool) -> None:
        """``n`` requests, ``x`` of them failed. A cold start is held to the disaster limit only."""
        limit = min(0.9, DISASTER.ratio * self.limit + DISASTER.excess) if warming else self.limit
        self.back.bet(limit_gains(n, x, limit, ABOVE), t, divisor=phi, cap=self.cap)
        self.requests += n
        self.errors += x
        if not warming:
            self.go.bet(limit_gains(n, x, limit, BELOW), t, divisor=phi, cap=self.cap)
            self.judged += n

    def rate(self) -> float:
        """The fraction that failed at this step."""
        return self.errors / max(self.requests, 1.0)

    def needed(self, target: float, phi: float) -> float | None:
        """Requests until ln evidence for going on is ``target``, if all goes on as now. None: never."""
        if not self.go.parts:
            return None
        rates = limit_gains(1.0, self.rate(), self.limit, BELOW)
        waits = [
            (target - log_of(part)) * phi / rate
            for rate, part in zip(rates, self.go.parts, strict=True)
            if rate > 1e-12
        ]
        return min(waits, default=None)

    def dump(self) -> dict[str, Any]:
        return {
            "back": self.back.dump(),
            "go": self.go.dump(),
            "requests": self.requests,
            "errors": self.errors,
            "judged": self.judged,
        }

    def restore(self, data: dict[str, Any]) -> Self:
        self.back.restore(data["back"])
        self.go.restore(data["go"])
        self.requests, self.errors, self.judged = data["requests"], data["errors"], data["judged"]
        return self
