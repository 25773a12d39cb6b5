"""Levels and means: CPU, memory, seconds for each request; compared in blocks of ten seconds (F10).

One-second samples of a gauge follow each other closely, and tests that take them for independent fail most
healthy versions. Blocks of ten seconds, and a discount learnt from the old version, do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, inf, log, log1p, sqrt
from typing import Any, Self

from pilotage.core.judging import Worse

BLOCK = 10.0
"""Seconds."""
SCALES = (0.25, 1.0, 4.0)
"""Squares of the prior's width, in standard deviations of a block's difference; their average is used."""
LEAST = 6
"""Blocks before anything is said."""
STARTS = (0, 6, 12, 24, 48, 96, 192, 384, 768)
"""Blocks at which a bet begins: late trouble is not outvoted by an hour in which all was well."""
FIRST = 0.55
LEVELS = 5
"""Of the dispersion: blocks of 10, 20, 40, 80, 160 s."""
LEVEL_CONFIDENCE = log(2.0 / 0.05)


@dataclass(slots=True)
class Moments:
    """Welford's running mean and sum of squares."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        self.n += 1
        step = value - self.mean
        self.mean += step / self.n
        self.squares += step * (value - self.mean)

    def variance(self) -> float:
        return self.squares / (self.n - 1) if self.n > 1 else 0.0

    def evidence(self, line: float) -> float:
        """ln of an e-value against "the mean is at most ``line``": a t-test's Bayes factor, averaged over three
        prior widths (Jeffreys; Gönen et al. 2005; anytime-valid by its invariance: Lai 1976)."""
        n, distance = self.n, self.mean - line
        if n < LEAST or distance <= 0.0:
            return 0.0
        t2 = distance * distance * n * (n - 1) / max(self.squares, 1e-12 * distance * distance)
        logs = []
        for scale in SCALES:
            wide = 1.0 + n * scale
            logs.append(-0.5 * log(wide) + 0.5 * n * (log1p(t2 / (n - 1)) - log1p(t2 / ((n - 1) * wide))))
        top = max(logs)
        return max(0.0, top + log(sum([exp(one - top) for one in logs]) / len(logs)))


@dataclass(slots=True)
class Persistence:
    """How much more the mean of many blocks varies than independent blocks would."""

    moments: list[Moments] = field(default_factory=lambda: [Moments() for _ in range(LEVELS)])
    waiting: list[float | None] = field(default_factory=lambda: [None] * LEVELS)
    steps: Moments = field(default_factory=Moments)
    """Of the differences between a block and the next."""
    last: float | None = None

    def add(self, value: float) -> None:
        if self.last is not None:
            self.steps.add(value - self.last)
        self.last = value
        for level in range(LEVELS):
            self.moments[level].add(value)
            first = self.waiting[level]
            if first is None:
                self.waiting[level] = value
                return
            self.waiting[level] = None
            value = 0.5 * (first + value)

    def interrupt(self) -> None:
        self.waiting, self.last = [None] * LEVELS, None

    def phi(self) -> float:
        """Seen in longer blocks, or foretold by how much each block is like the one before."""
        base = self.moments[0].variance()
        if base <= 0.0:
            return 1.0
        alike = self._alike(base)
        found = (1.0 + alike) / (1.0 - alike)
        for level, one in enumerate(self.moments):
            if one.n >= 4:
                raw = 2.0**level * one.variance() / base
                found = max(found, (raw * one.n + 4.0) / (one.n + 4.0))
        return found

    def _alike(self, base: float) -> float:
        """The correlation of neighbours, by von Neumann's ratio, its bias in short series made up for (Kendall
        1954); 0 … 0.97."""
        if self.steps.n < LEAST:
            return 0.0
        alike = 1.0 - (self.steps.squares / self.steps.n + self.steps.mean**2) / (2.0 * base)
        return min(0.97, max(0.0, alike + (1.0 + 4.0 * alike) / self.steps.n))


