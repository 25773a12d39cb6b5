"""Where two answers differ: one file a case (`cases/*.json`), and what holds of all."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.comparing.answers import ELSEWHERE, MOST_SPOTS, Answer
from pilotage.comparing.differing import differing
from pilotage.comparing.places import Rules, endpoint, matches, name
from pilotage.core.comparing import CompareSettings, segments

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def answer(
    body: object, *, status: int = 200, kind: str = "application/json", seconds: float = 0.01, **headers
):
    raw = body.encode() if isinstance(body, str) and "json" not in kind else json.dumps(body).encode()
    named = tuple((key.replace("_", "-"), str(value)) for key, value in headers.items())
    return Answer(status, (("Content-Type", kind), *named), raw, seconds)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path):
    case = json.loads(path.read_text())
    rules = Rules(CompareSettings.model_validate(case.get("settings", {})))
    old, new = (answer(**case[side]) for side in ("old", "new"))
    found = sorted(f"{spot.place} {spot.trait.value}" for spot in differing(old, new, rules))
    assert found == case["differ"]


RULES = Rules(CompareSettings())


@given(VALUES)
def test_an_answer_does_not_differ_from_itself(value):
    assert differing(answer(value), answer(value), RULES) == {}


@given(VALUES, VALUES)
def test_answers_differ_both_ways_or_not_at_all(one, two):
    there = {spot.place for spot in differing(answer(one), answer(two), RULES)}
    back = {spot.place for spot in differing(answer(two), answer(one), RULES)}
    assert there == back


@given(VALUES, VALUES)
def test_what_is_ignored_at_the_root_never_differs(one, two):
    rules = Rules(CompareSettings(ignore=("$",)))
    assert differing(answer(one), answer(two), rules) == {}


@given(st.lists(st.integers() | st.text(max_size=3), max_size=6), st.randoms())
def test_an_unordered_list_may_be_shuffled(items, chance):
    shuffled = chance.sample(items, len(items))
    rules = Rules(CompareSettings(unordered=("$",)))
    assert differing(answer(items), answer(shuffled), rules) == {}


@given(st.binary(max_size=30), st.binary(max_size=30))
def test_any_bytes_are_compared(one, two):
    old, new = (Answer(200, (("content-type", "image/png"),), body, 0.1) for body in (one, two))
    # Line ends alone are no difference in a text.
    assert bool(differing(old, new, RULES)) <= (one != two)


def test_spots_have_an_end():
    one, two = ({f"key{n}a": side for n in range(900)} for side in (1, 2))
    found = differing(answer(one), answer(two), RULES)
    assert len(found) == MOST_SPOTS + 1
    assert ELSEWHERE in found


def test_deep_answers_do_not_end_the_comparison():
    deep = "[" * 100_000 + "]" * 100_000
    one = Answer(200, (("content-type", "application/json"),), deep.encode(), 0.1)
    assert differing(one, answer([]), RULES)


def test_slower_is_by_factor_and_by_time():
    rules = Rules(CompareSettings.model_validate({"slower": {"times": 2, "plus": "100ms"}}))
    quick = answer(1, seconds=0.010)
    assert not differing(quick, answer(1, seconds=0.119), rules)
    assert differing(quick, answer(1, seconds=0.121), rules)
    assert rules.settings.slower.plus == timedelta(milliseconds=100)


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("/orders/17?token=abc", "GET /orders/*"),
        ("/", "GET /"),
        ("/users/jane@example.org", "GET /users/*"),
        ("/a/9f8e7d6c-0000-4000-8000-1234567890ab/b", "GET /a/*/b"),
        ("/plain/words/stay", "GET /plain/words/stay"),
        ("/t/eyJhbGciOiJIUzI1NiJ9.payload", "GET /t/*"),
    ],
)
def test_an_endpoint_has_no_ids_and_no_query(target, told):
    assert endpoint("GET", target) == told


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("$.items[*].price", "$.items[*].price", True),
        ("$.items[*].price", "$.items.price", False),
        ("$.*.price", "$.items.price", True),
        ("$.**.price", "$.a.b.c.price", True),
        ("$.**", "$", True),
        ("$.a", "$.a.b", False),
        ('$["a.b"].c', '$["a.b"].c', True),
        ("header.x-*", "header.x-trace", False),
    ],
)
def test_patterns(pattern, path, fits):
    assert matches(segments(pattern), segments(path)) is fits


@pytest.mark.parametrize("wrong", ["", "items", "$.a[", "$..", "headers.etag", "$.a[1]"])
def test_what_is_no_place_is_refused(wrong):
    with pytest.raises(ValueError, match="is not a place"):
        segments(wrong)


@given(st.lists(st.text(min_size=1, max_size=6).filter(lambda part: '"' not in part), max_size=4))
def test_a_name_can_be_read_back_as_a_pattern(parts):
    path = ("$", *parts)
    if all(part.isprintable() and "\\" not in part for part in parts):
        assert segments(name(path)) == path
