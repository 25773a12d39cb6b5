"""After a full switch: nothing to compare with, only the absolute limit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pilotage.core.judging import JudgeSettings, Outcome
from pilotage.judge import Judge

from .streams import Scene, play, steady, stream

SETTINGS = JudgeSettings(latency=False, warm_up=timedelta(seconds=5))
SWITCH = ((0.0, 1.0),)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_below_the_limit_goes_on_by_evidence(seed):
    played = play(Judge(SETTINGS), stream(Scene(ramp=SWITCH, rps=steady(20.0)), seed, 60))
    assert played.failed is None
    assert 8.0 <= min(played.passes) <= 30.0
    assert played.last.blame == ("error limit",)
    assert "limit of 5.0 %" in played.last.why[0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_above_the_limit_is_taken_back(seed):
    played = play(Judge(SETTINGS), stream(Scene(ramp=SWITCH, new=steady(0.15)), seed, 60))
    assert played.failed is not None
    assert played.failed <= 35.0
    assert played.last.blame == ("error limit",)
    assert played.last.measures[0].ceiling == 0.05


def test_a_total_outage_does_not_wait_for_the_warm_up():
    settings = JudgeSettings(latency=False)
    played = play(Judge(settings), stream(Scene(ramp=SWITCH, new=steady(1.0)), 1, 60))
    assert played.failed is not None
    assert played.failed <= 15.0


def test_no_traffic_is_no_evidence():
    played = play(Judge(SETTINGS), stream(Scene(ramp=SWITCH, rps=steady(0.0)), 1, 300))
    assert played.passes == []
    assert played.last.outcome is Outcome.UNDECIDED


def test_on_the_limit_is_rarely_taken_back_and_rarely_let_go_on():
    runs, failed, passed = 60, 0, 0
    for seed in range(runs):
        scene = Scene(ramp=SWITCH, new=steady(0.05), before=30.0)
        played = play(Judge(SETTINGS), stream(scene, seed, 150))
        failed += played.failed is not None
        passed += bool(played.passes)
    assert failed <= 2
    assert passed <= runs * 0.05 + 3 * (runs * 0.05 * 0.95) ** 0.5


def test_below_full_traffic_shared_trouble_can_not_trip_the_limit():
    scene = Scene(old=steady(0.3), new=steady(0.3), ramp=((0.0, 0.5),))
    assert play(Judge(SETTINGS), stream(scene, 1, 120)).failed is None