@dataclass(slots=True)
class Level:
    """The ln ratio of both versions' means over each block, against the line of ``ratio``.

    Gauges: the mean of the looks. Means: one counter's increase over another's. ``pass_ratio``: must be shown
    to be within it before the new version may go on. Asymptotic only: see docs/judge.md.
    """

    name: str
    ratio: float
    pass_ratio: float | None = None
    worse: Worse = Worse.MORE
    after: float = 0.0
    seconds: float = 0.0
    sums: list[float] = field(default_factory=lambda: [0.0] * 8)
    """Of the open block: sum and count of the new version, the old one, and its two halves."""
    starts: list[Moments] = field(default_factory=list)
    blocks: int = 0
    apart: Persistence = field(default_factory=Persistence)
    """Of the old version's halves against each other …"""
    between: Persistence = field(default_factory=Persistence)
    """… and, where there are none, of the differences themselves."""
    moment: Moments = field(default_factory=Moments)
    """Since the share last changed, for the figures."""
    old: float | None = None
    new: float | None = None
    evidence: tuple[float, float] = (0.0, 0.0)
    """ln, against and for; as of the last block, as is …"""
    interval: tuple[float | None, float | None] = (None, None)

    @property
    def more(self) -> bool:
        return self.worse is Worse.MORE

    def look(self, seconds: float, parts: tuple[float, ...], t: float) -> bool:
        """``parts``: sum and count of (new, old, half, half) since the last look; zeros where unknown."""
        self.seconds += seconds
        self.sums = [a + b for a, b in zip(self.sums, parts, strict=True)]
        if self.seconds < BLOCK:
            return False
        sums, self.sums, self.seconds = self.sums, [0.0] * 8, 0.0
        means = [_mean(sums[i], sums[i + 1]) for i in range(0, 8, 2)]
        new, old, half, other = means
        if half is not None and other is not None:
            self.apart.add(log(half / other))
        if new is None or old is None or t < self.after:
            return False
        self._block(log(new / old))
        self.new, self.old = new, old
        self.evidence = self._against(), self._for()
        self.interval = self._interval()
        return True

    def interrupt(self) -> None:
        """A gap, a restart, another share: what was open is given up."""
        self.sums, self.seconds = [0.0] * 8, 0.0
        self.apart.interrupt()
        self.between.interrupt()

    def split_changed(self) -> None:
        self.interrupt()
        self.moment = Moments()

    def phi(self) -> float:
        known = self.apart if self.apart.moments[0].n >= 2 * LEAST else self.between
        return known.phi()

    def against(self) -> float:
        """ln evidence that it is beyond ``ratio``."""
        return self.evidence[0]

    def for_(self) -> float:
        """ln evidence that it is within ``pass_ratio``."""
        return self.evidence[1]

    def _against(self) -> float:
        return self._mixture(log(self.ratio), 1.0 if self.more else -1.0)

    def _for(self) -> float:
        if self.pass_ratio is None:
            return 0.0
        return self._mixture(-log(self.pass_ratio), -1.0 if self.more else 1.0)

    def _interval(self) -> tuple[float | None, float | None]:
        """Ratios new/old that neither one-sided mixture of this share's blocks rejects at 2/0.05."""
        one = self.moment
        if one.n < LEAST:
            return None, None
        phi = self.phi()
        width = _width(one, LEVEL_CONFIDENCE * phi)
        return (None, None) if width == inf else (exp(one.mean - width), exp(one.mean + width))

    def dump(self) -> dict[str, Any]:
        return {
            "seconds": self.seconds,
            "sums": list(self.sums),
            "starts": [_dumped(one) for one in self.starts],
            "blocks": self.blocks,
            "apart": _kept(self.apart),
            "between": _kept(self.between),
            "moment": _dumped(self.moment),
            "old": self.old,
            "new": self.new,
            "evidence": list(self.evidence),
            "interval": list(self.interval),
        }

    def restore(self, data: dict[str, Any]) -> Self:
        self.seconds, self.sums, self.blocks = data["seconds"], list(data["sums"]), data["blocks"]
        self.starts = [Moments(*one) for one in data["starts"]]
        self.apart, self.between = _restored(data["apart"]), _restored(data["between"])
        self.moment = Moments(*data["moment"])
        self.old, self.new = data["old"], data["new"]
        against, for_ = data["evidence"]
        self.evidence = against, for_
        low, high = data["interval"]
        self.interval = low, high
        return self

    def _block(self, difference: float) -> None:
        if self.blocks in STARTS:
            self.starts.append(Moments())
        self.blocks += 1
        for one in self.starts:
            one.add(difference)
        self.moment.add(difference)
        self.between.add(difference)

    def _mixture(self, line: float, sign: float) -> float:
        """Over the starts; what has not begun is cash."""
        phi, total, left, stake = self.phi(), 0.0, 1.0, FIRST
        for one in self.starts:
            signed = Moments(one.n, sign * one.mean, one.squares)
            total += stake * exp(min(60.0, signed.evidence(line) / phi))
            left -= stake
            stake = 0.5 * left
        return log(total + left)


def _mean(total: float, count: float) -> float | None:
    return total / count if count > 0.0 and total > 0.0 else None


def _width(one: Moments, target: float) -> float:
    """Half the width of the interval around the mean, by halving; infinite when nothing is rejected."""
    low, high = 0.0, 64.0 * sqrt(max(one.variance(), 1e-12))
    if Moments(one.n, high, one.squares).evidence(0.0) < target:
        return inf
    for _ in range(30):
        middle = 0.5 * (low + high)
        if Moments(one.n, middle, one.squares).evidence(0.0) < target:
            low = middle
        else:
            high = middle
    return high


def _dumped(one: Moments) -> list[float]:
    return [one.n, one.mean, one.squares]


def _kept(one: Persistence) -> dict[str, Any]:
    return {
        "moments": [_dumped(moments) for moments in one.moments],
        "waiting": list(one.waiting),
        "steps": _dumped(one.steps),
        "last": one.last,
    }


def _restored(data: dict[str, Any]) -> Persistence:
    moments = [Moments(*one) for one in data["moments"]]
    return Persistence(moments, list(data["waiting"]), Moments(*data["steps"]), data["last"])
