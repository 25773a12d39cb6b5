"""Pretend releases: the history of one version, cut in two that are known to be alike (A/A), or made unlike.

With instances (``shards``) one half of them plays the new version; else each request is dealt to one of the
two by chance. The second hides whatever differs between instances, so what it says is optimistic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import floor, inf
from typing import Protocol

from pilotage.core.judging import Arm, JudgeSettings, Kind, Snapshot
from pilotage.judge.counters import Series, buckets, totals


class Chance(Protocol):
    """What is needed of a ``random.Random``."""

    def random(self) -> float: ...
    def betavariate(self, alpha: float, beta: float) -> float: ...


@dataclass(frozen=True, slots=True)
class Counts:
    """What one side did between two looks. ``answers`` by latency bucket, not cumulative; ``counted`` and
    ``levels`` are the other counters and gauges that the settings name."""

    requests: float = 0.0
    errors: float = 0.0
    answers: tuple[float, ...] = ()
    counted: dict[str, float] = field(default_factory=dict)
    levels: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a version did in the ``seconds`` up to ``t``, instance by instance as far as they are known."""

    t: float
    seconds: float
    parts: tuple[Counts, ...]


@dataclass(frozen=True)
class Fields:
    """The fields of an arm that the settings name, beside those that every arm has."""

    counters: tuple[str, ...] = ()
    gauges: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: JudgeSettings) -> Fields:
        counters: dict[str, None] = {}
        gauges: dict[str, None] = {}
        for name, measure in settings.measures.items():
            if measure.kind is Kind.GAUGE:
                gauges[measure.of or name] = None
                continue
            counters[measure.of or name] = None
            if measure.kind is not Kind.RATE and measure.per != "requests":
                counters[measure.per] = None
        return cls(tuple(counters), tuple(gauges))


def history(looks: Iterable[Snapshot], fields: Fields) -> Iterator[Moment]:
    """What the old version did, from its cumulative counters; looks at which it is not known are bridged."""
    readers: list[_Reader] = []
    epoch, last = None, None
    for look in looks:
        arms = _instances(look.control)
        if not arms or (last is not None and look.t <= last):
            continue
        if look.epoch != epoch or len(arms) != len(readers):
            readers, epoch = [_Reader(fields) for _ in arms], look.epoch
        steps = [reader.since(look.t, arm) for reader, arm in zip(readers, arms, strict=True)]
        parts = tuple([step for step in steps if step is not None])
        if last is not None and len(parts) == len(arms):
            yield Moment(look.t, look.t - last, parts)
        last = look.t


def _instances(arm: Arm | None) -> tuple[Arm, ...]:
    """Its shards, if all can be read, or itself; none if it can not be read."""
    if arm is None:
        return ()
    shards = arm.shards or ()
    if len(shards) >= 2 and all(totals(one) is not None for one in shards):
        return shards
    return (arm,) if totals(arm) is not None else ()


class _Reader:
    """The differences of one arm's counters."""

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.whole, self.slow = Series(0), Series(-1)
        self.others: dict[str, float] = {}

    def since(self, t: float, arm: Arm) -> Counts | None:
        reading = totals(arm)
        assert reading is not None
        step = self.whole.since(t, reading)
        self.whole.accept(t, reading, step)
        answers: tuple[float, ...] = ()
        if (below := buckets(arm)) is not None:
            slower = self.slow.since(t, below)
            self.slow.accept(t, below, slower)
            if slower is not None:
                answers = _each(slower.counts)
        extra = arm.model_extra or {}
        counted = {name: self._other(name, extra.get(name)) for name in self.fields.counters}
        levels = {name: value for name in self.fields.gauges if (value := _number(extra.get(name))) is not None}
        if step is None:
            return None
        requests, errors = step.counts
        return Counts(requests, errors, answers, counted, levels)

    def _other(self, name: str, value: object) -> float:
        now = _number(value)
        if now is None or now < 0.0:
            return 0.0
        before = self.others.get(name)
        self.others[name] = now
        if before is None:
            return 0.0
        return now - before if now >= before else now


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return float(value) if abs(value) < 1e15 else None


def _each(cumulative: Sequence[float]) -> tuple[float, ...]:
    return tuple([high - low for low, high in zip((0.0, *cumulative), cumulative, strict=False)])


Change = Callable[[Counts, Chance], Counts]


@dataclass(frozen=True)
class Regression:
    """Something that is made worse in the new version, from ``onset`` seconds after its first traffic."""

    name: str
    change: Change
    onset: float = 0.0


