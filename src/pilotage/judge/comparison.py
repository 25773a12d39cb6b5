"""One comparison: one kind of event, its margins; the evidence against and for the new version."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from typing import Any, NamedTuple, Self

from pilotage.core.judging import Worse
from pilotage.judge.confidence import interval
from pilotage.judge.dispersion import LONG
from pilotage.judge.evidence import (
    ENOUGH,
    FEWER,
    FINE,
    FRACTIONS,
    WORSE,
    Counts,
    Margin,
    fewer_gains,
    fraction_gains,
    gains,
    poisson_gains,
)
from pilotage.judge.history import History
from pilotage.judge.wealth import LONG_SPREAD, Wealth, evenly, log_of


class Grid(NamedTuple):
    """Alternatives, as factors on a margin, and how a stake is split over them."""

    factors: tuple[float, ...]
    prior: tuple[float, ...]


WORSE_PRIOR = (0.09, 0.41, 0.43, 0.04, 0.03)
"""Twice to five times as many errors is what a rollback mostly has to find; more is found at once anyway."""
WORSE_FIRST = 0.80
SUDDEN_PRIOR = (0.05, 0.10, 0.25, 0.55, 0.05)
SUDDEN_FIRST = 0.10
"""Of the disaster rule: an outage comes at any time, and takes nearly everything."""
FINE_PRIOR = (0.05, 0.08, 0.12, 0.12, 0.13, 0.50)
"""Most new versions have hardly any errors: most of the stake is on "far better than the margin"."""
FINE_FIRST = 0.85
FEWER_PRIOR = (0.20, 0.25, 0.25, 0.15, 0.10, 0.05)
ENOUGH_PRIOR = (0.25, 0.30, 0.25, 0.15, 0.05)
COARSE = Grid((1.5, 3.0, 12.0), (0.45, 0.4, 0.15)), Grid((0.8, 0.5, 0.1), (0.3, 0.3, 0.4))
"""For latency, of which there are many measures and evidence by the dozen nats: three alternatives will do."""
LOOKS = 0.9
"""The part of the stake that is bet on every look; the rest on long blocks, for errors in bursts (F7)."""
STEPS = 12
"""Stretches with a constant split that the confidence sequence remembers."""
FORESEEN = 6
"""Times that a forecast is carried on before it is made anew: it is for people, and dear."""
DOUBT = 50.0
"""Requests' worth of belief that the new version is like the old one, when foretelling what is missing."""


