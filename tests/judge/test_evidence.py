"""E <= 1, by exact enumeration over all outcomes: the promise everything else rests on."""

from __future__ import annotations

from math import comb, exp

import pytest

from pilotage.judge.evidence import (
    ENOUGH,
    FEWER,
    FINE,
    FRACTIONS,
    WORSE,
    Counts,
    Margin,
    bernoulli_gains,
    fewer_gains,
    fraction_gains,
    gains,
    limit_gains,
    poisson_gains,
)

SIZES = [(1, 20), (5, 20), (12, 12), (20, 5)]
BASES = [0.0, 0.001, 0.01, 0.05, 0.2, 0.5, 0.7, 0.9]
MARGINS = [Margin(1.1, 0.0001), Margin(1.1, 0.0), Margin(3.0, 0.05), Margin(1.5, 0.005), Margin(1.0, 0.0)]
SLACK = 1 + 1e-9


def binomial(n: int, p: float) -> list[float]:
    return [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def means(gain, n1: int, n0: int, p1: float, p0: float) -> list[float]:
    """E[e^gain] of every alternative; ``gain``: Counts → list."""
    new, old = binomial(n1, p1), binomial(n0, p0)
    total: list[float] = []
    for x1, chance1 in enumerate(new):
        for x0, chance0 in enumerate(old):
            values = [chance1 * chance0 * exp(one) for one in gain(Counts(n1, x1, n0, x0))]
            total = [a + b for a, b in zip(total, values, strict=True)] if total else values
    return total


def on_or_below(margin: Margin, p0: float) -> list[float]:
    line = margin.ratio * p0 + margin.excess
    return [min(1.0, line), 0.5 * min(1.0, line), 0.0]


def on_or_above(margin: Margin, p0: float) -> list[float]:
    line = margin.ratio * p0 + margin.excess
    return [] if line > 1.0 else [line, 0.5 * (1.0 + line), 1.0]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("margin", MARGINS)
def test_poisson_form_is_an_e_variable_on_both_sides(sizes, margin):
    for p0 in BASES:
        for p1 in on_or_below(margin, p0):
            assert max(means(lambda c: poisson_gains(c, margin, WORSE), *sizes, p1, p0)) <= SLACK
        for p1 in on_or_above(margin, p0):
            assert max(means(lambda c: poisson_gains(c, margin, FINE), *sizes, p1, p0)) <= SLACK


@pytest.mark.parametrize("sizes", SIZES[:3])
@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("guess", [0.06, 0.3, 0.6, 0.9])
def test_bernoulli_form_is_an_e_variable_whatever_the_base_rate_was_guessed(sizes, margin, guess):
    for p0 in BASES:
        for p1 in on_or_below(margin, p0):
            assert max(means(lambda c: bernoulli_gains(c, margin, WORSE, guess), *sizes, p1, p0)) <= SLACK
        for p1 in on_or_above(margin, p0):
            assert max(means(lambda c: bernoulli_gains(c, margin, FINE, guess), *sizes, p1, p0)) <= SLACK


FEWER_MARGINS = [Margin(1 / 1.02, 0.0), Margin(1 / 1.2, 0.0), Margin(0.5, 0.0)]


@pytest.mark.parametrize("sizes", SIZES[:3])
@pytest.mark.parametrize("margin", FEWER_MARGINS)
def test_where_less_is_worse_the_sides_change_places(sizes, margin):
    for p0 in BASES:
        line = margin.ratio * p0
        for form in (poisson_gains, lambda c, m, f: bernoulli_gains(c, m, f, 0.3)):
            for p1 in (line, 0.5 * (1.0 + line), 1.0):
                assert max(means(lambda c, f=form: f(c, margin, FEWER), *sizes, p1, p0)) <= SLACK
            for p1 in (line, 0.5 * line, 0.0):
                assert max(means(lambda c, f=form: f(c, margin, ENOUGH), *sizes, p1, p0)) <= SLACK


def test_fewer_events_are_bet_on_and_noticed():
    expected = Counts(1000, 60, 3000, 300)
    assert max(poisson_gains(expected, Margin(1 / 1.02, 0.0), FEWER)) > 5.0
    assert max(fewer_gains(expected, Margin(1 / 1.02, 0.0))) > 0.01
    assert max(poisson_gains(Counts(1000, 100, 3000, 300), Margin(1 / 1.2, 0.0), ENOUGH)) > 1.0


@pytest.mark.parametrize("burst", [1, 7])
def test_the_fraction_bet_on_fewer_is_valid_for_bursts_too(burst):
    margin, n1, n0 = Margin(1 / 1.1, 0.0), 300.0, 700.0
    for p0 in (0.003, 0.01):
        new = poisson_weights(n1 * margin.ratio * p0 / burst, 60)
        old = poisson_weights(n0 * p0 / burst, 60)
        total = [0.0] * len(FRACTIONS)
        for k1, chance1 in enumerate(new):
            for k0, chance0 in enumerate(old):
                bets = fewer_gains(Counts(n1, k1 * burst, n0, k0 * burst), margin)
                total = [a + chance1 * chance0 * exp(b) for a, b in zip(total, bets, strict=True)]
        assert max(total) <= SLACK


def test_bernoulli_form_bets_and_is_sharper_than_the_poisson_form_at_frequent_events():
    n1, n0, margin = 100, 300, Margin(1.1, 0.0001)
    expected = Counts(n1, 0.6 * n1, n0, 0.3 * n0)
    assert max(bernoulli_gains(expected, margin, WORSE, 0.3)) > 1.5 * max(
        poisson_gains(expected, margin, WORSE)
    )
    assert max(bernoulli_gains(Counts(n1, 30, n0, 90), Margin(1.5, 0.005), FINE, 0.3)) > 1.0


def test_bernoulli_form_tends_to_the_poisson_form_at_rare_events():
    counts, margin = Counts(1000, 3, 9000, 9), Margin(1.1, 0.0)
    rare = bernoulli_gains(counts, margin, WORSE[:5], 1e-6)
    assert rare == pytest.approx(poisson_gains(counts, margin, WORSE[:5]), abs=0.02)


def test_the_form_is_chosen_by_the_base_rate():
    counts, margin = Counts(10, 2, 90, 9), Margin(1.1, 0.0)
    assert gains(counts, margin, WORSE, 0.01) == poisson_gains(counts, margin, WORSE)
    assert gains(counts, margin, WORSE, 0.50) == bernoulli_gains(counts, margin, WORSE, 0.50)


def poisson_weights(mean: float, upto: int) -> list[float]:
    found = [exp(-mean)]
    for k in range(1, upto):
        found.append(found[-1] * mean / k)
    return found


@pytest.mark.parametrize("margin", [Margin(1.1, 0.0), Margin(1.1, 0.0001), Margin(1.1, 0.01)])
@pytest.mark.parametrize("burst", [1, 7])
def test_fraction_bet_is_valid_for_bursts_of_any_size(margin, burst):
    """Poisson numbers of bursts, each of ``burst`` errors: means of events on the margin."""
    n1, n0 = 300.0, 700.0
    for p0 in (0.0005, 0.003, 0.01):
        new = poisson_weights(n1 * (margin.ratio * p0 + margin.excess) / burst, 60)
        old = poisson_weights(n0 * p0 / burst, 60)
        total = [0.0] * len(FRACTIONS)
        for k1, chance1 in enumerate(new):
            for k0, chance0 in enumerate(old):
                bets = fraction_gains(Counts(n1, k1 * burst, n0, k0 * burst), margin)
                total = [a + chance1 * chance0 * exp(b) for a, b in zip(total, bets, strict=True)]
        assert max(total) <= SLACK


def test_without_an_excess_a_block_without_events_says_nothing():
    assert set(fraction_gains(Counts(10, 0, 90, 0), Margin(1.1, 0.0))) == {0.0}
    assert max(fraction_gains(Counts(10, 0, 90, 0), Margin(1.1, 0.001))) < 0.0


@pytest.mark.parametrize("limit", [0.01, 0.05, 0.3, 0.9])
def test_the_absolute_guard_bets_fairly_on_both_sides(limit):
    n = 40
    for factors, rates in (((1.6, 5.0, 100.0), (limit, limit / 2, 0.0)), ((0.5, 0.001), (limit, 1.0))):
        for p in rates:
            chances = binomial(n, p)
            for k in range(len(factors)):
                mean = sum(c * exp(limit_gains(n, x, limit, factors)[k]) for x, c in enumerate(chances))
                assert mean <= SLACK