@dataclass(frozen=True)
class Ramp:
    """Shares of the new version, each for ``seconds``."""

    shares: tuple[float, ...]
    seconds: float

    @property
    def length(self) -> float:
        return self.seconds * len(self.shares)

    def at(self, t: float) -> float:
        """The share that the requests up to ``t`` were dealt by."""
        if t <= 0.0:
            return 0.0
        return self.shares[min(len(self.shares) - 1, int((t - 1e-9) // self.seconds))]


def release(
    moments: Sequence[Moment], start: float, ramp: Ramp, rng: Chance, worse: Regression | None = None
) -> Iterator[Snapshot]:
    """The snapshots of a release that begins at ``start`` in the history, with what was before."""
    old: dict[int, _Sum] = {}
    new, balance = _Sum(), _balance(moments)
    for moment in moments:
        t = moment.t - start
        if t > ramp.length:
            return
        share = ramp.at(t)
        control, canary = _dealt(moment.parts, share, balance, rng)
        if worse is not None and t > worse.onset:
            canary = worse.change(canary, rng)
        for place, part in enumerate(control):
            old.setdefault(place, _Sum()).add(part)
        arm = _arm([old[place] for place in range(len(control))])
        if t > 0.0:
            new.add(canary)
        yield Snapshot(t=t, weight=share, control=arm, canary=new.arm() if t > 0.0 else None)


def _balance(moments: Iterable[Moment]) -> float:
    """Requests of the half that plays the new version, for each of the other: they may differ in size."""
    old = new = 0.0
    for moment in moments:
        old += sum([one.requests for one in moment.parts[0::2]])
        new += sum([one.requests for one in moment.parts[1::2]])
    return new / old if old > 0.0 and new > 0.0 else 1.0


def _dealt(parts: Sequence[Counts], share: float, balance: float, rng: Chance) -> tuple[list[Counts], Counts]:
    """The old version's counts by instance, and the new one's."""
    if len(parts) < 2:
        (whole,) = parts
        taken = thinned(whole, share, rng)
        return [_less(whole, taken)], taken
    wanted = share / (1.0 - share) / balance if share < 1.0 else inf
    keep, kept = (wanted, 1.0) if wanted <= 1.0 else (1.0, 1.0 / wanted)
    old = [thinned(one, kept, rng) for one in parts[0::2]]
    return old, added([thinned(one, keep, rng) for one in parts[1::2]])


def thinned(counts: Counts, part: float, rng: Chance) -> Counts:
    """Each request is kept with chance ``part``, with what belongs to it; levels stay."""
    if part >= 1.0:
        return counts
    errors = binomial(counts.errors, part, rng)
    fine = binomial(counts.requests - counts.errors, part, rng)
    return Counts(
        fine + errors,
        errors,
        tuple([binomial(one, part, rng) for one in counts.answers]),
        {name: binomial(value, part, rng) for name, value in counts.counted.items()},
        counts.levels,
    )


def added(parts: Sequence[Counts]) -> Counts:
    """The sum; of levels the mean."""
    first, *rest = parts
    for one in rest:
        answers = first.answers
        if len(one.answers) == len(answers):
            answers = tuple([a + b for a, b in zip(answers, one.answers, strict=True)])
        first = Counts(
            first.requests + one.requests,
            first.errors + one.errors,
            answers,
            {name: value + one.counted[name] for name, value in first.counted.items()},
            {name: value + one.levels.get(name, value) for name, value in first.levels.items()},
        )
    return replace(first, levels={name: value / len(parts) for name, value in first.levels.items()})


def _less(whole: Counts, taken: Counts) -> Counts:
    return Counts(
        whole.requests - taken.requests,
        whole.errors - taken.errors,
        tuple([a - b for a, b in zip(whole.answers, taken.answers, strict=True)]),
        {name: value - taken.counted[name] for name, value in whole.counted.items()},
        whole.levels,
    )


@dataclass(slots=True)
class _Sum:
    """Cumulative counters again."""

    requests: float = 0.0
    errors: float = 0.0
    answers: list[float] = field(default_factory=list)
    counted: dict[str, float] = field(default_factory=dict)
    levels: dict[str, float] = field(default_factory=dict)

    def add(self, counts: Counts) -> None:
        self.requests += counts.requests
        self.errors += counts.errors
        if counts.answers:
            if len(self.answers) != len(counts.answers):
                self.answers = [0.0] * len(counts.answers)
            self.answers = [a + b for a, b in zip(self.answers, counts.answers, strict=True)]
        for name, value in counts.counted.items():
            self.counted[name] = self.counted.get(name, 0.0) + value
        self.levels = counts.levels

    def arm(self) -> Arm:
        below, cumulative = 0.0, []
        for one in self.answers:
            below += one
            cumulative.append(below)
        bucket = tuple(cumulative) if len(cumulative) >= 2 else None
        others = self.counted | self.levels
        return Arm(requests=self.requests, errors=self.errors, latency_bucket=bucket, **others)


def _arm(parts: Sequence[_Sum]) -> Arm:
    if len(parts) == 1:
        return parts[0].arm()
    whole = _Sum()
    whole.add(added([Counts(p.requests, p.errors, tuple(p.answers), p.counted, p.levels) for p in parts]))
    return whole.arm().model_copy(update={"shards": tuple([part.arm() for part in parts])})


_FEW = 16.0


def binomial(number: float, part: float, rng: Chance) -> float:
    """How many of ``number`` are kept, each with chance ``part``, a fraction of one like a whole one.

    Exact: halved by the median of uniforms, a beta variate, until few are left. Source: Devroye, *Non-Uniform
    Random Variate Generation* (1986), chapter X.4.
    """
    if part >= 1.0 or number <= 0.0:
        return max(0.0, number)
    n = floor(number)
    rest = number - n
    if rest > 0.0:
        return binomial(float(n), part, rng) + (rest if rng.random() < part else 0.0)
    kept = 0
    while n > _FEW and part > 0.0:
        middle = (n + 1) // 2
        median = rng.betavariate(middle, n + 1 - middle)
        if median <= part:
            kept += middle
            n -= middle
            part = (part - median) / (1.0 - median)
        else:
            n = middle - 1
            part = part / median
    return float(kept + sum([rng.random() < part for _ in range(n)]))