@dataclass(slots=True)
class Comparison:
    """``margin`` is the line beyond which it is worse; ``pass_margin`` the one within which it may go on, and
    ``late_margin`` the wider one that will do at the horizon (F16); None: not asked.

    ``worse``: in which direction. ``bounded``: events are some of the requests; else only their rate is known.
    """

    name: str
    margin: Margin
    cap: float
    pass_margin: Margin | None = None
    late_margin: Margin | None = None
    blind_ratio: float = 0.0
    """The least ratio while nothing is known of the old version's single instances: how they wander on their
    own can not be seen then, and would be held against the new version."""
    pass_top: float = 5.0
    worse: Worse = Worse.MORE
    bounded: bool = True
    near: bool = False
    """Its confidence sequence tells a few per cent: somebody may choose by it."""
    coarse: bool = False
    """Few alternatives."""
    always: bool = False
    """The disaster rule: looks already while the new version is warming up."""
    after: float = 0.0
    """Seconds after the first traffic from which it looks."""
    against_grid: Grid = field(init=False)
    for_grid: Grid = field(init=False)
    back: Wealth = field(init=False)
    bursts: Wealth = field(default_factory=lambda: Wealth(evenly(len(FRACTIONS)), first=WORSE_FIRST))
    go: Wealth | None = None
    late: Wealth | None = None
    pending: list[float] = field(default_factory=lambda: [0.0] * 5)
    """The open block of the fraction bet: n1, x1, n0, x0, seconds."""
    psi: float = 1.0
    base: float = 0.0
    """Dispersion and base rate as known when that block began."""
    sighted: bool = False
    """Whether it is known how the old version's instances differ."""
    steps: list[Counts] = field(default_factory=list)
    low: float | None = None
    high: float | None = None
    forecast: tuple[float | None, float, int] | None = None
    """What ``needed`` found, the requests there were then, and how often it was asked since."""
    known: float | None = field(default=None, compare=False, repr=False)
    """What ``against`` found, until the next block; it is asked several times a look."""

    def __post_init__(self) -> None:
        if self.coarse:
            self.against_grid, self.for_grid = COARSE
        elif self.more:
            self.against_grid, self.for_grid = Grid(WORSE, WORSE_PRIOR), Grid(FINE, FINE_PRIOR)
        else:
            self.against_grid, self.for_grid = Grid(FEWER, FEWER_PRIOR), Grid(ENOUGH, ENOUGH_PRIOR)
        if self.always:
            self.back = Wealth(SUDDEN_PRIOR, first=SUDDEN_FIRST, spread=LONG_SPREAD)
        else:
            self.back = Wealth(self.against_grid.prior, first=WORSE_FIRST)
        self.go = self._wealth_of(self.pass_margin)
        self.late = self._wealth_of(self.late_margin)
        self.split_changed()

    @property
    def more(self) -> bool:
        return self.worse is Worse.MORE

    @property
    def line(self) -> Margin:
        """Beyond which it is worse, as things are known now."""
        if self.sighted or self.margin.ratio >= self.blind_ratio:
            return self.margin
        return Margin(self.blind_ratio, self.margin.excess)

    def observe(self, counts: Counts, seconds: float, t: float, history: History) -> None:
        """One closed block. ``history`` was frozen before it began; ``counts`` have n1, n0 > 0."""
        base = history.base if self.bounded else 0.0
        self.sighted = history.sides.ready()
        bets = gains(counts, self.line, self.against_grid.factors, base)
        self.back.bet(bets, t, divisor=history.phi, cap=self.cap)
        fine = self.for_grid.factors
        for wealth, margin in ((self.go, self.pass_margin), (self.late, self.late_margin)):
            if wealth is not None and margin is not None:
                wealth.bet(gains(counts, margin, fine, base), t, divisor=history.phi, cap=self.cap)
        self._gather(counts, seconds, t, history)
        n1, x1, n0, x0 = self.steps[-1]
        self.steps[-1] = Counts(n1 + counts.n1, x1 + counts.x1, n0 + counts.n0, x0 + counts.x0)

    def split_changed(self) -> None:
        """A new share of traffic: no block and no total may straddle it."""
        self.pending, self.forecast = [0.0] * 5, None
        if not self.steps or self.steps[-1].n1 + self.steps[-1].n0 > 0.0:
            self.steps = [*self.steps[1 - STEPS :], Counts(0.0, 0.0, 0.0, 0.0)]

    def renew(self, top: float) -> None:
        """Gives some evidence for going on away, so that each step adds evidence of its own."""
        for wealth in (self.go, self.late):
            if wealth is not None:
                wealth.shrink(top)

    def against(self) -> float:
        """ln evidence for taking back, from every look and from long blocks (F7)."""
        if self.known is None or self.back.value is None or self.bursts.value is None:
            self.known = log(LOOKS * self.back.worth() + (1.0 - LOOKS) * self.bursts.worth())
        return self.known

    def for_(self) -> float:
        """ln evidence for going on."""
        return 0.0 if self.go is None else self.go.log_value()

    def for_late(self) -> float:
        """ln evidence that it is within the wider margin of the horizon."""
        return 0.0 if self.late is None else self.late.log_value()

    def refresh(self, phi: float) -> None:
        """Bring the confidence sequence up to date (it is dear, so not at every look)."""
        self.low, self.high = interval(self.steps, phi, (self.low, self.high), near=self.near)

    def needed(self, history: History, target: float) -> float | None:
        """Requests on the new version until ln evidence for going on is ``target``, if all goes on as now.

        From the expected gain of every alternative (F15). None: not at the present rates, no figures.
        """
        now = self.steps[-1]
        if self.go is None or self.pass_margin is None or now.n1 <= 0.0 or now.n0 <= 0.0:
            return None
        if self.go.log_value() >= target:
            return 0.0
        if self.forecast is None or self.forecast[2] >= FORESEEN:
            self.forecast = self._foresee(now, history, target), now.n1, 0
        found, then, asked = self.forecast
        self.forecast = found, then, asked + 1
        return None if found is None else max(1.0, found - (now.n1 - then))

    def _foresee(self, now: Counts, history: History, target: float) -> float | None:
        if self.go is None or self.pass_margin is None:
            return None
        p0 = history.events / history.requests if history.requests > 0.0 else now.x0 / now.n0
        p1 = (now.x1 + DOUBT * p0) / (now.n1 + DOUBT)
        old = now.n0 / now.n1
        expected = Counts(1.0, p1, old, old * p0)
        fine = self.for_grid.factors
        rates = (
            gains(expected, self.pass_margin, fine, history.base)
            if self.bounded
            else poisson_gains(expected, self.pass_margin, fine)
        )
        logs = [log_of(part) for part in self.go.parts] or [log_of(0.0)] * len(rates)
        waits = [
            (target - have) * history.phi / rate for rate, have in zip(rates, logs, strict=True) if rate > 1e-12
        ]
        return min(waits, default=None)

    def dump(self) -> dict[str, Any]:
        return {
            "back": self.back.dump(),
            "bursts": self.bursts.dump(),
            "go": None if self.go is None else self.go.dump(),
            "late": None if self.late is None else self.late.dump(),
            "pending": list(self.pending),
            "psi": self.psi,
            "base": self.base,
            "sighted": self.sighted,
            "forecast": None if self.forecast is None else list(self.forecast),
            "steps": [list(counts) for counts in self.steps],
            "low": self.low,
            "high": self.high,
        }

    def restore(self, data: dict[str, Any]) -> Self:
        for name in ("back", "bursts", "go", "late"):
            wealth = getattr(self, name)
            if wealth is not None:
                wealth.restore(data[name])
        self.known = None
        self.pending, self.psi, self.base = list(data["pending"]), data["psi"], data["base"]
        self.steps = [Counts(*counts) for counts in data["steps"]]
        self.low, self.high, self.sighted = data["low"], data["high"], data["sighted"]
        found = data["forecast"]
        self.forecast = None if found is None else (found[0], found[1], found[2])
        return self

    def _wealth_of(self, margin: Margin | None) -> Wealth | None:
        if margin is None:
            return None
        return Wealth(self.for_grid.prior, first=FINE_FIRST, top=self.pass_top)

    def _gather(self, counts: Counts, seconds: float, t: float, history: History) -> None:
        """Blocks of at least 16 s in which an event is to be expected (decided by exposure, not by events)."""
        if self.pending[4] == 0.0:
            self.psi, self.base = history.psi, history.base
        n1, x1, n0, x0, lasted = self.pending
        self.pending = [n1 + counts.n1, x1 + counts.x1, n0 + counts.n0, x0 + counts.x0, lasted + seconds]
        n1, x1, n0, x0, lasted = self.pending
        if lasted < LONG or (n1 + n0) * self.base + n1 * self.margin.excess < 1.0:
            return
        block = Counts(n1, x1, n0, x0)
        bets = fraction_gains(block, self.line) if self.more else fewer_gains(block, self.line)
        self.bursts.bet(bets, t, divisor=self.psi, cap=self.cap)
        self.pending = [0.0] * 5
