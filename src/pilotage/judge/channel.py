"""A channel: one kind of counters of both versions, cut into blocks and handed to its comparisons.

Requests with errors, latency buckets, and each declared count or rate have one of their own. They are read
apart, because any of them may be missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from pilotage.judge.comparison import Comparison
from pilotage.judge.counters import Pair, Series, Step, Vector
from pilotage.judge.evidence import Counts
from pilotage.judge.history import KEEP, History

ALONE = 20.0
"""Requests on the old version that a block needs, as a rule."""
LONGEST_BLOCK = 60.0
"""Seconds after which a block is closed with what it has."""

Pick = Callable[[Vector, float], tuple[float, float]]
"""(exposure, events) out of a channel's counts, and of its time at its share: seconds × share."""


def events_of(counts: Vector, exposure: float) -> tuple[float, float]:
    return counts[0], counts[1]


def rate_of(counts: Vector, exposure: float) -> tuple[float, float]:
    return exposure, counts[0]


def slower_than(edge: int) -> Pick:
    def pick(counts: Vector, exposure: float) -> tuple[float, float]:
        return counts[-1], counts[-1] - counts[edge]

    return pick


@dataclass(slots=True)
class Subject:
    """One kind of event: how to count it on either side, what is known of it, what it is tested for."""

    new: Pick
    old: Pick
    history: History
    comparisons: list[Comparison]


class Block(NamedTuple):
    """What happened since the last block was closed."""

    seconds: float
    new: Vector
    old: Vector
    warming: bool


