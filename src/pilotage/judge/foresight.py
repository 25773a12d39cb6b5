"""The judge on expected counts: what its bets would come to if every block held exactly what is to be expected.

It is the judge's own bench and the judge's own wealth, so its weights, priors, margins and caps are the real
ones; only chance is left out. The mean path of evidence crosses its threshold where the real evidence crosses
it in the middle; docs/judge-planning.md has the measurement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from math import ceil, exp, log, sqrt
from typing import Any, NamedTuple, Self

from pilotage.core.judging import Arm, JudgeSettings, Snapshot
from pilotage.core.traffic import Traffic
from pilotage.judge.bench import Bench
from pilotage.judge.channel import ALONE, LONGEST_BLOCK
from pilotage.judge.comparison import Comparison
from pilotage.judge.evidence import DISASTER, Counts, Margin, gains, limit_gains
from pilotage.judge.guard import ABOVE, BELOW
from pilotage.judge.level import Level
from pilotage.judge.wealth import EVERY, Wealth

LONGEST = 90 * 86_400.0
"""Seconds after which "not yet" is "never"."""
GRAIN = 16.0
"""A step in time is this part of the time so far, and a block at least."""
CLEAN = 1.2
"""The dispersion that the judge finds in independent errors, out of caution. What it costs is about what the
luckier half of the rollouts gains: both are left out."""
MANY = 60.0
"""Events in a block from which their chance does not matter for the cap."""


class Stage(NamedTuple):
    """One judged step of a plan: its number, the new version's share (0 … 1), its times in seconds."""

    number: int
    share: float
    at_least: float = 0.0
    at_most: float | None = None


class Truth(NamedTuple):
    """What is true of the new version: its errors, how many times as slow its answers are, and how many times
    as often a declared count happens, if another number than on the old version."""

    errors: float
    slower: float = 1.0
    measure: str = ""
    times: float = 1.0


class End(NamedTuple):
    """How a stage ended, ``seconds`` after it began: taken back, gone on, or neither in time (None, None)."""

    back: float | None = None
    go: float | None = None


