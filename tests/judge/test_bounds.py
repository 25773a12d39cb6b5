"""The bounds: of what the judge's own bets gain, and of every forecast."""

from __future__ import annotations

from math import inf, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotage.core.judging import JudgeSettings
from pilotage.core.traffic import Traffic
from pilotage.judge.bounds import best_gain, harm, least_requests
from pilotage.judge.evidence import WORSE, Counts, Margin, poisson_gains
from pilotage.judge.foresight import Path, Stage, Truth

bases = st.sampled_from([0.0, 0.0001, 0.001, 0.01, 0.05])
odds = st.floats(0.01, 1.0)
margins = st.builds(Margin, st.floats(1.0, 2.0), st.floats(0.0001, 0.01))


@given(st.floats(0.0, 1.0), bases, odds, margins)
def test_no_bet_gains_more_than_the_bound(new: float, old: float, o: float, margin: Margin) -> None:
    gains = poisson_gains(Counts(1.0, new, 1.0 / o, old / o), margin, WORSE)
    assert max(gains) <= best_gain(new, old, o, margin) + 1e-9


@given(st.floats(0.0, 1.0), bases, odds, margins)
def test_what_is_within_the_margin_can_not_be_told(new: float, old: float, o: float, margin: Margin) -> None:
    within = new <= margin.ratio * old + margin.excess
    assert (least_requests(new, old, o, margin, 0.01) == inf) is within


@settings(max_examples=30, deadline=None)
@given(st.floats(5.0, 500.0), bases, st.floats(0.02, 0.5), st.floats(1.5, 20.0))
def test_no_forecast_is_better_than_the_bound(rps: float, base: float, share: float, ratio: float) -> None:
    judged, new = JudgeSettings(latency=False), min(1.0, base * ratio + 0.005)
    end = Path(judged, Traffic(requests=rps, errors=base)).stage(Stage(1, share), Truth(new))
    margin = Margin(judged.error_ratio, judged.error_excess)
    least = least_requests(new, base, share / (1.0 - share), margin, judged.false_rollback)
    assert end.back is None or end.back * share * rps >= least


def test_the_harm_law() -> None:
    nats = log(100.0) + 3.5
    assert [round(harm(ratio, nats)) for ratio in (1.5, 2.0, 5.0, 10.0)] == [37, 21, 8, 5]


@pytest.mark.parametrize(("base", "share"), [(0.001, 0.02), (0.01, 0.1)])
def test_the_harm_law_is_the_bound_without_a_margin(base: float, share: float) -> None:
    new, none = 5.0 * base, Margin(1.0, 0.0)
    requests = log(100.0) / best_gain(new, base, 1e-6, none)
    assert requests * (new - base) == pytest.approx(harm(5.0, log(100.0)), rel=1e-3)
    assert least_requests(new, base, share, none, 0.01) >= requests
