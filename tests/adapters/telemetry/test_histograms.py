"""Histograms of all kinds as counts up to fixed bounds."""

from __future__ import annotations

from bisect import bisect_left
from math import ceil, inf, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.adapters.telemetry.histograms import (
    FINEST,
    Classic,
    Exponential,
    Histogram,
    aligned,
    common_bounds,
    samples,
    schema_of,
)

NOBODY = frozenset({("instance", "a")})


def counted(values: list[float], schema: int) -> Exponential:
    """By the definition: bucket i holds what is in (2^((i-1)/2^schema), 2^(i/2^schema)]."""
    buckets: dict[int, float] = {}
    for value in values:
        index = ceil(log2(value) * 2.0**schema)
        buckets[index] = buckets.get(index, 0) + 1
    return Exponential(schema, buckets)


seconds = st.lists(st.floats(0.002, 30), min_size=1, max_size=30)
fine = st.integers(FINEST, 8)


@given(seconds, fine)
def test_counts_up_to_fixed_bounds_are_those_of_the_values(values: list[float], schema: int) -> None:
    found = counted(values, schema)
    for bound in found.bounds():
        # A value on a bound may be on either side of it: floats.
        least = sum(value < bound * (1 - 1e-9) for value in values)
        most = sum(value <= bound * (1 + 1e-9) for value in values)
        count = found.up_to(bound)
        assert count is not None
        assert least <= count <= most
    assert found.up_to(inf) == len(values)


@given(seconds, fine, st.integers(0, 6))
def test_merging_to_a_coarser_schema_keeps_every_bound_it_still_has(
    values: list[float], schema: int, steps: int
) -> None:
    found = counted(values, schema)
    coarse = found.coarser(schema - steps)
    for bound in aligned(min(schema - steps, FINEST)):
        assert coarse.up_to(bound) == found.up_to(bound)
    assert coarse.up_to(inf) == found.up_to(inf)


@given(seconds, seconds, fine, fine)
def test_two_together_are_their_sum(one: list[float], other: list[float], a: int, b: int) -> None:
    both = counted(one, a).plus(counted(other, b))
    assert both.schema == min(a, b)
    for bound in (*both.bounds(), inf):
        alone = counted(one, a).up_to(bound), counted(other, b).up_to(bound)
        assert None not in alone
        assert both.up_to(bound) == sum(x for x in alone if x is not None)


@given(st.integers(-4, 8), st.integers(-40, 40))
def test_the_schema_is_known_by_the_bounds_of_a_bucket(schema: int, index: int) -> None:
    lower, upper = 2.0 ** ((index - 1) / 2.0**schema), 2.0 ** (index / 2.0**schema)
    assert schema_of(lower, upper) == schema


@pytest.mark.parametrize(("lower", "upper"), [(0, 1), (1, 1), (2, 1), (1, 3), (-1, 1), (1, inf), (0.1, 0.25)])
def test_other_buckets_have_no_schema(lower: float, upper: float) -> None:
    assert schema_of(lower, upper) is None


def test_a_bound_within_a_bucket_is_none_of_its_own() -> None:
    found = counted([0.3, 0.7], schema=0)
    assert found.up_to(0.5) == 1
    assert found.up_to(2**-0.5) is None
    assert found.up_to(0) is None
    assert Exponential(0, {}, low=1, threshold=0.01).up_to(0.001) is None


def test_the_zero_bucket_is_below_every_bound() -> None:
    assert Exponential(2, {1: 5}, low=3, threshold=1e-9).up_to(1.0) == 3


@pytest.mark.parametrize(("unit", "lowest", "highest"), [(1.0, 2**-10, 64), (0.001, 1, 65536)])
def test_fixed_bounds_go_from_a_millisecond_to_a_minute(unit: float, lowest: float, highest: float) -> None:
    bounds = aligned(FINEST, unit)
    assert (bounds[0], bounds[-1], len(bounds)) == (lowest, highest, 65)
    assert set(aligned(0, unit)) <= set(bounds)


def test_bounds_are_those_that_all_have() -> None:
    one = Histogram(NOBODY, 0, Classic({0.1: 1, 0.5: 2, 1.0: 2, inf: 3}))
    other = Histogram(NOBODY, 0, Classic({0.1: 1, 1.0: 2, 5.0: 2, inf: 3}))
    assert common_bounds([one, other]) == (0.1, 1.0)
    assert common_bounds([]) == ()


def test_what_does_not_fit_the_bounds_is_left_out_and_said() -> None:
    notes: list[str] = []
    found = Histogram(NOBODY, 7, Classic({0.1: 1, 1.0: 2, inf: 3}))
    made = samples([found], (0.1, 1.0), notes)
    assert made is not None
    assert made[0].values == (1, 2, 3)
    assert samples([found], (0.1, 0.2), notes) is None
    assert "do not fit" in notes[0]


@given(seconds, st.lists(st.floats(0.001, 100), min_size=1, max_size=8, unique=True).map(sorted))
def test_classic_ones_add_up(values: list[float], bounds: list[float]) -> None:
    def classic(those: list[float]) -> Classic:
        places = [bisect_left(bounds, value) for value in those]
        return Classic({b: sum(p <= i for p in places) for i, b in enumerate(bounds)} | {inf: len(those)})

    half = len(values) // 2
    assert classic(values[:half]).plus(classic(values[half:])) == classic(values)
    assert classic(values).plus(Classic({inf: 0.0})) is None
