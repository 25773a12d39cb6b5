"""The bets on paired answers: their chances by exact enumeration, and what they find."""

from __future__ import annotations

from math import comb, exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.comparing.evidence import Pairs, fewer_than, more_than, still_needed, upper_bound

N = 12


def mean(bet, new: float, noise: float, most: float) -> float:
    """The exact expectation of the wealth after N answers, of which so many parts are only new, only noise."""
    total = 0.0
    for a in range(N + 1):
        for b in range(N + 1 - a):
            ways = comb(N, a) * comb(N - a, b)
            chance = ways * new**a * noise**b * (1 - new - noise) ** (N - a - b)
            total += chance * exp(bet(Pairs(a, b, N - a - b), most))
    return total


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.3, 0.45])
@pytest.mark.parametrize("most", [0.0, 0.001, 0.05])
def test_evidence_against_is_worth_one_at_the_bound_and_less_below(noise, most):
    assert mean(more_than, noise + most, noise, most) == pytest.approx(1.0)
    if noise:
        assert mean(more_than, noise / 2, noise, most) < 1.0


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.3, 0.45])
@pytest.mark.parametrize("most", [0.001, 0.05])
def test_evidence_for_is_worth_one_at_the_bound_and_less_above(noise, most):
    assert mean(fewer_than, noise + most, noise, most) == pytest.approx(1.0)
    assert mean(fewer_than, noise + 2 * most, noise, most) < 1.0


def test_a_difference_in_every_answer_is_found_in_two_dozen():
    assert more_than(Pairs(new=24), 0.001) > log(257 / 0.01) > more_than(Pairs(new=12), 0.001)


def test_a_place_that_is_always_noise_is_no_evidence():
    assert more_than(Pairs(same=1_000_000), 0.0) == 0.0


def test_three_over_the_bound_are_needed_without_a_difference():
    """The rule of three, and a little for looking at every moment."""
    assert 3_000 < still_needed(Pairs(), 0.001, 0.05) < 5_000


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 3_000), st.floats(0.001, 0.5))
def test_what_is_still_needed_is_enough_and_no_more(new, noise, same, most):
    pairs = Pairs(new, noise, same)
    needed = still_needed(pairs, most, 0.05)
    assert fewer_than(pairs._replace(same=same + needed), most) >= log(20) - 1e-9
    if needed:
        assert fewer_than(pairs._replace(same=same + needed - 1), most) < log(20)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 3_000))
def test_the_upper_bound_is_where_the_bet_begins_to_reject(new, noise, same):
    pairs = Pairs(new, noise, same)
    bound = upper_bound(pairs, 0.05)
    if bound is None:
        assert fewer_than(pairs, 1 - 1e-6) < log(20)
    else:
        assert fewer_than(pairs, bound) >= log(20) - 1e-6
        assert bound >= (new - noise) / max(1, pairs.of)


@given(st.booleans(), st.booleans())
def test_each_answer_is_counted_once(new, noise):
    assert Pairs().and_then(new=new, noise=noise).of == 1