@dataclass(slots=True)
class Channel:
    """``whole`` is the place of the requests in the counts; ``longest``: seconds of silence that are bridged.

    ``alone``: requests on the old version that a block needs. Not ``bounded``: a rate, whose exposure is time
    at a share. ``requests`` and ``seconds`` are what was judged since the split changed.
    """

    whole: int
    longest: float
    subjects: list[Subject] = field(default_factory=list)
    alone: float = ALONE
    bounded: bool = True
    weight: float = 0.0
    pair: Pair = field(init=False)
    old: Series = field(init=False)
    sides: Pair = field(init=False)
    block: Block | None = None
    requests: float = 0.0
    seconds: float = 0.0
    fresh: tuple[Step, Step] | None = None
    """What both versions did in this very look; only between ``compare`` and ``learn``."""
    heard: float | None = None
    """When the new version last answered anything."""

    def __post_init__(self) -> None:
        self.pair = Pair.of(self.whole, bounded=self.bounded)
        self.old = Series(self.whole, bounded=self.bounded)
        self.sides = Pair.of(self.whole, bounded=self.bounded)

    def compare(self, t: float, new: Vector, old: Vector, *, warming: bool) -> bool:
        """Take both readings of one look. True: a block was closed, there is new evidence."""
        steps = self.pair.since(t, new, old, self.longest)
        if steps is None:
            return False
        self.fresh = steps
        closed = self.block is not None and self.block.warming is not warming and self._close(t)
        if self.block is None:
            for subject in self.subjects:
                subject.history.freeze()
        self.block = _extended(self.block, steps, warming=warming)
        if steps[0].counts[self.whole] > 0.0:
            self.heard = t
        if not warming:
            self.requests += steps[0].counts[self.whole]
            self.seconds += steps[0].seconds
        return (self._full() and self._close(t)) or closed

    def learn(self, t: float, old: Vector, sides: tuple[Vector, Vector] | None) -> Step | None:
        """The old version alone, for the base rate and its dispersion; after ``compare``, never before."""
        fresh, self.fresh = self.fresh, None
        new: Step | None = None
        step: Step | None
        if fresh is not None and self.old.last is not None and fresh[1].seconds == t - self.old.at:
            new, step = fresh  # the same difference, already made
        else:
            step = self.old.since(t, old)
        self.old.accept(t, old, step)
        parts = None if sides is None else self.sides.since(t, *sides, self.longest)
        if step is None or (self.bounded and step.counts[self.whole] <= 0.0):
            return step
        exposure = step.seconds * (1.0 - self.weight)
        keep, other = KEEP**step.seconds, step.seconds * self.weight
        for subject in self.subjects:
            requests, events = subject.old(step.counts, exposure)
            halves = None if parts is None else _halves(subject, parts, requests)
            n1, x1 = (0.0, 0.0) if new is None else subject.new(new.counts, other)
            subject.history.learn(step.seconds, keep, [events, requests, x1, n1], halves)
        return step

    def split_changed(self, t: float, weight: float) -> None:
        """Another share of traffic: close what is open, start the next difference after the change."""
        if self.block is not None:
            self._close(t)
        self.pair.forget()
        self.weight = weight
        if not self.bounded:
            self.old.forget()  # an exposure of two shares would be neither
        self.requests = self.seconds = 0.0
        for subject in self.subjects:
            for one in subject.comparisons:
                one.split_changed()

    def rate(self) -> float | None:
        """Judged requests per second on the new version at this share."""
        return self.requests / self.seconds if self.seconds > 0.0 else None

    def forget(self) -> None:
        """Nothing before can be subtracted from anything after."""
        self.pair.forget()
        self.old.forget()
        self.sides.forget()

    def dump(self) -> dict[str, Any]:
        return {
            "weight": self.weight,
            "pair": self.pair.dump(),
            "old": self.old.dump(),
            "sides": self.sides.dump(),
            "block": None if self.block is None else list(self.block),
            "requests": self.requests,
            "seconds": self.seconds,
            "heard": self.heard,
            "histories": [one.history.dump() for one in self.subjects],
            "comparisons": [[one.dump() for one in subject.comparisons] for subject in self.subjects],
        }

    def restore(self, data: dict[str, Any]) -> Self:
        """``subjects`` must be there already, as they were when ``data`` was made."""
        self.pair, self.sides = Pair.load(data["pair"]), Pair.load(data["sides"])
        self.old, self.weight = Series.load(data["old"]), data["weight"]
        if data["block"] is not None:
            seconds, new, old, warming = data["block"]
            self.block = Block(seconds, tuple(new), tuple(old), warming)
        self.requests, self.seconds, self.heard = data["requests"], data["seconds"], data["heard"]
        for subject, history, comparisons in zip(
            self.subjects, data["histories"], data["comparisons"], strict=True
        ):
            subject.history = History.load(subject.history, history)
            for one, state in zip(subject.comparisons, comparisons, strict=True):
                one.restore(state)
        return self

    def _full(self) -> bool:
        """Decided by exposure and time alone, never by events (F3)."""
        block = self.block
        if block is None:
            return False
        if not self.bounded:
            return True
        enough = block.new[self.whole] >= 1.0 and block.old[self.whole] >= self.alone
        return enough or block.seconds >= LONGEST_BLOCK

    def _close(self, t: float) -> bool:
        block, self.block = self.block, None
        if block is None:
            return False
        new, old = block.seconds * self.weight, block.seconds * (1.0 - self.weight)
        for subject in self.subjects:
            (n1, x1), (n0, x0) = subject.new(block.new, new), subject.old(block.old, old)
            if n1 <= 0.0 or n0 <= 0.0:
                return False
            counts = Counts(n1, x1, n0, x0)
            for one in subject.comparisons:
                if (one.always or not block.warming) and t >= one.after:
                    one.observe(counts, block.seconds, t, subject.history)
        return True


def _halves(subject: Subject, parts: tuple[Step, Step], requests: float) -> list[float] | None:
    """[x_a, n_a, x_b, n_b], unless they do not add up: an instance has come or gone."""
    (n_a, x_a), (n_b, x_b) = (subject.old(part.counts, part.seconds) for part in parts)
    return [x_a, n_a, x_b, n_b] if abs(n_a + n_b - requests) <= 0.05 * requests else None


def _extended(block: Block | None, steps: tuple[Step, Step], *, warming: bool) -> Block:
    new, old = steps
    if block is None:
        return Block(new.seconds, new.counts, old.counts, warming)
    return Block(block.seconds + new.seconds, _add(block.new, new.counts), _add(block.old, old.counts), warming)


def _add(a: Sequence[float], b: Sequence[float]) -> Vector:
    return tuple([x + y for x, y in zip(a, b, strict=True)])