@dataclass(slots=True)
class Path:
    """One rollout on expected counts. ``t`` is in seconds since the new version first got traffic."""

    settings: JudgeSettings
    traffic: Traffic
    t: float = 0.0
    bench: Bench = field(init=False)
    divisor: float = field(init=False)
    """By how much bursts of errors blunt the evidence."""

    def __post_init__(self) -> None:
        self.bench = Bench(self.settings)
        self.divisor = max(1.0, self.traffic.bursts / CLEAN)
        self._open_latency()
        self._coarsen()

    def stage(self, stage: Stage, truth: Truth, limit: float = LONGEST) -> End:
        """Walk through one stage, ``limit`` seconds at most."""
        self.bench.split_changed(self.t, stage.share)
        began, requests, threshold = self.t, 0.0, log(1.0 / self.settings.false_rollback)
        block = self._block(stage.share)
        bets = self._bets(stage.share, truth, block)
        against, for_ = self.bench.against(), self._for(stage.share)
        for dt, warming in self._steps(limit, block, stage):
            for bet in bets:
                bet.place(self.t + dt, dt / block, warming=warming)
            self.t += dt
            requests += 0.0 if warming else stage.share * self.traffic.requests * dt
            before, against = against, self.bench.against()
            if against >= threshold:
                return End(back=self.t - began - dt * _beyond(before, against, threshold))
            before, for_ = for_, self._for(stage.share)
            if not warming and requests >= self.settings.minimum_requests and for_ >= self.bench.target:
                found = self.t - began - dt * _beyond(before, for_, self.bench.target)
                if self.t - began >= stage.at_least - 1e-9 and self.bench.suspect() is None:
                    return End(go=max(found, stage.at_least))
        return End()

    def saved(self) -> dict[str, Any]:
        return {"t": self.t, "bench": self.bench.dump()}

    @classmethod
    def resumed(cls, settings: JudgeSettings, traffic: Traffic, saved: dict[str, Any]) -> Self:
        """A path as it was when saved."""
        found = cls(settings, traffic, saved["t"])
        found.bench = Bench(settings).restore(saved["bench"])
        found._coarsen()
        return found

    def _coarsen(self) -> None:
        for weighed in self.bench.weighed:
            one = weighed.one
            if isinstance(one, Level):
                continue
            one.back, one.go = _coarse(one.back), None if one.go is None else _coarse(one.go)
        guard = self.bench.guard
        guard.back, guard.go = _coarse(guard.back), _coarse(guard.go)

    def _for(self, share: float) -> float:
        """ln evidence for going on, of what has least."""
        if share >= 1.0:
            return self.bench.guard.go.log_value()
        if self.settings.latency and self.traffic.slow and not self.bench.edges:
            return 0.0
        unforeseen = {one.name for one in self.bench.extras} - self.traffic.measures.keys()
        return min([gate.one.for_() for gate in self.bench.gates if gate.name not in unforeseen])

    def _steps(self, limit: float, block: float, stage: Stage) -> Iterator[tuple[float, bool]]:
        """(seconds, whether the new version is warming up): short at first, then longer and longer."""
        warm, spent = self.settings.warm_up.total_seconds(), 0.0
        while spent < limit - 1e-9:
            warming = self.t < warm - 1e-9
            ends = [end for end in (limit - spent, warm - self.t, stage.at_least - spent) if end > 1e-9]
            begun = spent if warming else min(spent, self.t - warm)
            step = min(max(block, block * int(begun / GRAIN / block)), *ends)
            yield step, warming
            spent += step

    def _block(self, share: float) -> float:
        """Seconds that a block lasts (F3)."""
        interval, rps = self.bench.interval, self.traffic.requests
        if share >= 1.0:
            return interval
        needed = max(1.0 / (share * rps), ALONE / ((1.0 - share) * rps), interval)
        return min(max(LONGEST_BLOCK, interval), ceil(needed / interval - 1e-9) * interval)

    def _bets(self, share: float, truth: Truth, block: float) -> list[Bet]:
        n = self.traffic.requests * block
        if share >= 1.0:
            return self._guard_bets(n, truth)
        n1, n0 = n * share, n * (1.0 - share)
        found: list[Bet] = []
        healthy = truth == Truth(self.traffic.errors)
        for one, old, new in self._rates(truth):
            counts = Counts(n1, n1 * new, n0, n0 * old)
            back = self._bet(one, one.back, one.line, one.against_grid.factors, counts, old)
            # What gains nothing only costs time to follow; a good version's losses are what a late onset finds.
            found += [back] if healthy or max(back.gains) > 0.0 else []
            if one.go is not None and one.pass_margin is not None:
                fine = one.for_grid.factors
                found.append(self._bet(one, one.go, one.pass_margin, fine, counts, old))
        return found

    def _bet(
        self,
        one: Comparison,
        wealth: Wealth,
        margin: Margin,
        factors: Sequence[float],
        counts: Counts,
        base: float,
    ) -> Bet:
        n1, x1, n0, x0 = counts
        none = gains(Counts(n1, 0.0, n0, x0), margin, factors, base)
        single = gains(Counts(n1, 1.0, n0, x0), margin, factors, base)
        expected = _capped(none, single, x1, one.cap, self.divisor)
        return Bet(wealth, expected, one.cap, cold=expected if one.always else None)

    def _guard_bets(self, n: float, truth: Truth) -> list[Bet]:
        guard = self.bench.guard

        def expected(limit: float, factors: Sequence[float]) -> list[float]:
            none, single = limit_gains(n, 0.0, limit, factors), limit_gains(n, 1.0, limit, factors)
            return _capped(none, single, n * truth.errors, guard.cap, self.divisor)

        cold = expected(min(0.9, DISASTER.ratio * guard.limit + DISASTER.excess), ABOVE)
        back = Bet(guard.back, expected(guard.limit, ABOVE), guard.cap, cold=cold)
        return [back, Bet(guard.go, expected(guard.limit, BELOW), guard.cap)]

    def _rates(self, truth: Truth) -> Iterator[tuple[Comparison, float, float]]:
        """(comparison, the old version's rate, the new one's)."""
        for subject in self.bench.errors.subjects:
            for one in subject.comparisons:
                yield one, self.traffic.errors, truth.errors
        slow, bounds = self.traffic.slow, self.traffic.bounds
        for edge, subject in zip(self.bench.edges, self.bench.latency.subjects, strict=True):
            old, new = slow[edge.old], slower_than(slow, bounds, edge.new, truth.slower)
            for one in subject.comparisons:
                yield one, old, new
        for name, counted in self._declared():
            base = self.traffic.measures[name]
            yield counted, base, min(1.0, base * (truth.times if truth.measure == name else 1.0))

    def _declared(self) -> Iterator[tuple[str, Comparison]]:
        """Declared counts whose base rate is known."""
        for extra in self.bench.extras:
            if isinstance(extra.one, Comparison) and extra.name in self.traffic.measures:
                yield extra.name, extra.one

    def _open_latency(self) -> None:
        """Let the bench choose its bounds, as it would from a long history."""
        slow = self.traffic.slow
        if not self.settings.latency or len(slow) < 2:
            return
        for t, answers in ((-2.0, 0.0), (-1.0, 1e6)):
            seen = tuple([answers * (1.0 - one) for one in slow] + [answers])
            arm = Arm(requests=answers, errors=0.0, latency_bucket=seen)
            look = Snapshot(t=t, weight=0.0, control=arm, canary=None)
            self.bench.learn_latency(t, seen, look, warming=True)


