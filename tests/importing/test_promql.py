"""What queries count."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.importing.promql import (
    Counter,
    Fraction,
    Level,
    Mean,
    NotUnderstood,
    Quantile,
    counted,
    with_version,
)


def test_a_share_of_requests_that_succeed() -> None:
    found = counted('sum(rate(r_total{s="a", code!~"5.."}[5m])) / sum(rate(r_total{s="a"}[5m]))')
    assert isinstance(found.shape, Fraction)
    assert str(found.shape.whole) == 'r_total{s="a"}'
    assert str(found.shape.rest) == 'r_total{s="a", code=~"5.."}'
    assert (found.offset, found.scale) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("query", "offset", "scale"),
    [
        ("rate(a{x='1'}[1m]) / rate(a[1m]) * 100", 0, 100),
        ("100 * rate(a{x='1'}[1m]) / rate(a[1m])", 0, 100),
        ("100 - rate(a{x='1'}[1m]) / rate(a[1m]) * 100", 100, -100),
        ("1 - (sum by (x) (rate(a{x='1'}[1m])) / on(x) sum without (y) (rate(a[1m])))", 1, -1),
        ("(rate(a{x='1'}[1m]) / rate(a[1m])) / 2 + 3", 3, 0.5),
        ("scalar(rate(a{x='1'}[1m]) / rate(a[1m]) or vector(0))", 0, 1),
    ],
)
def test_numbers_around_a_share(query: str, offset: float, scale: float) -> None:
    found = counted(query)
    assert isinstance(found.shape, Fraction)
    assert (found.offset, found.scale) == (offset, scale)


def test_other_figures() -> None:
    assert counted("histogram_quantile(0.9, sum(rate(d_bucket[5m])) by (le))").shape == Quantile(
        0.9, counted("sum(rate(d_bucket[5m]))").shape.counter
    )
    assert isinstance(counted("sum(increase(orders_total[5m]))").shape, Counter)
    assert isinstance(counted("sum(rate(a[1m])) / sum(rate(b[1m]))").shape, Mean)
    assert isinstance(counted('avg(temperature{room="1"})').shape, Level)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "max(rate(a[1m])) > 3",
        "sum(a) / sum(b)",
        "rate(a[1m] offset 1d)",
        "topk(3, a)",
        "max_over_time(a[5m])",
        "rate(a[1m]) - rate(b[1m])",
        "rate(a[1m]) / rate(a[1m])",
        'a{x="1"',
        "a b",
        "(" * 500 + "a" + ")" * 500,
        "absent(up)",
    ],
)
def test_what_is_not_understood_is_said(query: str) -> None:
    with pytest.raises(NotUnderstood, match=r"\w"):
        counted(query)


def test_a_version_is_added_once() -> None:
    once = with_version(counted('a{x="1"}').shape.gauge)
    assert str(once) == 'a{x="1", version="{version}"}'
    assert with_version(once) == once


@given(st.text(alphabet="ab_total{}()[]\"'=~!,/*+-015mratesumby <>%^\\\n`", max_size=60))
def test_any_text_is_counted_or_refused(query: str) -> None:
    with suppress(NotUnderstood):
        assert counted(query).scale == counted(query).scale
