"""The ledger: what is counted, and what is left out and said."""

from __future__ import annotations

from itertools import pairwise
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.adapters.telemetry.ledger import Falls, Fate, Labels, Ledger, Rules, Sample, shown

RULES = Rules(stale=60.0, gone=300.0, aside=frozenset({"job"}))


def labels(**pairs: str) -> Labels:
    return frozenset({"__name__": "requests_total", **pairs}.items())


A, B = labels(instance="a"), labels(instance="b")


def look(ledger: Ledger, now: float, *samples: Sample, fate: Fate = Fate.UNKNOWN) -> float | None:
    ledger.take(samples, now)
    ledger.settle(now, lambda _: fate)
    total = ledger.total()
    return None if total is None else total[0]


def sample(series: Labels, at: float, value: float, start: float | None = None) -> Sample:
    return Sample(series, at, (value,), start)


def test_it_begins_with_what_is_there_and_adds_what_comes() -> None:
    ledger = Ledger(RULES)
    assert look(ledger, 0, sample(A, 0, 100), sample(B, 0, 50)) == 150
    assert look(ledger, 15, sample(A, 15, 110), sample(B, 14, 51)) == 161
    assert ledger.notes() == ()


def test_a_fall_is_a_restart() -> None:
    ledger = Ledger(RULES)
    look(ledger, 0, sample(A, 0, 100))
    assert look(ledger, 15, sample(A, 15, 7)) == 107


def test_a_restart_that_has_overtaken_its_old_value_is_told_by_its_start() -> None:
    ledger = Ledger(RULES)
    look(ledger, 0, sample(A, 0, 100, start=-1000))
    assert look(ledger, 15, sample(A, 15, 130, start=5)) == 230


def test_a_sum_that_falls_is_no_restart() -> None:
    ledger = Ledger(Rules(stale=60, gone=300, falls=Falls.UNKNOWN))
    look(ledger, 0, sample(A, 0, 100))
    assert look(ledger, 15, sample(A, 15, 90)) == 100
    assert "fell" in ledger.notes()[0]
    assert look(ledger, 30, sample(A, 30, 95)) == 105


def test_a_later_series_counts_from_its_first_value() -> None:
    ledger = Ledger(RULES)
    look(ledger, 0, sample(A, 0, 100))
    assert look(ledger, 15, sample(A, 15, 100), sample(B, 15, 5000)) == 100
    assert look(ledger, 30, sample(A, 30, 100), sample(B, 30, 5003)) == 103


def test_a_later_series_that_began_since_counts_from_nothing() -> None:
    ledger = Ledger(RULES)
    look(ledger, 0, sample(A, 0, 100))
    assert look(ledger, 15, sample(A, 15, 100), sample(B, 15, 5, start=4)) == 105


def test_a_stale_series_makes_the_counter_unknown_until_it_is_heard_again() -> None:
    ledger = Ledger(RULES)
    look(ledger, 0, sample(A, 0, 100), sample(B, 0, 0))
    assert look(ledger, 60, sample(A, 60, 101), sample(B, 0, 0)) == 101
    assert look(ledger, 75, sample(A, 75, 102)) is None
    assert 'instance="b"' in ledger.notes()[0]
    assert "75 s" in ledger.notes()[0]
    assert look(ledger, 90, sample(A, 90, 103), sample(B, 90, 9)) == 112


def test_what_is_gone_for_long_has_ended_unless_it_is_known_to_be_silent() -> None:
    for fate, total in ((Fate.UNKNOWN, 120), (Fate.MISSING, None), (Fate.ENDED, 120)):
        ledger = Ledger(RULES)
        look(ledger, 0, sample(A, 0, 100), sample(B, 0, 0))
        assert look(ledger, 301, sample(A, 301, 120), fate=fate) == total
        assert 'instance="b"' in ledger.notes()[0]


def test_an_end_that_is_known_is_not_waited_for() -> None:
    ledger = Ledger(RULES)
    look(ledger, 0, sample(A, 0, 100), sample(B, 0, 7))
    assert look(ledger, 61, sample(A, 61, 120), fate=Fate.ENDED) == 127
    assert look(ledger, 76, sample(A, 76, 121), sample(B, 76, 50)) == 128, "it counts anew from its first value"


def test_when_all_have_ended_nothing_is_known() -> None:
    ledger = Ledger(RULES)
    look(ledger, 0, sample(A, 0, 100))
    assert look(ledger, 61, fate=Fate.ENDED) is None


def test_the_same_series_twice_is_not_known_and_counts_nothing_twice() -> None:
    ledger = Ledger(RULES)
    one, other = labels(instance="a", job="shop"), labels(instance="a", job="again")
    assert look(ledger, 0, sample(one, 0, 100)) == 100
    assert look(ledger, 15, sample(one, 15, 110), sample(other, 15, 110)) is None
    assert "more than once" in ledger.notes()[0]
    assert look(ledger, 30, sample(one, 30, 120)) == 120


def test_two_values_at_one_time_are_not_known() -> None:
    ledger = Ledger(RULES)
    look(ledger, 0, sample(A, 0, 100))
    assert look(ledger, 15, sample(A, 15, 110), sample(A, 15, 111)) is None
    assert look(ledger, 30, sample(A, 30, 120)) == 120


def test_a_late_sample_is_left_out_and_said() -> None:
    ledger = Ledger(RULES)
    look(ledger, 0, sample(A, 0, 100))
    look(ledger, 15, sample(A, 15, 110))
    assert look(ledger, 16, sample(A, 10, 105)) == 110
    assert "late" in ledger.notes()[0]