@dataclass(slots=True)
class Coarse(Wealth):
    """The same wealth in long steps: the stakes that fall due in one are placed together."""

    def _begin(self, t: float) -> None:
        if not self.starts:
            Wealth._begin(self, t)
        due = int((t - self.began) / EVERY) + 1
        if due > self.starts:
            middle = (self.starts + 1 + due) // 2
            self._stake((due - self.starts) * self.later(middle - 2))
            self.starts = due


def _coarse(wealth: Wealth) -> Coarse:
    return Coarse(**{one.name: getattr(wealth, one.name) for one in fields(Wealth)})


@dataclass(slots=True)
class Bet:
    """One wealth and what a block is expected to bring to each of its alternatives."""

    wealth: Wealth
    gains: list[float]
    cap: float
    cold: list[float] | None = None
    """While the new version is warming up; None: nothing is staked then."""

    def place(self, t: float, blocks: float, *, warming: bool) -> None:
        gains = self.cold if warming else self.gains
        if gains is not None:
            self.wealth.bet([one * blocks for one in gains], t, cap=self.cap * max(blocks, 1.0))


def slower_than(slow: Sequence[float], bounds: Sequence[float], edge: int, factor: float) -> float:
    """The fraction of answers above a bound if all took ``factor`` times as long: read off between the bounds
    that are known, straight on a logarithmic scale of time."""
    wanted = bounds[edge] / factor
    if factor == 1.0:
        return slow[edge]
    if wanted <= bounds[0]:
        return slow[0] + (1.0 - slow[0]) * (1.0 - wanted / bounds[0])
    above = next(j for j, bound in enumerate(bounds) if bound >= wanted)
    low, high = bounds[above - 1], bounds[above]
    part = log(wanted / low) / log(high / low)
    return slow[above - 1] + part * (slow[above] - slow[above - 1])


def _capped(none: list[float], single: list[float], mean: float, cap: float, divisor: float) -> list[float]:
    """E min(gain, cap), of a gain that is linear in the new version's events, which are Poisson. From the gains
    without an event and with a single one."""
    chances = list(_poisson(mean))
    found = []
    for base, more in zip(none, single, strict=True):
        each = more - base
        found.append(sum([chance * min((base + x * each) / divisor, cap) for x, chance in chances]))
    return found


def _poisson(mean: float) -> Iterator[tuple[float, float]]:
    """(number, chance); of many only the mean."""
    if mean > MANY:
        yield mean, 1.0
        return
    chance, left = exp(-mean), 1.0
    for x in range(int(mean + 8.0 * sqrt(mean)) + 8):
        yield float(x), chance
        left -= chance
        chance *= mean / (x + 1)
    yield mean + 8.0 * sqrt(mean) + 8.0, max(left, 0.0)


def _beyond(before: float, now: float, threshold: float) -> float:
    """How much of the last step was beyond the threshold, 0 … 1."""
    return (now - threshold) / (now - before) if now > before else 0.0
