"""The sentences, as people read them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pilotage.core.judging import JudgeSettings, Measure
from pilotage.judge import words
from pilotage.judge.latency import choose


@pytest.mark.parametrize(
    ("rate", "text"), [(0.0412, "4.1 %"), (0.001, "0.10 %"), (0.5, "50 %"), (1.0, "100 %"), (0.0, "0 %")]
)
def test_rates(rate, text):
    assert words.percent(rate) == text


@pytest.mark.parametrize(
    ("value", "text"), [(3412, "3 400"), (7, "7"), (0.2, "1"), (18.4, "18"), (1_234_567, "1 200 000")]
)
def test_numbers(value, text):
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "1 second"), (75, "75 seconds"), (545, "9 minutes"), (7300, "2 hours"), (400_000, "5 days")],
)
def test_times(seconds, text):
    assert words.lasting(seconds) == text


def test_what_is_missing():
    assert words.missing(3412, 6.3) == "about 3 400 more requests on the new version, 9 minutes at this traffic"
    assert words.missing(3412, 6.3, silent=True).endswith(" on the new version, which gets none at present")
    assert words.missing(3412, None) == "about 3 400 more requests on the new version"
    assert words.missing(None, 5.0) == "cannot be shown to be good enough at the present rates"


def test_why_it_is_taken_back():
    measure = Measure(name="errors", new=0.041, old=0.001, low=12.3, limit=1.1)
    assert words.worse(measure, words.margin(1.1, 0.0001), "") == (
        "errors: new 4.1 %, old 0.10 %; at least 12 times as many (limit 1.1 × old + 0.010 %)"
    )


def test_the_warm_up():
    text = words.warming(12.3, JudgeSettings(warm_up=timedelta(seconds=60)))
    assert text == "warming up: 12 s of 60 s; until then only a disaster counts"


def test_latency_bounds_are_named():
    assert words.slower((0.1, 0.25), 1, 0) == " (new: slower than 250 ms; old: slower than 100 ms)"
    assert words.slower((), 1, 0) == " slower than the chosen bound"


def test_bounds_nearest_to_the_percentiles_are_chosen_once():
    seen = [0.0, 500.0, 760.0, 905.0, 948.0, 985.0, 999.0, 1000.0, 1000.0]
    edges = choose(seen, 1)
    assert [edge.old for edge in edges] == sorted({edge.old for edge in edges})
    assert all(edge.new == edge.old + 1 for edge in edges)
    assert edges[0].name == "latency p50"
    assert [edge.name for edge in edges if edge.gating] == ["latency p50", "latency p95", "latency p98"]


def test_one_bound_is_enough_and_margins_stop_at_the_last_bound():
    (edge,) = choose([950.0, 1000.0], 3)
    assert (edge.old, edge.new, edge.gating) == (0, 0, True)


def test_a_bound_that_nothing_exceeds_is_the_lowest_such():
    edges = choose([1000.0, 1000.0, 1000.0, 1000.0], 1)
    assert [(edge.old, edge.new) for edge in edges] == [(0, 1)]


def test_a_bound_that_most_answers_exceed_is_watched_but_not_asked():
    """1.5 times 70 % are more than all: nothing could be shown to stay below."""
    seen = [300.0, 760.0, 905.0, 948.0, 985.0, 999.0, 1000.0]
    free, bounded = choose(seen, 1), choose(seen, 1, 0.33)
    assert [edge.old for edge in free if edge.gating] == [0, 3, 4]
    assert [edge.old for edge in bounded if edge.gating] == [1, 3, 4]
    assert [edge.old for edge in bounded] == [edge.old for edge in free]


def test_no_two_bounds_have_the_same_name():
    """Two may be nearest to one percentile: one that is watched, and one below that is asked."""
    seen = [50.0, 950.0, 1850.0, 1900.0, 1900.0, 1950.0, 2000.0, 2000.0, 2900.0]
    known = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.075, 0.1)
    told = {margin: [edge.name for edge in choose(seen, margin, 0.33, known)] for margin in range(4)}
    assert told[1] == ["latency p50", "latency p50 (60 ms)", "latency p75"]
    for names in told.values():
        assert len(set(names)) == len(names)


def test_a_bound_that_most_answers_exceed_is_asked_when_there_is_no_other():
    (edge,) = choose([100.0, 1000.0], 0, 0.33)
    assert edge.gating
