"""Figures from outside: whatever is sent, only real counts come through, and what does not is told."""

from __future__ import annotations

import json
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.core import figures
from pilotage.core.judging import Arm

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
NAMES = st.sampled_from(["requests", "errors", "latency_bucket", "shards", "orders", "cpu"])


def figures_of(arm: Arm) -> list[float]:
    extra = arm.model_extra or {}
    own = [arm.requests, arm.errors, *(arm.latency_bucket or ()), *extra.values()]
    inner = [value for shard in arm.shards or () for value in figures_of(shard)]
    return [value for value in own if value is not None] + inner


@given(st.dictionaries(NAMES | st.text(max_size=6), ANYTHING, max_size=6))
def test_only_real_counts_come_through(raw: dict[str, object]) -> None:
    notes: list[str] = []
    arm = figures.arm(raw, "the new version", notes)
    assert all(isfinite(value) and 0 <= value <= figures.MOST for value in figures_of(arm))
    assert arm.errors is None or arm.requests is None or arm.errors <= arm.requests
    assert notes or all(getattr(arm, name, None) is not None for name in raw if raw[name] is not None)
    assert Arm.model_validate_json(arm.model_dump_json()) == arm


@given(st.dictionaries(NAMES, ANYTHING, max_size=6))
def test_a_strangers_arm_is_cleaned_the_same_way(raw: dict[str, object]) -> None:
    notes: list[str] = []
    once = figures.arm(raw, "the old version", notes)
    again: list[str] = []
    assert figures.cleaned(once, "the old version", again) == once
    assert again == []


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (float("nan"), "requests is nan"),
        (float("inf"), "requests is inf"),
        (-1, "requests is negative"),
        (10**40, "requests is too large"),
        ("12", "requests is a text, not a number"),
        (True, "requests is true or false, not a number"),
        ([1], "requests is a list, not a number"),
        ({}, "requests is a mapping, not a number"),
    ],
)
def test_what_is_no_count_is_noted(value: object, told: str) -> None:
    notes: list[str] = []
    assert figures.figure(value, "requests", notes) is None
    assert notes == [f"{told}: left out"]


def test_a_count_and_nothing_need_no_note() -> None:
    notes: list[str] = []
    assert figures.figure(12, "requests", notes) == 12.0
    assert figures.figure(None, "requests", notes) is None
    assert notes == []


@pytest.mark.parametrize("value", [[3, 2], [1], "12", 7, [1, None], [1, float("nan")], {}])
def test_buckets_that_are_not_cumulative_are_noted(value: object) -> None:
    notes: list[str] = []
    assert figures.cumulative(value, "latency_bucket", notes) is None
    assert notes


@pytest.mark.parametrize("value", [[3, 2], [1, 1], "12", 7, [0.1, "x"]])
def test_bounds_that_do_not_rise_are_noted(value: object) -> None:
    notes: list[str] = []
    assert figures.bounds(value, notes) == ()
    assert notes


def test_shards_are_kept_whole_or_not_at_all() -> None:
    notes: list[str] = []
    two = json.loads('{"requests": 9, "shards": [{"requests": 4, "errors": 0}, {"requests": 5, "errors": 1}]}')
    arm = figures.arm(two, "the old version", notes)
    assert arm.shards is not None
    assert [shard.requests for shard in arm.shards] == [4, 5]
    assert notes == []
    two["shards"][1] = None
    assert figures.arm(two, "the old version", notes).shards is None
    assert notes == ["shards of the old version are not a list of at least two: left out"]
