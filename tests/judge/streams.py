"""Simulated telemetry: two versions behind a split, second by second, as cumulative counters.

A ``Scene`` says what is true (rates as functions of time, bursts, latency, losses); ``play`` feeds a judge.
Everything comes from one seeded ``random.Random``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import exp, log, sqrt
from random import Random

from pilotage.core.judging import Arm, Outcome, Snapshot, Verdict
from pilotage.judge import Judge

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Prometheus' default latency bounds, in seconds."""
RAMP = ((0.0, 0.01), (120.0, 0.05), (240.0, 0.10), (420.0, 0.25), (600.0, 0.5))
"""(from second, share of the new version)."""


def steady(value: float) -> Callable[[float], float]:
    return lambda t: value


def poisson(rng: Random, mean: float) -> int:
    """Knuth's product for small means, a rounded normal above."""
    if mean <= 0.0:
        return 0
    if mean > 60.0:
        return max(0, round(rng.gauss(mean, sqrt(mean))))
    limit, k, product = exp(-mean), 0, rng.random()
    while product > limit:
        k += 1
        product *= rng.random()
    return k


def lognormal_cdf(x: float, median: float, sigma: float) -> float:
    from math import erf

    return 0.5 * (1.0 + erf(log(x / median) / (sigma * sqrt(2.0))))


@dataclass
class Scene:
    """What is true. Rates are fractions of requests; ``burst`` is the mean size of an error burst."""

    rps: Callable[[float], float] = field(default_factory=lambda: steady(100.0))
    old: Callable[[float], float] = field(default_factory=lambda: steady(0.005))
    new: Callable[[float], float] = field(default_factory=lambda: steady(0.005))
    burst: float = 1.0
    median_old: Callable[[float], float] | None = None
    """Median latency in seconds (log-normal, sigma 0.6); None: no latency telemetry."""
    median_new: Callable[[float], float] | None = None
    slow_new: float = 0.0
    """Fraction of the new version's answers that take half a second more."""
    ramp: tuple[tuple[float, float], ...] = RAMP
    before: float = 300.0
    """Seconds of the old version alone."""
    lost: float = 0.0
    """Fraction of looks lost."""
    resets: float = 0.0
    """Chance per second and arm that its counters restart."""

    def weight(self, t: float) -> float:
        return max([share for since, share in self.ramp if t > since], default=0.0)


class Counter:
    """One arm's cumulative counters."""

    def __init__(self, scene: Scene, rng: Random) -> None:
        self.scene, self.rng = scene, rng
        self.waiting: list[int] = []
        self.restart()

    def restart(self) -> None:
        self.requests = self.errors = 0
        self.buckets = [0] * (len(BOUNDS) + 1)

    def second(self, rate: float, errors: float, median: float | None, slow: float) -> None:
        if self.rng.random() < self.scene.resets:
            self.restart()
        n = poisson(self.rng, rate)
        self.requests += n
        self.errors += min(n, self._errors(n * errors))
        if median is not None:
            self._answers(n, median, slow)

    def arm(self, latency: bool) -> Arm:
        buckets = tuple(float(value) for value in self.buckets) if latency else None
        return Arm(requests=self.requests, errors=self.errors, latency_bucket=buckets)

    def _errors(self, mean: float) -> int:
        """Single errors, or geometric bursts, half of whose errors come one second later."""
        if self.scene.burst <= 1.0:
            return poisson(self.rng, mean)
        found = self.waiting.pop() if self.waiting else 0
        late = 0
        for _ in range(poisson(self.rng, mean / self.scene.burst)):
            size = 1 + int(log(1.0 - self.rng.random()) / log(1.0 - 1.0 / self.scene.burst))
            found += size - size // 2
            late += size // 2
        if late:
            self.waiting.append(late)
        return found

    def _answers(self, n: int, median: float, slow: float) -> None:
        left, below = n, 0.0
        total = 0
        for i, bound in enumerate(BOUNDS):
            up_to = (1.0 - slow) * lognormal_cdf(bound, median, 0.6)
            up_to += slow * lognormal_cdf(max(bound - 0.5, 1e-9), median, 0.6)
            part = (up_to - below) / max(1.0 - below, 1e-12)
            hits = self._binomial(left, min(1.0, max(0.0, part)))
            left, total, below = left - hits, total + hits, up_to
            self.buckets[i] += total
        self.buckets[-1] += n

    def _binomial(self, n: int, p: float) -> int:
        if n == 0 or p <= 0.0:
            return 0
        if p >= 1.0:
            return n
        if n * p * (1.0 - p) > 20.0:
            return min(n, max(0, round(self.rng.gauss(n * p, sqrt(n * p * (1.0 - p))))))
        if p < 0.1:
            return min(n, poisson(self.rng, -n * log(1.0 - p)))
        return sum([self.rng.random() < p for _ in range(n)])


def stream(scene: Scene, seed: int, until: float) -> Iterator[Snapshot]:
    """A snapshot a second from ``-scene.before`` to ``until``."""
    rng = Random(seed)
    new, old = Counter(scene, rng), Counter(scene, rng)
    latency = scene.median_old is not None
    for second in range(int(-scene.before), int(until) + 1):
        t, weight, rps = float(second), scene.weight(second), scene.rps(second)
        median = scene.median_old(t) if scene.median_old else None
        old.second(rps * (1.0 - weight), scene.old(t), median, 0.0)
        if weight > 0.0:
            median = scene.median_new(t) if scene.median_new else median
            new.second(rps * weight, scene.new(t), median, scene.slow_new)
        if rng.random() >= scene.lost:
            canary = new.arm(latency) if weight > 0.0 else None
            yield Snapshot(t=t, weight=weight, control=old.arm(latency), canary=canary)


@dataclass
class Played:
    """How it ended: when it was taken back, when each outcome first came, the last verdict."""

    failed: float | None
    passes: list[float]
    last: Verdict


def play(judge: Judge, snapshots: Iterator[Snapshot]) -> Played:
    passes: list[float] = []
    verdict = Verdict(outcome=Outcome.UNDECIDED)
    for snapshot in snapshots:
        verdict = judge.feed(snapshot)
        if verdict.outcome is Outcome.FAIL:
            return Played(snapshot.t, passes, verdict)
        if verdict.outcome is Outcome.PASS:
            passes.append(snapshot.t)
    return Played(None, passes, verdict)
