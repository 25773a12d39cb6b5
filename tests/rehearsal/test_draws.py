"""Numbers as chance has them: the right mean, the right spread, nothing lost."""

from __future__ import annotations

from math import sqrt
from random import Random
from statistics import fmean, pvariance

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pilotage.rehearsal.crowd import Crowd, reached
from pilotage.rehearsal.draws import cells, poisson
from pilotage.rehearsal.spread import Odds, Spread

TIMES = 4000


@pytest.mark.parametrize("mean", [0.02, 0.7, 8.0, 29.9, 30.1, 75.0, 4000.0])
def test_the_mean_and_the_variance_are_those_of_poisson(mean):
    chance = Random(1)
    found = [poisson(chance, mean) for _ in range(TIMES)]
    assert abs(fmean(found) - mean) < 5 * sqrt(mean / TIMES)
    # The variance of a sample variance of Poisson numbers is about (mu + 2 mu²)/n.
    assert abs(pvariance(found) - mean) < 5 * sqrt((mean + 2 * mean * mean) / TIMES)


def test_nothing_expected_is_nothing():
    assert poisson(Random(1), 0.0) == 0
    assert cells(Random(1), 0.0, (0.5, 0.5)) == [0, 0]


@pytest.mark.parametrize("mean", [5.0, 63.0, 65.0, 900.0])
def test_cells_share_their_events_as_their_chances_say(mean):
    chance, parts = Random(2), (0.7, 0.2, 0.1)
    drawn = [cells(chance, mean, parts) for _ in range(1500)]
    for place, part in enumerate(parts):
        found = [one[place] for one in drawn]
        assert abs(fmean(found) - mean * part) < 5 * sqrt(mean * part / len(drawn))


@given(st.integers(1, 10**7), st.floats(0, 1e9))
@example(13257, 2.225073858507e-311)
def test_nobody_is_reached_twice(users, requests):
    found = reached(users, requests)
    assert 0.0 <= found <= min(users, requests) * (1 + 1e-9)


@given(st.booleans(), st.lists(st.tuples(st.floats(0, 1e5), st.floats(0.001, 1)), max_size=8))
def test_who_has_seen_it_has_seen_it(by_user, looks):
    crowd, before = Crowd(1000, by_user=by_user), 0.0
    for requests, share in looks:
        crowd.saw(requests, share)
        assert before - 1e-6 <= crowd.exposed <= 1000 * (1 + 1e-9)
        if by_user:
            largest = max(share for _, share in looks)
            assert crowd.exposed <= 1000 * largest * (1 + 1e-9)
        before = crowd.exposed


def test_shares_of_users_reach_fewer_people_than_shares_of_requests():
    by_user, by_request = Crowd(1000, by_user=True), Crowd(1000, by_user=False)
    for crowd in (by_user, by_request):
        crowd.saw(5000, 0.05)
    assert by_user.exposed == pytest.approx(50)
    assert by_request.exposed > 990


def test_a_spread_is_the_middle_and_eight_in_ten():
    assert Spread.of([]) is None
    found = Spread.of([float(value) for value in range(11)])
    assert found == Spread(median=5, low=1, high=9)


@pytest.mark.parametrize(
    ("hits", "runs", "low", "high"),
    [(10, 10, 0.7225, 1.0), (0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_odds_have_the_interval_of_wilson(hits, runs, low, high):
    """81 of 263 is the example of Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    found = Odds.of(hits, runs)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
