"""Figures for planning out of recorded telemetry: of both versions' traffic, and of the old one's errors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotage.core.judging import Arm, JudgeSettings, Snapshot
from pilotage.judge.recorded import traffic_of

from .streams import BOUNDS, Scene, steady, stream

SETTINGS = JudgeSettings()


def test_what_was_true_is_found_again() -> None:
    scene = Scene(rps=steady(80.0), old=steady(0.01), new=steady(0.3), median_old=steady(0.04))
    found = traffic_of(stream(scene, 1, 600.0), SETTINGS, BOUNDS, "as then")
    assert found is not None
    assert found.requests == pytest.approx(80.0, rel=0.03)
    assert found.errors == pytest.approx(0.01, rel=0.15)
    assert found.slow[3] == pytest.approx(0.355, abs=0.02)
    assert found.bounds == BOUNDS
    assert 1.0 <= found.bursts < 1.6
    assert found.source == "as then"


def test_restarts_and_lost_looks_change_little() -> None:
    scene = Scene(rps=steady(80.0), old=steady(0.01), lost=0.1, resets=0.01)
    found = traffic_of(stream(scene, 2, 600.0), SETTINGS)
    assert found is not None
    assert found.requests == pytest.approx(80.0, rel=0.1)
    assert found.slow == ()


def test_bursts_are_seen() -> None:
    found = traffic_of(stream(Scene(burst=20.0, old=steady(0.02)), 3, 600.0), SETTINGS)
    assert found is not None
    assert found.bursts > 4.0


@pytest.mark.parametrize("until", [-250.0, -300.0])
def test_too_little_says_nothing(until: float) -> None:
    assert traffic_of(stream(Scene(), 4, until), SETTINGS) is None


def test_buckets_of_another_shape_are_left_out() -> None:
    found = traffic_of(stream(Scene(median_old=steady(0.04)), 5, 60.0), SETTINGS, BOUNDS[:-1])
    assert found is not None
    assert (found.slow, found.bounds) == ((), ())


arms = st.none() | st.builds(
    Arm,
    requests=st.none() | st.floats(-1.0, 1e16),
    errors=st.none() | st.floats(-1.0, 1e16) | st.just(float("nan")),
    latency_bucket=st.none() | st.lists(st.floats(0.0, 1e6), max_size=4).map(tuple),
)


@settings(max_examples=200)
@given(st.lists(st.tuples(arms, arms, st.floats(0.0, 1.0), st.sampled_from([None, "a", "b"])), max_size=12))
def test_rubbish_never_raises(looks: list[tuple[Arm | None, Arm | None, float, str | None]]) -> None:
    snapshots = [
        Snapshot(t=60.0 * t, weight=weight, control=old, canary=new, epoch=epoch)
        for t, (old, new, weight, epoch) in enumerate(looks)
    ]
    found = traffic_of(snapshots, SETTINGS, (0.1, 0.2))
    assert found is None or (found.requests > 0.0 and 0.0 <= found.errors <= 1.0)
