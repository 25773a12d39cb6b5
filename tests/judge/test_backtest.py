"""Backtests: intervals, counting, margins; the whole on simulated histories."""

from __future__ import annotations

from datetime import timedelta
from math import exp, sqrt
from random import Random

import pytest

from pilotage.core.judging import JudgeSettings
from pilotage.judge.backtest import Judged, case_of, judged, permissions, quantile, rate, tried, windows
from pilotage.judge.margins import margin
from pilotage.judge.pretend import Counts, Moment, Ramp, Regression
from pilotage.judge.worsen import outage

from .streams import Scene, poisson, steady, stream

RAMP = Ramp((0.1, 0.5), 30.0)
PLAIN = JudgeSettings(latency=False, warm_up=timedelta(seconds=5), error_pass_excess=0.01)


def moments(seconds: int, instances: int = 2, seed: int = 1) -> list[Moment]:
    rng = Random(seed)
    return [
        Moment(float(t), 1.0, tuple(Counts(100, poisson(rng, 0.5)) for _ in range(instances)))
        for t in range(1, seconds + 1)
    ]


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (1, 100, 0.0018, 0.0545),
     (0, 0, 0.0, 1.0)],
)  # fmt: skip
def test_wilsons_interval(count: int, of: int, low: float, high: float) -> None:
    """Figures from the formula in Wilson 1927, worked out by hand."""
    found = rate(count, of)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_as_many_releases_as_fit_one_after_the_other() -> None:
    assert windows(moments(300), RAMP, 60.0).starts == (60.0, 120.0, 180.0, 240.0)
    assert windows(moments(119), RAMP, 60.0).starts == ()
    assert windows([], RAMP, 60.0).starts == ()


def test_whether_instances_are_split() -> None:
    assert windows(moments(300), RAMP, 0.0).by_instances
    assert not windows(moments(300, instances=1), RAMP, 0.0).by_instances


def test_a_release_is_judged_to_its_end() -> None:
    scene = Scene(new=steady(0.005), before=30.0, ramp=((0.0, 0.1), (60.0, 0.5)))
    found = judged(stream(scene, 1, 160), PLAIN)
    assert found.failed is None
    assert found.looks == 191
    assert found.shares == (0.1, 0.5)
    assert dict(found.permitted)[0.5] < 100


def test_a_bad_release_is_judged_to_its_failure() -> None:
    scene = Scene(new=steady(0.3), before=30.0, ramp=((0.0, 0.1),))
    found = judged(stream(scene, 1, 160), PLAIN)
    assert found.failed is not None
    assert found.failed < 60
    assert found.blame


def test_an_outage_is_found_and_the_healthy_are_left_alone() -> None:
    place = windows(moments(600), RAMP, 120.0)
    healthy = case_of("healthy", None, list(tried([place], None, PLAIN, RAMP, 120.0, Random(1))))
    assert (healthy.taken_back.count, healthy.taken_back.of) == (0, 8)
    bad = Regression("outage", outage, 30.0)
    found = case_of("outage", bad, list(tried([place], bad, PLAIN, RAMP, 120.0, Random(1))))
    assert (found.taken_back.count, found.taken_back.of) == (8, 8)
    assert found.blamed[0][1] == 8
    assert max(found.seconds) < 15


def result(failed: float | None = None, **more: object) -> Judged:
    fields = {"blame": (), "permitted": (), "promoted": None, "shares": (0.1,), "looks": 9}
    return Judged(failed, **fields | more)  # type: ignore[arg-type]


def test_what_was_taken_back_before_the_onset_was_not_found() -> None:
    found = case_of(
        "x",
        Regression("x", outage, 30.0),
        [result(10.0), result(40.0, blame=("errors", "latency p95")), result()],
    )
    assert (found.taken_back.count, found.taken_back.of) == (1, 2)
    assert found.seconds == (10.0,)
    assert found.blamed == (("errors", 1), ("latency p95", 1))


def test_permissions_are_counted_where_the_share_was_reached() -> None:
    found = permissions(
        [
            result(permitted=((0.1, 7.0),)),
            result(shares=(0.1, 0.5), permitted=((0.1, 5.0), (0.5, 9.0))),
            result(),
        ]
    )
    assert [(one.share, one.given.count, one.given.of, one.seconds) for one in found] == [
        (0.1, 2, 3, (5.0, 7.0)),
        (0.5, 1, 1, (9.0,)),
    ]


def test_quantiles() -> None:
    assert quantile((), 0.5) is None
    assert quantile((1.0, 2.0, 3.0), 0.5) == 2.0
    assert quantile((1.0, 2.0, 3.0), 0.9) == 3.0


def errors(counts: Counts) -> tuple[float, float]:
    return counts.requests, counts.errors


def wandering(sigma: float, instances: int = 4, blocks: int = 40) -> list[Moment]:
    """Each instance has a rate of its own for ten minutes: 200 errors on average, log-normal around it."""
    rng, found = Random(5), []
    for block in range(blocks):
        parts = []
        for _ in range(instances):
            own = exp(rng.gauss(0.0, sigma))
            parts.append(Counts(40_000, poisson(rng, 200 * own)))
        found.append(Moment(block * 601.0, 600.0, tuple(parts)))
    return found


@pytest.mark.parametrize("sigma", [0.1, 0.3])
def test_the_wander_of_instances_is_found_and_what_it_asks_for(sigma: float) -> None:
    found = margin("errors", wandering(sigma), errors, new=2, old=4)
    assert found is not None
    assert found.blocks == 40
    assert found.wander == pytest.approx(sigma, rel=0.2)
    assert found.ratio == pytest.approx(max(1.1, exp(2.33 * found.wander * sqrt(1 / 2 + 1 / 4))))


def test_chance_alone_asks_for_no_more_than_the_least() -> None:
    found = margin("errors", wandering(0.0), errors, new=1, old=1)
    assert found is not None
    assert found.wander < 0.03


def test_one_shard_may_stand_for_many_instances() -> None:
    one = margin("errors", wandering(0.2), errors, new=8, old=8)
    many = margin("errors", wandering(0.2), errors, new=8, old=8, stands_for=4)
    assert one is not None
    assert many is not None
    assert many.wander == pytest.approx(2 * one.wander)


def test_too_few_events_or_no_instances_suggest_nothing() -> None:
    few = [Moment(t * 601.0, 1.0, (Counts(100, 1), Counts(100, 9))) for t in range(9)]
    assert margin("errors", few, errors, new=1, old=1) is None
    assert margin("errors", wandering(0.2, instances=1), errors, new=1, old=1) is None
