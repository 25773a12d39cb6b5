"""Service level objectives: is the error budget being burnt, now and for a while, and by whom?

A guard beside the comparison, never instead of it. The two windows are those of *The Site Reliability
Workbook*, chapter 5 (multiwindow burn rates); a rollback takes evidence beside them, so that three failures of
ten requests on a quiet night are no verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from pilotage.core.judging import Slo
from pilotage.judge.evidence import limit_gains
from pilotage.judge.guard import ABOVE
from pilotage.judge.wealth import Wealth, evenly

GRAINS = 60
"""Pieces that the long window is kept in."""
MOST = 0.99


@dataclass(slots=True)
class Window:
    """Requests and errors of one version over the last while, in ``GRAINS`` pieces."""

    long: float
    short: float
    pieces: list[list[float]] = field(default_factory=list)
    """[begin, requests, errors], the oldest first."""

    def add(self, t: float, requests: float, errors: float) -> None:
        if not self.pieces or t - self.pieces[-1][0] >= self.long / GRAINS:
            self.pieces.append([t, 0.0, 0.0])
        self.pieces[-1][1] += requests
        self.pieces[-1][2] += errors
        while self.pieces[0][0] <= t - self.long:
            self.pieces.pop(0)

    def rate(self, t: float, seconds: float) -> float | None:
        """The fraction that failed; None: no requests."""
        requests = errors = 0.0
        for begin, n, x in reversed(self.pieces):
            if begin <= t - seconds and requests > 0.0:
                break
            requests, errors = requests + n, errors + x
        return errors / requests if requests > 0.0 else None

    def burns(self, t: float, limit: float) -> bool:
        """Above ``limit`` over both windows."""
        return all((self.rate(t, seconds) or 0.0) > limit for seconds in (self.long, self.short))


@dataclass(slots=True)
class Objective:
    """Both versions against one objective."""

    slo: Slo
    cap: float
    new: Window = field(init=False)
    old: Window = field(init=False)
    back: Wealth = field(default_factory=lambda: Wealth(evenly(len(ABOVE))))
    at: float = 0.0

    def __post_init__(self) -> None:
        long, short = self.slo.long.total_seconds(), self.slo.short.total_seconds()
        self.new, self.old = Window(long, short), Window(long, short)

    @property
    def name(self) -> str:
        return f"objective {self.slo.objective * 100.0:g} %"

    @property
    def limit(self) -> float:
        """The fraction of failures at which the budget burns too fast."""
        return min(MOST, self.slo.burn * (1.0 - self.slo.objective))

    def observe(self, t: float, n: float, x: float, phi: float) -> None:
        """What the new version did since the last look."""
        self.at = t
        self.new.add(t, n, x)
        self.back.bet(limit_gains(n, x, self.limit, ABOVE), t, divisor=phi, cap=self.cap)

    def learn(self, t: float, n: float, x: float) -> None:
        """What the old version did."""
        self.at = t
        self.old.add(t, n, x)

    def burns(self) -> tuple[bool, bool]:
        """(new, old)."""
        return self.new.burns(self.at, self.limit), self.old.burns(self.at, self.limit)

    def evidence(self) -> float | None:
        """ln evidence against the new version; None while it does not burn, or does not burn alone."""
        new, old = self.burns()
        return self.back.log_value() if new and not old else None

    def dump(self) -> dict[str, Any]:
        pieces = [[list(piece) for piece in window.pieces] for window in (self.new, self.old)]
        return {"back": self.back.dump(), "pieces": pieces, "at": self.at}

    def restore(self, data: dict[str, Any]) -> Self:
        self.back.restore(data["back"])
        self.new.pieces, self.old.pieces = ([list(piece) for piece in one] for one in data["pieces"])
        self.at = data["at"]
        return self
