"""Ville's inequality, late starts, the clip."""

from __future__ import annotations

import json
from math import log
from random import Random

import pytest

from pilotage.judge.comparison import Comparison
from pilotage.judge.confidence import interval
from pilotage.judge.evidence import Counts, Margin
from pilotage.judge.history import History
from pilotage.judge.wealth import Wealth, evenly

from .streams import poisson

MARGIN = Margin(1.1, 0.0001)
PASS_MARGIN = Margin(1.5, 0.0005)


def comparison() -> Comparison:
    return Comparison("errors", MARGIN, 2.0, pass_margin=PASS_MARGIN, pass_top=log(20.0) + 2.0)


def tolerated(alpha: float, runs: int) -> float:
    """Hits that exceed three standard deviations above alpha fail the test."""
    return runs * alpha + 3.0 * (runs * alpha * (1.0 - alpha)) ** 0.5


def walk(one: Comparison, rng: Random, margin: Margin, blocks: int, seconds: float = 1.0):
    """Blocks on the margin; base rate, traffic and split are redrawn all the time. Yields after each."""
    history = History(1.0)
    split, weight = 0.0, 0.1
    for i in range(blocks):
        if i % 40 == 0:
            weight = rng.choice((0.02, 0.1, 0.5, 0.8))
            one.split_changed()
        p0 = 10.0 ** rng.uniform(-3.5, -1.3)
        n1, n0 = 1 + poisson(rng, 400 * weight), 20 + poisson(rng, 400 * (1 - weight))
        x1 = min(n1, poisson(rng, n1 * (margin.ratio * p0 + margin.excess)))
        x0 = min(n0, poisson(rng, n0 * p0))
        split += seconds
        one.observe(Counts(n1, x1, n0, x0), seconds, split, history)
        yield one


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_ever_reaching_one_over_alpha_on_the_margin_is_as_rare_as_promised(level):
    runs = 250
    hits = 0
    for seed in range(runs):
        walked = walk(comparison(), Random(seed), MARGIN, 150)
        hits += any(one.against() >= log(1.0 / level) for one in walked)
    assert hits <= tolerated(level, runs)


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_going_on_from_the_boundary_is_as_rare_as_promised(level):
    runs = 250
    hits = 0
    for seed in range(runs):
        walked = walk(comparison(), Random(seed), PASS_MARGIN, 150)
        hits += any(one.for_() >= log(1.0 / level) for one in walked)
    assert hits <= tolerated(level, runs)


def test_the_tests_above_can_fail():
    """Five times the margin is noticed by nearly every walk, so the simulation has teeth."""
    worse = Margin(MARGIN.ratio * 5, MARGIN.excess)
    hits = sum(
        any(one.against() >= log(100.0) for one in walk(comparison(), Random(seed), worse, 150))
        for seed in range(20)
    )
    assert hits == 20


def test_the_stakes_never_exceed_the_purse():
    wealth = Wealth(evenly(7))
    for t in range(0, 60_000, 30):
        wealth.bet([0.0] * 7, float(t), cap=2.0)
    assert wealth.log_value() == pytest.approx(0.0, abs=1e-9)
    assert 0.0 < wealth.cash < 0.2


def test_a_huge_gap_costs_no_time():
    wealth = Wealth(evenly(7))
    wealth.bet([0.0] * 7, 0.0, cap=2.0)
    wealth.bet([0.0] * 7, 1e12, cap=2.0)
    assert wealth.log_value() == pytest.approx(0.0, abs=1e-6)


def test_losses_count_in_full_and_gains_are_capped():
    wealth = Wealth((1.0,), first=1.0)
    wealth.bet([50.0], 0.0, cap=2.0)
    assert wealth.log_value() == pytest.approx(2.0)
    wealth.bet([-50.0], 1.0, cap=2.0)
    assert wealth.log_value() < -40.0


def test_trouble_that_begins_after_a_long_clean_time_is_still_noticed():
    """The late starts: without them the old losses would have to be made up for first."""
    wealth = Wealth((1.0,))
    for t in range(3600):
        wealth.bet([-0.5], float(t), cap=2.0)
    blocks = 0
    while wealth.log_value() < log(100.0):
        wealth.bet([2.0], 3600.0 + blocks, cap=2.0)
        blocks += 1
    assert blocks <= 10


def test_evidence_for_going_on_is_clipped_however_long_all_went_well():
    def errors_until_withdrawn(clean: int) -> int:
        one, history = comparison(), History(1.0)
        for t in range(clean):
            one.observe(Counts(1000, 0, 1000, 0), 1.0, float(t), history)
        assert one.for_() >= log(20.0)
        count = 0
        while one.for_() >= log(20.0):
            one.observe(Counts(1000, 10, 1000, 0), 1.0, clean + count, history)
            count += 1
        return count

    assert errors_until_withdrawn(3000) == errors_until_withdrawn(600) <= 2


def test_dump_is_json_and_restores():
    wealth = Wealth(evenly(3))
    for t in range(200):
        wealth.bet([0.1, -0.2, 5.0], float(t), cap=2.0)
    again = Wealth(evenly(3)).restore(json.loads(json.dumps(wealth.dump(), allow_nan=False)))
    assert again == wealth


def test_the_confidence_sequence_covers_at_every_look():
    """The base rate is redrawn every second, the ratio is 2.5; looked at every tenth block."""
    runs, missed = 150, 0
    for seed in range(runs):
        rng, steps = Random(seed), [Counts(0, 0, 0, 0)]
        outside = False
        for i in range(100):
            if i == 50:
                steps.append(Counts(0, 0, 0, 0))
            n1, n0 = (100, 900) if i < 50 else (500, 500)
            p0 = 10.0 ** rng.uniform(-3.0, -1.5)
            block = (n1, poisson(rng, 2.5 * n1 * p0), n0, poisson(rng, n0 * p0))
            steps[-1] = Counts(*[a + b for a, b in zip(steps[-1], block, strict=True)])
            if i % 10 == 9:
                low, high = interval(steps, 1.0)
                outside |= (low or 0.0) > 2.5 or (high or 1e9) < 2.5
        missed += outside
        assert low is not None
        assert high is not None
        assert 1.0 < low < 2.5 * 1.3
        assert high < 8.0
    assert missed <= tolerated(0.05, runs)


def test_confidence_without_data_is_unbounded():
    assert interval([], 1.0) == (None, None)
    assert interval([Counts(0, 0, 0, 0)], 1.0) == (None, None)
    low, high = interval([Counts(1000, 50, 1000, 0)], 1.0)
    assert low is not None
    assert low > 5.0
    assert high is None
