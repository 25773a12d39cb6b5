"""Numbers as people read them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pilotage.views import figures
from pilotage.views.rollout.drawing import share_bar
from pilotage.views.rollout.judgement import meter, scale


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0s"), (0.04, "0s"), (0.44, "0.4s"), (9.94, "9.9s"), (9.96, "10s"), (72, "1m12s"), (3600, "1h"),
     (11_163, "3h6m"), (187_200, "2d4h"), (-5, "0s")],
)  # fmt: skip
def test_durations(seconds: float, told: str) -> None:
    assert figures.lasting(timedelta(seconds=seconds)) == told


@pytest.mark.parametrize(
    ("fraction", "told"),
    [(0, "0 %"), (0.000001, "<0.001 %"), (0.00012, "0.012 %"), (0.0123, "1.2 %"), (0.5, "50 %"), (1, "100 %")],
)
def test_rates_have_two_digits(fraction: float, told: str) -> None:
    assert figures.rate(fraction) == told


@pytest.mark.parametrize(
    ("ppm", "told"),
    [
        (0, "0 %"),
        (1, "0.0001 %"),
        (5_000, "0.5 %"),
        (100_000, "10 %"),
        (333_333, "33.3 %"),
        (1_000_000, "100 %"),
    ],
)
def test_shares(ppm: int, told: str) -> None:
    assert figures.percent(ppm) == told


def test_evidence_is_never_rounded_up_to_a_decision() -> None:
    assert figures.part(0.999) == "99 %"
    assert meter(0.999, 10) == "■■■■■■■■■□"
    assert figures.part(1.0) == "100 %"


def test_a_share_that_is_not_nobody_and_not_everybody_shows_both_colours() -> None:
    assert share_bar(1, 10) == "█░░░░░░░░░"
    assert share_bar(999_999, 10) == "█████████░"
    assert share_bar(0, 10) == "░░░░░░░░░░"
    assert share_bar(1_000_000, 10) == "██████████"


def test_quantiles_come_from_cumulative_buckets() -> None:
    bounds = (0.01, 0.1, 1.0)
    assert figures.quantile(bounds, (50, 90, 100, 100), 0.5) == 0.01
    assert figures.quantile(bounds, (50, 90, 100, 100), 0.95) == 1.0
    assert figures.quantile(bounds, (0, 0, 0, 10), 0.5) is None
    assert figures.quantile(bounds, (0, 0, 0, 0), 0.5) is None
    assert figures.quantile(bounds, (), 0.5) is None


@pytest.mark.parametrize(
    ("low", "high", "limit", "drawn"),
    [
        (None, None, None, "‹━━━━━━━━━━━━━━━›"),
        (0.5, 2.0, 1.0, "····━━━━│━━━━····"),
        (8.0, None, 1.1, "·········│······›"),
        (38.0, 410.0, 1.1, "·········│······›"),
    ],
)
def test_an_interval_against_its_limit(
    low: float | None, high: float | None, limit: float | None, drawn: str
) -> None:
    assert scale(low, high, limit) == drawn
