"""The end of the time for judging, the last word, objectives, and trouble that both share."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pilotage.core.judging import Arm, JudgeSettings, Outcome, Snapshot, Verdict
from pilotage.judge import Judge

from .streams import Scene, play, steady, stream

PLAIN = JudgeSettings(latency=False, error_pass_excess=0.005)
HALF = ((0.0, 0.5),)


def changed(**others: Any) -> JudgeSettings:
    return JudgeSettings.model_validate(PLAIN.model_dump() | others)


def verdicts(settings: JudgeSettings, scene: Scene, until: float) -> dict[float, Verdict]:
    judge = Judge(settings)
    return {one.t: judge.feed(one) for one in stream(scene, 1, until)}


def test_a_pass_is_the_last_word_only_after_it_has_lasted_at_a_large_share() -> None:
    scene = Scene(old=steady(0.0), new=steady(0.0), ramp=((0.0, 0.1), (200.0, 0.5)))
    found = verdicts(changed(bake=timedelta(minutes=2), promote_share=0.25), scene, 500)
    assert found[190.0].outcome is Outcome.PASS
    assert found[190.0].verdict == "continue"
    last = [t for t, one in found.items() if one.verdict == "promote"]
    assert min(last) >= 320.0
    assert found[500.0].verdict == "promote"


def test_at_the_horizon_what_has_passed_is_the_last_word() -> None:
    scene = Scene(old=steady(0.0), new=steady(0.0), ramp=HALF)
    found = verdicts(changed(horizon=timedelta(seconds=200)), scene, 220)
    assert found[199.0].verdict == "continue"
    assert found[200.0].verdict == "promote"


NOT_SHOWN = Scene(rps=steady(3.0), old=steady(0.0), new=steady(0.0), ramp=HALF)
"""Too little traffic for the narrow margins: 0.5 % takes 750 requests."""


def test_at_the_horizon_wider_margins_do_and_it_is_said() -> None:
    settings = changed(horizon=timedelta(seconds=400), error_pass_excess=0.001)
    found = verdicts(settings, NOT_SHOWN, 410)
    assert found[399.0].outcome is Outcome.UNDECIDED
    assert found[401.0].verdict == "promote"
    assert found[401.0].why[0].startswith("the time for judging is over")


@pytest.mark.parametrize(("at_horizon", "verdict"), [("hold", "continue"), ("rollback", "rollback")])
def test_what_is_not_shown_at_the_horizon_waits_or_is_taken_back(at_horizon: str, verdict: str) -> None:
    settings = changed(horizon=timedelta(seconds=60), at_horizon=at_horizon, warm_up=timedelta(0))
    found = verdicts(settings, NOT_SHOWN, 70)
    assert found[59.0].verdict == "continue"
    assert found[61.0].verdict == verdict


def test_a_repair_goes_on_while_the_old_version_fails_if_the_policy_says_so() -> None:
    scene = Scene(old=steady(0.2), new=steady(0.01), ramp=HALF)
    assert play(Judge(PLAIN), stream(scene, 1, 150)).passes == []
    assert play(Judge(changed(old_fails="fix")), stream(scene, 1, 150)).passes != []


def test_nothing_is_widened_while_the_old_version_got_worse_too() -> None:
    both = lambda t: 0.04 if 200 <= t < 260 else 0.001  # noqa: E731
    found = verdicts(changed(error_limit=0.5), Scene(old=both, new=both, ramp=HALF), 300)
    assert found[199.0].outcome is Outcome.PASS
    assert found[240.0].outcome is Outcome.UNDECIDED
    assert found[240.0].why[0].startswith("the old version got worse too (0.1")


SLO = {"slos": [{"objective": 0.99, "burn": 2.0, "long": 300, "short": 60}]}


def test_an_objective_that_the_new_version_alone_breaks_takes_it_back() -> None:
    """The comparison is set so wide that it sees nothing: the objective is a guard of its own."""
    settings = changed(error_ratio=50.0, error_pass_ratio=60.0, **SLO)
    played = play(Judge(settings), stream(Scene(old=steady(0.002), new=steady(0.06), ramp=HALF), 1, 300))
    assert played.failed is not None
    assert played.last.blame == ("objective 99 %",)
    assert "alone burns its error budget" in played.last.why[0]


def test_an_objective_that_both_break_holds() -> None:
    scene = Scene(old=steady(0.04), new=steady(0.04), ramp=HALF)
    settings = changed(error_limit=0.5, **SLO)
    played = play(Judge(settings), stream(scene, 1, 300))
    assert played.failed is None
    assert played.passes == []
    assert played.last.why[0] == "objective 99 %: both versions burn the error budget: holding"


def test_three_failures_of_ten_are_no_verdict() -> None:
    judge = Judge(changed(warm_up=timedelta(0), **SLO))
    for t in range(-5, 12):
        new = Arm(requests=max(0.0, t), errors=min(3.0, max(0.0, t)))
        old = Arm(requests=50.0 * (t + 6), errors=0.0)
        verdict = judge.feed(Snapshot(t=t, weight=0.02 if t >= 0 else 0.0, control=old, canary=new))
        assert verdict.outcome is not Outcome.PASS
    assert "objective 99 %" not in verdict.blame
