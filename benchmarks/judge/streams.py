"""From what is true to counters: a rollout's telemetry, second by second, from one seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

import numpy as np
from benchmarks.judge.draws import answers, bursts, visits, walk
from benchmarks.judge.truth import COLD, Array, Flags, Truth
from numpy.random import Generator, default_rng

from pilotage.core.judging import Arm, Snapshot

LEVEL = 0.4
"""CPU of an instance at the usual load."""


@dataclass(frozen=True)
class Side:
    """One version, or a part of its instances: cumulative counters, and the CPU's level."""

    requests: Array
    errors: Array
    conversions: Array
    latency: Array
    """[second, bound]."""
    cpu: Array


@dataclass(frozen=True)
class Seconds:
    """What happened in each second, for the rules that need no counters (and are spared their trouble)."""

    t: Array
    weight: Array
    n1: Array
    x1: Array
    n0: Array
    x0: Array


@dataclass(frozen=True)
class Stream:
    truth: Truth
    t: Array
    weight: Array
    seen: Flags
    new: Side
    old: Side
    halves: tuple[Side, Side]
    seconds: Seconds

    def snapshots(self) -> Iterator[Snapshot]:
        weights, times = self.weight.tolist(), self.t.tolist()
        new, old = list(_arms(self.new)), [list(_arms(half)) for half in self.halves]
        whole = _arms(self.old, list(zip(*old, strict=True)))
        for t, weight, seen, control, canary in zip(times, weights, self.seen, whole, new, strict=True):
            if seen:
                yield Snapshot(t=t, weight=weight, control=control, canary=canary if t >= 0.0 else None)


@lru_cache(maxsize=4)
def make(truth: Truth, seed: int) -> Stream:
    """The same truth and seed give the same stream."""
    rng = default_rng([seed, crc32(truth.name.encode())])
    t = truth.seconds
    share = truth.weight(t - 1.0)
    traffic = truth.traffic(t)
    new = _Version(truth, rng, truth.new_instances, traffic * share, new=True)
    old = _Version(truth, rng, truth.old_instances, traffic * (1.0 - share), new=False)
    (n1, x1), (n0, x0) = new.happened(), old.happened()
    return Stream(
        truth,
        t,
        truth.weight(t),
        _looks(truth, rng, t),
        new.side(slice(None)),
        old.side(slice(None)),
        (old.side(slice(0, None, 2)), old.side(slice(1, None, 2))),
        Seconds(t, share, n1, x1, n0, x0),
    )


class _Version:
    """All instances of one version; rows are instances, columns seconds."""

    def __init__(self, truth: Truth, rng: Generator, instances: int, traffic: Array, *, new: bool) -> None:
        t, self.truth, self.rng = truth.seconds, truth, rng
        bad = truth.bad(t) & new
        mean = np.tile(traffic * np.where(bad, truth.completes, 1.0) / instances, (instances, 1))
        rate = np.tile(truth.new_errors(t) if new else truth.old_errors(t), (instances, 1))
        if truth.wander:
            # A mean of 1 for the factor, so that a version of many instances has the base rate.
            factor = np.exp(walk(rng, instances, t.size, truth.wander, truth.memory) - truth.wander**2 / 2.0)
            rate = np.minimum(rate * factor, 1.0)
        self.requests, self.errors = self._requests(mean, rate)
        converts = truth.conversion * np.where(bad, truth.conversions, 1.0)
        self.conversions = rng.binomial((self.requests - self.errors).astype(np.int64), converts).astype(float)
        self.latency = answers(rng, self.requests, *self._times(t, bad, new=new), truth.bounds)
        level = LEVEL * (1.0 + 0.5 * (truth.traffic(t) / truth.rps - 1.0)) * np.where(bad, truth.cpu, 1.0)
        self.cpu = level * np.exp(walk(rng, instances, t.size, truth.gauge, truth.gauge_memory))
        self.restarts = self._restarts(t)

    def happened(self) -> tuple[Array, Array]:
        return self.requests.sum(axis=0), self.errors.sum(axis=0)

    def side(self, which: slice) -> Side:
        restarts = self.restarts[which]
        return Side(
            _counters(self.requests[which], restarts),
            _counters(self.errors[which], restarts),
            _counters(self.conversions[which], restarts),
            _counters(self.latency[which], restarts),
            self.cpu[which].mean(axis=0),
        )

    def _requests(self, mean: Array, rate: Array) -> tuple[Array, Array]:
        truth, rng = self.truth, self.rng
        if truth.sticky:
            return visits(rng, mean, rate, truth.sticky)
        if truth.burst > 1.0:
            # A storm of retries brings its own requests.
            single = rng.poisson(mean).astype(float)
            rate = np.minimum(rate, 0.5)
            storm = bursts(rng, mean * rate / (1.0 - rate), truth.burst, truth.spread)
            return single + storm, storm
        requests = rng.poisson(mean)
        return requests.astype(float), rng.binomial(requests, rate).astype(float)

    def _times(self, t: Array, bad: Flags, *, new: bool) -> tuple[Array, Array]:
        """Median and tail of the latency; drift goes in steps of a minute, to be drawn quickly."""
        truth = self.truth
        along = np.clip(np.floor(t / 60.0) * 60.0 / truth.length, 0.0, 1.0)
        median = truth.median * (1.0 + (truth.latency_drift - 1.0) * along) * np.where(bad, truth.latency, 1.0)
        if new and truth.cold:
            median = np.where(t <= COLD, 3.0 * median, median)
        return median, np.where(bad, truth.tail, 0.0)

    def _restarts(self, t: Array) -> Flags:
        """Whether an instance's counters restart just before a second."""
        instances = len(self.requests)
        if self.truth.resets == "arm":
            return np.tile(self.rng.random(t.size) < 1.0 / 300.0, (instances, 1))
        if self.truth.resets == "instance":
            found: Flags = self.rng.random((instances, t.size)) < 1.0 / 300.0 / instances
            return found
        return np.zeros((instances, t.size), dtype=bool)


def _counters(happened: Array, restarts: Flags) -> Array:
    """Added up since each instance's last restart, over all of them."""
    total = np.cumsum(happened, axis=1)
    if restarts.any():
        before = total - happened
        marks = restarts if total.ndim == 2 else restarts[:, :, None]
        total = total - np.maximum.accumulate(np.where(marks, before, 0.0), axis=1)
    found: Array = total.sum(axis=0)
    return found


def _looks(truth: Truth, rng: Generator, t: Array) -> Flags:
    seen: Flags = t % truth.every == 0
    if truth.lost:
        seen &= rng.random(t.size) >= truth.lost
        for start in rng.integers(0, t.size, t.size // 600):
            seen[start : start + 30] = False
    return seen


def _arms(side: Side, shards: list[tuple[Arm, ...]] | None = None) -> Iterator[Arm]:
    columns = (side.requests, side.errors, side.conversions, side.cpu)
    rows = zip(*[one.tolist() for one in columns], side.latency.tolist(), strict=True)
    for i, (requests, errors, conversions, cpu, latency) in enumerate(rows):
        extra = {} if shards is None else {"shards": shards[i]}
        yield Arm(
            requests=requests,
            errors=errors,
            conversions=conversions,
            cpu=cpu,
            latency_bucket=tuple(latency),
            **extra,
        )
