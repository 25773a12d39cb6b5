"""Dispersion: how much more the old version's own events vary than independent events would.

Errors come in bursts (retries, a dead connection pool). Evidence from bursts is worth less than it looks: a
burst of 20 errors is one fact, not twenty. The old version compared with itself shows by how much (F6).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import ceil, log, log2, sqrt
from typing import Any, Self

from pilotage.judge.evidence import FREQUENT

ENOUGH = 8
"""Comparisons that a block length needs before it counts; of one series, which tells less, twice as many."""
LONGEST = 64.0
"""Seconds of the longest blocks compared."""
LONG = 16.0
"""Seconds of the blocks of the fraction bet: dispersion beyond this length concerns it."""
JUMP = 2.0
"""ln likelihood ratio from which the new version bears a jump out (chance without one: 1 in 7 at most)."""
CHANCE = 2.0
"""Standard deviations of dispersion that are taken for chance; twice as many are believed."""
OFTEN = 8
"""Looks after which the dispersion is worked out anew."""
HALF_LIFE = 1800.0
"""Seconds after which a comparison counts half: trouble of long ago does not blunt the judge for ever."""

Half = list[float]
"""[events, requests, the same of the new version]; or of two sets of instances: [x_a, n_a, x_b, n_b]."""


@dataclass(slots=True)
class Dispersion:
    """For blocks of 1, 2, 4 … looks: Σ e² and Σ v, where e = x_a - pi_a x and v is what e² would be on average.

    a and b are two halves of the old version's instances at the same time (``sides``), or, if only one series
    is known, two successive blocks. The latter takes any change of the base rate for dispersion: conservative.
    Only a jump that the new version shows as well, at the same time, is left out: it is shared, and harmless.
    """

    interval: float
    sides: bool = False
    bounded: bool = True
    """Whether events are some of the requests: then frequent ones vary less than rare ones."""
    slow: bool = False
    """Whether variation slower than 16 s counts, though both versions may share it."""
    squares: list[float] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    waiting: list[Half | None] = field(default_factory=list)
    looks: int = 0
    keeps: list[float] = field(default_factory=list, compare=False, repr=False)
    """What is left of a level's memory after one of its comparisons."""
    found: tuple[float, float] | None = field(default=None, compare=False, repr=False)
    """What ``spread`` found, until ``OFTEN`` more looks: it changes slowly."""

    def __post_init__(self) -> None:
        levels = self.levels
        self.squares, self.expected, self.numbers = [0.0] * levels, [0.0] * levels, [0.0] * levels
        self.waiting = [None] * levels
        self.keeps = [0.5 ** (self.interval * 2.0 ** (level + 1) / HALF_LIFE) for level in range(levels)]

    @property
    def levels(self) -> int:
        return max(1, ceil(log2(LONGEST / self.interval)) + 1)

    @property
    def long_level(self) -> int:
        return max(0, ceil(log2(LONG / self.interval)))

    def add(self, block: Half) -> None:
        """One look's events and requests."""
        self.looks += 1
        if self.looks % OFTEN == 0:
            self.found = None
        for level in range(len(self.waiting)):
            if self.sides:
                self._compare(level, block[0], block[1], block[2], block[3])
            first = self.waiting[level]
            if first is None:
                self.waiting[level] = block
                return
            self.waiting[level] = None
            if not self.sides and not _shared_jump(first, block):
                self._compare(level, first[0], first[1], block[0], block[1])
            block = [a + b for a, b in zip(first, block, strict=True)]

    def interrupt(self) -> None:
        """A gap: what comes next does not follow what came last."""
        self.waiting = [None] * len(self.waiting)

    def ready(self) -> bool:
        return self.numbers[0] >= ENOUGH

    def spread(self) -> tuple[float, float]:
        """(phi, psi): divisors for bets on every look, and on blocks of 16 s and more. Both >= 1.

        In one series what is slower than 16 s is mostly change that both versions share: only psi heeds it.
        """
        if self.found is None:
            self.found = self._spread()
        return self.found

    def _spread(self) -> tuple[float, float]:
        phi, shrunk = 1.0, [1.0] * len(self.numbers)
        long = min(self.long_level, len(shrunk) - 1)
        enough = ENOUGH if self.sides or self.slow else 2 * ENOUGH
        for level, n in enumerate(self.numbers):
            if n < enough or self.expected[level] <= 0.0:
                continue
            raw = self.squares[level] / self.expected[level]
            shrunk[level] = _beyond_chance(raw, n)
            if self.sides or self.slow or level <= long:
                phi = max(phi, 1.0 + (shrunk[level] - 1.0) * (1.0 + sqrt(2.0 / n)))
        return phi, max(1.0, max(shrunk[long:]) / shrunk[long])

    def dump(self) -> dict[str, Any]:
        data = asdict(self)
        for name in ("interval", "sides", "bounded", "slow", "keeps"):
            del data[name]
        data["found"] = None if self.found is None else list(self.found)
        return data

    def restore(self, data: dict[str, Any]) -> Self:
        self.squares, self.expected = list(data["squares"]), list(data["expected"])
        self.numbers = list(data["numbers"])
        self.waiting = [None if half is None else list(half) for half in data["waiting"]]
        self.looks = data["looks"]
        self.found = None if data["found"] is None else (data["found"][0], data["found"][1])
        return self

    def _compare(self, level: int, x_a: float, n_a: float, x_b: float, n_b: float) -> None:
        events, requests = x_a + x_b, n_a + n_b
        if n_a <= 0.0 or n_b <= 0.0:
            return
        keep = self.keeps[level]
        share = n_a / requests
        error = x_a - share * events
        rate = events / requests
        expected = share * (1.0 - share) * events * (1.0 - rate if self.bounded and rate > FREQUENT else 1.0)
        self.squares[level] = self.squares[level] * keep + error * error
        self.expected[level] = self.expected[level] * keep + expected
        self.numbers[level] = self.numbers[level] * keep + 1.0


def _beyond_chance(raw: float, n: float) -> float:
    """The dispersion, as far as ``n`` comparisons show it: independent events give 1 ± √(2/n).

    Up to two standard deviations are chance, four are believed in full. To take chance for bursts
    would make every judgement a third slower; to miss bursts so small that they do not show costs little.
    """
    belief = ((raw - 1.0) / sqrt(2.0 / n) - CHANCE) / CHANCE
    return 1.0 + max(0.0, raw - 1.0) * min(1.0, max(0.0, belief))


def _shared_jump(first: Half, second: Half) -> bool:
    """Whether the new version's events are split between two blocks as the old one's are, not as requests are.

    Judged by the likelihood ratio of the two splits, so without a shared cause it is so once in seven at most.
    """
    (x0_a, _, x1_a, n1_a), (x0_b, _, x1_b, n1_b) = first, second
    if x1_a + x1_b <= 0.0 or n1_a <= 0.0 or n1_b <= 0.0:
        return False
    shared = (x0_a + 0.5) / (x0_a + x0_b + 1.0)
    own = n1_a / (n1_a + n1_b)
    return x1_a * log(shared / own) + x1_b * log((1.0 - shared) / (1.0 - own)) > JUMP
