"""One comparison: one kind of event, one margin; its evidence against and for the new version."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from typing import Any, Self

from pilotage.judge.confidence import interval
from pilotage.judge.dispersion import LONG
from pilotage.judge.evidence import FINE, FRACTIONS, WORSE, Counts, Margin, fraction_gains, gains
from pilotage.judge.history import History
from pilotage.judge.wealth import NOTHING, Wealth, add_logs, evenly

FINE_PRIOR = (0.04, 0.04, 0.06, 0.08, 0.10, 0.18, 0.50)
"""Most new versions have hardly any errors: most of the stake is on "far better than the margin"."""
FINE_FIRST = 0.85
STEPS = 12
"""Stretches with a constant split that the confidence sequence remembers."""
DOUBT = 50.0
"""Requests' worth of belief that the new version is like the old one, when foretelling what is missing."""


@dataclass(slots=True)
class Comparison:
    """``go`` is None for what takes a version back but does not gate its going on.

    ``name`` is for people; ``weight`` the comparison's part of the evidence for taking back (F8).
    """

    name: str
    weight: float
    margin: Margin
    cap: float
    pass_margin: Margin | None = None
    pass_top: float = 5.0
    always: bool = False
    """Looks already while the new version is warming up."""
    back: Wealth = field(default_factory=lambda: Wealth(evenly(len(WORSE))))
    bursts: Wealth = field(default_factory=lambda: Wealth(evenly(len(FRACTIONS))))
    go: Wealth | None = None
    pending: list[float] = field(default_factory=lambda: [0.0] * 5)
    """The open block of the fraction bet: n1, x1, n0, x0, seconds."""
    psi: float = 1.0
    base: float = 0.0
    """Dispersion and base rate as known when that block began."""
    steps: list[Counts] = field(default_factory=list)
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.pass_margin is not None and self.go is None:
            self.go = Wealth(FINE_PRIOR, first=FINE_FIRST, top=self.pass_top)
        if not self.steps:
            self.split_changed()

    def observe(self, counts: Counts, seconds: float, t: float, history: History) -> None:
        """One closed block. ``history`` was frozen before it began; ``counts`` have n1, n0 > 0."""
        bets = gains(counts, self.margin, WORSE, history.base)
        self.back.bet(bets, t, divisor=history.phi, cap=self.cap)
        if self.go is not None and self.pass_margin is not None:
            bets = gains(counts, self.pass_margin, FINE, history.base)
            self.go.bet(bets, t, divisor=history.phi, cap=self.cap)
        self._gather(counts, seconds, t, history)
        self.steps[-1] = Counts(*[a + b for a, b in zip(self.steps[-1], counts, strict=True)])

    def split_changed(self) -> None:
        """A new share of traffic: no block and no total may straddle it."""
        self.pending = [0.0] * 5
        if not self.steps or self.steps[-1].n1 + self.steps[-1].n0 > 0.0:
            self.steps = [*self.steps[1 - STEPS :], Counts(0.0, 0.0, 0.0, 0.0)]

    def against(self) -> float:
        """ln evidence for taking back: half on every look, half on long blocks (F7)."""
        return add_logs(self.back.log_value(), self.bursts.log_value()) - log(2.0)

    def for_(self) -> float:
        """ln evidence for going on."""
        return 0.0 if self.go is None else self.go.log_value()

    def refresh(self, phi: float) -> None:
        """Bring the confidence sequence up to date (it is dear, so not at every look)."""
        self.low, self.high = interval(self.steps, phi)

    def needed(self, history: History, target: float) -> float | None:
        """Requests on the new version until ln evidence for going on is ``target``, if all goes on as now.

        From the expected gain of every alternative (F15). None: not at the present rates, no figures.
        """
        now = self.steps[-1]
        if self.go is None or self.pass_margin is None or now.n1 <= 0.0 or now.n0 <= 0.0:
            return None
        if self.go.log_value() >= target:
            return 0.0
        p0 = history.events / history.requests if history.requests > 0.0 else now.x0 / now.n0
        p1 = (now.x1 + DOUBT * p0) / (now.n1 + DOUBT)
        old = now.n0 / now.n1
        rates = gains(Counts(1.0, p1, old, old * p0), self.pass_margin, FINE, history.base)
        logs = self.go.logs or [NOTHING] * len(rates)
        waits = [
            (target - have) * history.phi / rate for rate, have in zip(rates, logs, strict=True) if rate > 1e-12
        ]
        return min(waits, default=None)

    def dump(self) -> dict[str, Any]:
        return {
            "back": self.back.dump(),
            "bursts": self.bursts.dump(),
            "go": None if self.go is None else self.go.dump(),
            "pending": list(self.pending),
            "psi": self.psi,
            "base": self.base,
            "steps": [list(counts) for counts in self.steps],
            "low": self.low,
            "high": self.high,
        }

    def restore(self, data: dict[str, Any]) -> Self:
        self.back.restore(data["back"])
        self.bursts.restore(data["bursts"])
        if self.go is not None:
            self.go.restore(data["go"])
        self.pending, self.psi, self.base = list(data["pending"]), data["psi"], data["base"]
        self.steps = [Counts(*counts) for counts in data["steps"]]
        self.low, self.high = data["low"], data["high"]
        return self

    def _gather(self, counts: Counts, seconds: float, t: float, history: History) -> None:
        """Blocks of at least 16 s in which an event is to be expected (decided by exposure, not by events)."""
        if self.pending[4] == 0.0:
            self.psi, self.base = history.psi, history.base
        self.pending = [a + b for a, b in zip(self.pending, (*counts, seconds), strict=True)]
        n1, x1, n0, x0, lasted = self.pending
        if lasted < LONG or (n1 + n0) * self.base + n1 * self.margin.excess < 1.0:
            return
        bets = fraction_gains(Counts(n1, x1, n0, x0), self.margin)
        self.bursts.bet(bets, t, divisor=self.psi, cap=self.cap)
        self.pending = [0.0] * 5
