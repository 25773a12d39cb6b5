"""Queries with placeholders: no value can change their meaning."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.adapters.telemetry.prometheus import promql

STRANGE = '2"} or vector(1) #`\\\n{service}.*|\x07é'


def values(version: str) -> dict[str, str]:
    return {"version": version, "service": "shop", "environment": "production", "release": "r-1"}


def test_placeholders_are_filled_in_texts_and_the_rest_is_left() -> None:
    query = 'sum by (code) (x_total{version="{version}", app=~"{service}-.+"}) # by {code}'
    assert promql.fill(query, values("1.0")) == query.replace("{version}", "1.0").replace("{service}", "shop")


def test_regular_expressions_mean_the_value_itself() -> None:
    assert promql.fill('x{v=~"a|{version}"}', values("1.0+b")) == 'x{v=~"a|1\\\\.0\\\\+b"}'
    assert promql.fill("x{v !~ '{version}'}", values("it's")) == "x{v !~ 'it\\'s'}"


_ESCAPES = {"n": "\n", '"': '"', "'": "'", "\\": "\\"}


def unquoted(text: str) -> str:
    """As Prometheus reads a quoted text: the escapes of Go."""
    assert text[0] == text[-1]
    inner = text[1:-1]
    assert not re.search(rf"(?<!\\)(?:\\\\)*{text[0]}", inner), "a quote that ends it early"
    assert "\n" not in inner

    def one(found: re.Match[str]) -> str:
        return chr(int(found[1][1:], 16)) if found[1][0] == "x" else _ESCAPES[found[1]]

    return re.sub(r"\\(x[0-9a-f]{2}|.)", one, inner)


@given(st.text() | st.just(STRANGE), st.sampled_from("'\""))
def test_a_text_means_exactly_the_value(version: str, quote: str) -> None:
    filled = promql.fill(f"x{{v={quote}{{version}}{quote}}}", values(version))
    assert unquoted(filled.removeprefix("x{v=").removesuffix("}")) == version


@given(st.text(st.characters(exclude_characters="\x00")) | st.just(STRANGE))
def test_a_regular_expression_matches_exactly_the_value(version: str) -> None:
    filled = promql.fill('x{v=~"{version}"}', values(version))
    pattern = unquoted(filled.removeprefix("x{v=~").removesuffix("}"))
    assert re.fullmatch(pattern, version)
    assert not re.fullmatch(pattern, version + "x")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "empty"),
        ('x{v="{version}', "not closed"),
        ("x{version}", "outside of a text"),
        ("x{v=`{version}`}", "outside of a text"),
        ('x{v="1"} # {version}', "outside of a text"),
        ('x{v="{version}", job="{servise}"}', "did you mean `{service}`"),
        ('x{job="{service}"}', "tell the two versions apart"),
        ('rate(x{v="{version}"}[5m])', "rate(…) is no cumulative counter"),
        ('sum(increase(x{v="{version}"}[1h]))', "increase(…)"),
        ('max_over_time(x{v="{version}"}[1h])', "max_over_time(…)"),
    ],
)
def test_queries_that_can_not_be_used_are_refused(query: str, words: str) -> None:
    assert words in (promql.trouble(query, cumulative=True) or "")


def test_other_queries_are_not_refused() -> None:
    assert promql.trouble('x{v="{version}", path="rate(x)"}', cumulative=True) is None
    assert promql.trouble('rate(x{v="{release}"}[5m])', cumulative=False) is None
    assert promql.trouble("process_start_time_seconds", cumulative=False, apart=False) is None


@pytest.mark.parametrize("query", ["x", ' x_total{a="}",b=~"c"} ', '{__name__="x"}', "job:x:sum # why"])
def test_selectors_are_told(query: str) -> None:
    assert promql.is_selector(query)
    assert promql.of_the_last(query, 60).endswith("[60000ms]")
    assert "#" not in promql.of_the_last(query, 60)


@pytest.mark.parametrize(
    "query", ["sum(x)", "x + y", "x offset 5m", "x[5m]", 'x{a="b"} / y', "x @ 5", "-x", ""]
)
def test_expressions_are_told(query: str) -> None:
    assert not promql.is_selector(query)


def test_sums_are_told() -> None:
    assert promql.sums('sum by (instance) (x{v="1"})')
    assert not promql.sums('x{path="sum"} * on(instance) group_left() build_info')
