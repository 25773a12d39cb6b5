"""Bursts: what they do to the evidence, and what is mistaken for them."""

from __future__ import annotations

import json
from math import exp
from random import Random

import pytest

from pilotage.judge.dispersion import Dispersion
from pilotage.judge.evidence import WORSE, Counts, Margin, poisson_gains

from .streams import poisson


def learnt(seconds: int, events, seed: int = 1, *, new=lambda rng, t: (0.0, 0.0)) -> Dispersion:
    """A dispersion after ``seconds`` looks; ``events(rng, t)`` of 100 requests each."""
    rng, found = Random(seed), Dispersion(1.0)
    for t in range(seconds):
        found.add([float(events(rng, t)), 100.0, *new(rng, t)])
    return found


@pytest.mark.parametrize("burst", [2, 5, 20])
def test_dividing_by_the_size_of_the_bursts_is_exactly_valid(burst):
    """Compound Poisson: all bursts of one size, divisor = that size, rates on the margin."""
    margin, n1, n0 = Margin(1.1, 0.0001), 200.0, 800.0
    for p0 in (0.002, 0.02):
        total = [0.0] * len(WORSE)
        new, old = n1 * (margin.ratio * p0 + margin.excess) / burst, n0 * p0 / burst
        chance1 = exp(-new)
        for k1 in range(80):
            chance0 = exp(-old)
            for k0 in range(80):
                bets = poisson_gains(Counts(n1, k1 * burst, n0, k0 * burst), margin, WORSE)
                total = [a + chance1 * chance0 * exp(b / burst) for a, b in zip(total, bets, strict=True)]
                chance0 *= old / (k0 + 1)
            chance1 *= new / (k1 + 1)
        assert max(total) <= 1 + 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_independent_errors_are_hardly_discounted(seed):
    phi, psi = learnt(900, lambda rng, t: poisson(rng, 1.0), seed).spread()
    assert 1.0 <= phi < 1.8
    assert 1.0 <= psi < 2.0


@pytest.mark.parametrize("seed", range(5))
def test_bursts_are_seen(seed):
    phi, _ = learnt(900, lambda rng, t: 20 * poisson(rng, 0.05), seed).spread()
    assert phi > 12.0


@pytest.mark.parametrize("seed", range(3))
def test_traffic_in_lumps_is_seen_too(seed):
    """A rate: more events than its exposure counts, which is no reason to expect them to vary less."""
    rng, plain, lumps = Random(seed), Dispersion(1.0, bounded=False), Dispersion(1.0, bounded=False)
    for _ in range(900):
        plain.add([float(poisson(rng, 90.0)), 1.0, 0.0, 0.0])
        lumps.add([20.0 * poisson(rng, 4.5), 1.0, 0.0, 0.0])
    assert plain.spread()[0] < 1.8
    assert lumps.spread()[0] > 12.0


def test_slow_visits_count_only_where_they_are_asked_for():
    rng, quick, slow = Random(7), Dispersion(1.0, bounded=False), Dispersion(1.0, bounded=False, slow=True)
    for t in range(900):
        level = 90.0 + (15.0 if t // 40 % 2 else -15.0)
        look = [float(poisson(rng, level)), 1.0, 0.0, 0.0]
        quick.add(look)
        slow.add(look)
    assert slow.spread()[0] > 2.0 * quick.spread()[0]


def test_no_errors_are_no_dispersion():
    assert learnt(300, lambda rng, t: 0).spread() == (1.0, 1.0)


def test_a_jump_that_both_versions_make_is_no_dispersion():
    old = lambda rng, t: poisson(rng, 30.0 if t >= 301 else 0.5)  # noqa: E731  not at the edge of a block
    shared, _ = learnt(340, old, new=lambda rng, t: (0.5 * old(rng, t), 50.0)).spread()
    alone, _ = learnt(340, old, new=lambda rng, t: (0.25, 50.0)).spread()
    assert shared < 2.5
    assert alone > 2.0 * shared


def test_two_sides_are_compared_at_the_same_time():
    """What both halves of the instances do together is not dispersion, however fast it moves."""
    rng, found = Random(1), Dispersion(1.0, sides=True)
    for _ in range(400):
        mean = rng.choice([0.1, 5.0])
        found.add([float(poisson(rng, mean)), 50.0, float(poisson(rng, mean)), 50.0])
    phi, _ = found.spread()
    assert phi < 1.6


def test_dump_is_json_and_restores():
    found = learnt(77, lambda rng, t: poisson(rng, 1.0))
    again = Dispersion(1.0).restore(json.loads(json.dumps(found.dump(), allow_nan=False)))
    assert again == found