def test_a_renamed_series_is_one_that_ends_and_one_that_begins() -> None:
    ledger = Ledger(RULES)
    before, after = labels(instance="a", code="200"), labels(instance="a", status="200")
    look(ledger, 0, sample(before, 0, 1_000_000))
    assert look(ledger, 15, sample(after, 15, 1_000_010)) == 1_000_000
    assert look(ledger, 75, sample(after, 75, 1_000_050), fate=Fate.ENDED) == 1_000_040


def test_nothing_seen_is_nothing_known_or_zero_if_that_is_said() -> None:
    assert look(Ledger(RULES), 0) is None
    ledger = Ledger(Rules(stale=60, gone=300, zero=True))
    assert look(ledger, 0) == 0
    assert look(ledger, 15, sample(A, 15, 3)) == 0
    assert look(ledger, 30, sample(A, 30, 4)) == 1


@pytest.mark.parametrize("value", [nan, inf, -1.0, 1e300])
def test_what_is_no_count_is_no_sample(value: float) -> None:
    ledger = Ledger(RULES)
    look(ledger, 0, sample(A, 0, 100))
    assert look(ledger, 15, sample(A, 15, value)) == 100
    assert "no count" in ledger.notes()[0]
    assert look(ledger, 30, sample(A, 15, value), sample(A, 30, 101)) == 101
    assert ledger.notes() == (), "a later sound sample ends it"


def test_a_sample_of_the_future_is_left_out() -> None:
    ledger = Ledger(RULES)
    look(ledger, 0, sample(A, 0, 100))
    assert look(ledger, 15, sample(A, 500, 110)) == 100
    assert "future" in ledger.notes()[0]
    assert look(ledger, 16, sample(A, 16, 105)) == 105


def test_other_buckets_than_before_are_left_out() -> None:
    ledger = Ledger(RULES)
    ledger.take([Sample(A, 0, (1.0, 2.0))], 0)
    ledger.take([Sample(A, 15, (1.0, 2.0, 3.0))], 15)
    assert ledger.total() == (1.0, 2.0)
    assert "buckets" in ledger.notes()[0]


def test_names_are_shown_short() -> None:
    assert shown(labels(code="500")) == 'requests_total{code="500"}'
    assert len(shown(labels(path="x" * 500))) == 158


counts = st.lists(st.integers(0, 1000), min_size=1, max_size=12)
"""What a series shows from scrape to scrape; where it falls, its process began anew."""


def increase(values: list[int]) -> int:
    """As PromQL's ``increase`` counts, without its extrapolation."""
    return sum(later - earlier if later >= earlier else later for earlier, later in pairwise(values))


@given(st.dictionaries(st.sampled_from("abcd"), counts, min_size=1))
def test_it_counts_as_increase_does(series: dict[str, list[int]]) -> None:
    """Series that are scraped for a while and then no more; none is silent for too long."""
    ledger = Ledger(Rules(stale=1000, gone=2000))
    longest = max(map(len, series.values()))
    for tick in range(longest):
        there = [sample(labels(instance=i), tick, v[tick]) for i, v in series.items() if tick < len(v)]
        look(ledger, tick, *there)
    expected = sum(values[0] + increase(values) for values in series.values())
    assert ledger.total() == (expected,)


@given(counts, st.data())
def test_windows_that_overlap_and_gaps_between_looks_change_nothing(
    values: list[int], data: st.DataObject
) -> None:
    """All at once, one by one, or again and again: nothing is counted twice."""
    samples = [sample(A, tick, value) for tick, value in enumerate(values)]
    whole = Ledger(Rules(stale=1000, gone=2000))
    whole.take(samples, len(samples))
    pieces = Ledger(Rules(stale=1000, gone=2000))
    seen = 0
    while seen < len(samples):
        first = data.draw(st.integers(0, seen))
        seen = data.draw(st.integers(seen + 1, len(samples)))
        pieces.take(data.draw(st.permutations(samples[first:seen])), seen)
    assert pieces.total() == whole.total()


numbers = st.one_of(st.floats(), st.integers(-5, 50).map(float))
rubbish = st.builds(
    Sample,
    st.sampled_from([A, B, labels(instance="a", job="x")]),
    st.one_of(st.floats(), st.floats(0, 100)),
    st.tuples(numbers),
    st.one_of(st.none(), st.floats()),
)


@given(st.lists(st.tuples(st.lists(rubbish, max_size=6), st.sampled_from(list(Fate))), max_size=12))
def test_rubbish_never_raises_never_falls_and_is_never_endless(looks: list[tuple[list[Sample], Fate]]) -> None:
    ledger = Ledger(RULES)
    before = 0.0
    for number, (samples, fate) in enumerate(looks):
        total = look(ledger, 10.0 * number, *samples, fate=fate)
        if total is not None:
            assert before <= total < 1e17
            before = total


@given(counts, st.integers(1, 11), st.integers(0, 1000), st.sampled_from(["twin", "late", "nothing", "nan"]))
def test_trouble_that_has_passed_leaves_no_trace(rises: list[int], when: int, other: int, trouble: str) -> None:
    """Afterwards the counter is what it would have been."""
    ledger, value = Ledger(RULES), 0
    for tick, rise in enumerate(rises):
        value += rise
        if tick != when:
            ledger.take([sample(A, tick, value)], tick)
        elif trouble == "twin":
            ledger.take([sample(A, tick, value), sample(labels(instance="a", job="x"), tick, other)], tick)
        elif trouble == "late":
            ledger.take([sample(A, tick - 1.5, other), sample(A, tick, value)], tick)
        elif trouble == "nan":
            ledger.take([sample(A, tick, nan)], tick)
    if when != len(rises) - 1:
        assert ledger.total() == (value,)
