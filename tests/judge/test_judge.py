"""Whole rollouts: what is found, what is left alone, what is said."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pilotage.core.judging import Arm, JudgeSettings, Outcome, Snapshot
from pilotage.judge import Judge

from .streams import BOUNDS, Scene, play, steady, stream

PLAIN = JudgeSettings(latency=False)
LATENCY = JudgeSettings(latency_bounds=BOUNDS)
DEMO = JudgeSettings(
    error_pass_excess=0.005, warm_up=timedelta(seconds=5), latency_bounds=BOUNDS, latency_margin=1
)
SEEDS = [1, 2, 3]


def demo(**changes) -> Scene:
    plain = {
        "rps": steady(100.0),
        "old": steady(0.0),
        "new": steady(0.0),
        "before": 10.0,
        "ramp": ((0.0, 0.1), (120.0, 0.5)),
        "median_old": steady(0.02),
    }
    return Scene(**(plain | changes))


def from_onset(before: float, after: float, onset: float):
    return lambda t: after if t >= onset else before


@pytest.mark.parametrize("seed", SEEDS)
def test_five_times_the_errors_are_taken_back(seed):
    played = play(Judge(PLAIN), stream(Scene(new=steady(0.025)), seed, 420))
    assert played.failed is not None
    assert 60.0 < played.failed < 400.0
    assert played.last.blame == ("errors",)
    assert played.last.why[0].startswith("errors: new ")
    assert "limit 1.1 × old + 0.010 %" in played.last.why[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_an_outage_is_taken_back_within_seconds(seed):
    played = play(Judge(PLAIN), stream(Scene(new=from_onset(0.005, 1.0, 300)), seed, 330))
    assert played.failed is not None
    assert played.failed <= 310.0


@pytest.mark.parametrize("seed", SEEDS)
def test_an_outage_from_the_first_request_does_not_wait_for_the_warm_up(seed):
    played = play(Judge(PLAIN), stream(Scene(new=steady(1.0), ramp=((0.0, 0.1),)), seed, 60))
    assert played.failed is not None
    assert played.failed <= 20.0
    assert "disaster" in played.last.blame


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cold_start_is_excused(seed):
    scene = Scene(new=lambda t: 0.1 if t < 40 else 0.005)
    assert play(Judge(PLAIN), stream(scene, seed, 300)).failed is None


@pytest.mark.parametrize("seed", SEEDS)
def test_all_answers_three_times_as_slow_are_taken_back(seed):
    scene = Scene(median_old=steady(0.04), median_new=from_onset(0.04, 0.12, 150))
    played = play(Judge(LATENCY), stream(scene, seed, 250))
    assert played.failed is not None
    assert played.failed <= 200.0  # 5 requests a second
    assert all(name.startswith("latency p") for name in played.last.blame)
    assert "slower than" in played.last.why[0]


def test_the_latency_guard_can_be_switched_off():
    scene = Scene(median_old=steady(0.04), median_new=steady(1.0))
    assert play(Judge(PLAIN), stream(scene, 1, 200)).failed is None


@pytest.mark.parametrize("seed", SEEDS)
def test_trouble_that_both_share_is_not_held_against_the_new_version(seed):
    rate = lambda t: 0.3 if 230 <= t < 270 else 0.005  # noqa: E731  across a change of the share
    assert play(Judge(PLAIN), stream(Scene(old=rate, new=rate), seed, 500)).failed is None


@pytest.mark.parametrize("seed", SEEDS)
def test_shared_trouble_does_not_blunt_the_judge_for_what_follows(seed):
    old = lambda t: 0.3 if 300 <= t < 340 else 0.005  # noqa: E731
    scene = Scene(old=old, new=lambda t: 1.0 if t >= 400 else old(t))
    played = play(Judge(PLAIN), stream(scene, seed, 450))
    assert played.failed is not None
    assert 400.0 <= played.failed <= 415.0


@pytest.mark.parametrize("seed", SEEDS)
def test_latency_that_drifts_for_both_is_not_held_against_the_new_version(seed):
    scene = Scene(median_old=lambda t: 0.04 * (1.0 + max(0.0, t) / 200))
    assert play(Judge(LATENCY), stream(scene, seed, 500)).failed is None


@pytest.mark.parametrize("seed", SEEDS)
def test_errors_in_bursts_are_not_held_against_the_new_version(seed):
    scene = Scene(burst=20.0, old=steady(0.02), new=steady(0.02))
    assert play(Judge(PLAIN), stream(scene, seed, 700)).failed is None


@pytest.mark.parametrize("seed", SEEDS)
def test_lost_looks_and_restarted_counters_do_no_harm(seed):
    healthy = Scene(lost=0.1, resets=0.02)
    assert play(Judge(PLAIN), stream(healthy, seed, 500)).failed is None
    bad = Scene(lost=0.1, resets=0.02, new=steady(0.05))
    assert play(Judge(PLAIN), stream(bad, seed, 300)).failed is not None


@pytest.mark.parametrize("seed", SEEDS)
def test_the_demo_goes_on_when_it_is_clean(seed):
    """At 10 % of 100 rps the rule of three alone takes ln(20)/0.005 = 600 requests: 60 s and the warm-up."""
    played = play(Judge(DEMO), stream(demo(), seed, 160))
    assert played.failed is None
    assert min(played.passes) <= 95.0
    assert min(t for t in played.passes if t > 120.0) <= 140.0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("share", "within"), [(0.10, 40.0), (0.25, 25.0)])
def test_the_demo_is_taken_back_when_it_is_bad(seed, share, within):
    scene = demo(new=steady(0.05), slow_new=0.05, ramp=((0.0, share),))
    played = play(Judge(DEMO), stream(scene, seed, 60))
    assert played.failed is not None
    assert 5.0 < played.failed <= within


def test_a_fail_is_final():
    judge = Judge(PLAIN)
    snapshots = list(stream(Scene(new=from_onset(0.005, 1.0, 100)), 1, 200))
    verdicts = [judge.feed(one) for one in snapshots]
    first = next(i for i, one in enumerate(verdicts) if one.outcome is Outcome.FAIL)
    assert all(one == verdicts[first] for one in verdicts[first:])
    assert judge.feed(Snapshot(t=-5, weight=0.0, control=None, canary=None)) == verdicts[first]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_pass_is_withdrawn_when_the_new_version_degrades_later(seed):
    """After an early pass and ten more clean minutes, errors appear that are beyond the pass margin."""
    scene = demo(new=from_onset(0.0, 0.02, 600), ramp=((0.0, 0.5),), median_old=None)
    judge = Judge(DEMO.model_copy(update={"latency": False}))
    played = play(judge, stream(scene, seed, 700))
    assert min(played.passes) < 60.0
    assert played.failed is not None
    assert max(played.passes) <= 610.0


def test_every_step_adds_evidence_of_its_own():
    snapshots = list(stream(demo(ramp=((0.0, 0.5), (60.0, 0.6)), median_old=None), 1, 90))
    judge = Judge(DEMO.model_copy(update={"latency": False, "minimum_requests": 0}))
    outcomes = {one.t: judge.feed(one).outcome for one in snapshots}
    assert outcomes[60.0] is Outcome.PASS
    assert outcomes[61.0] is Outcome.UNDECIDED
    assert outcomes[62.0] is Outcome.UNDECIDED
    assert outcomes[80.0] is Outcome.PASS


def test_minimum_requests_since_the_last_change_of_the_share():
    settings = DEMO.model_copy(update={"latency": False, "minimum_requests": 2000})
    played = play(Judge(settings), stream(demo(ramp=((0.0, 0.5),), median_old=None), 1, 100))
    assert 5.0 + 2000 / 50 - 5.0 <= min(played.passes) <= 5.0 + 2000 / 50 + 8.0


def test_what_is_missing_is_foretold():
    """The forecast at an early look is the truth within a factor of two."""
    judge = Judge(DEMO.model_copy(update={"latency": False}))
    said, passed = {}, None
    for snapshot in stream(demo(ramp=((0.0, 0.2),), median_old=None), 1, 120):
        verdict = judge.feed(snapshot)
        if verdict.outcome is Outcome.PASS:
            passed = snapshot.t
            break
        said[snapshot.t] = " ".join(verdict.why)
    assert "more requests on the new version at this share" in said[8.0]
    assert "at this traffic" in said[15.0]
    seconds = float(said[15.0].split(" version, ")[1].split(" second")[0])
    assert passed is not None
    assert seconds / 2 <= passed - 15.0 <= seconds * 2


def test_the_old_version_failing_by_itself_holds():
    scene = Scene(old=steady(0.1), new=steady(0.0), ramp=((0.0, 0.5),))
    judge = Judge(DEMO.model_copy(update={"latency": False}))
    played = play(judge, stream(scene, 1, 100))
    assert played.passes == []
    assert "the old version itself fails" in played.last.why[0]


def test_shards_tell_wandering_instances_from_a_difference():
    """Half of the old version's instances fails in bursts: dispersion is seen between the halves at once."""
    judge = Judge(PLAIN)
    for t in range(200):
        bad = 40.0 * (t // 10)
        shards = (Arm(requests=50.0 * t, errors=bad), Arm(requests=50.0 * t, errors=0.0))
        arm = Arm(requests=100.0 * t, errors=bad, shards=shards)
        judge.feed(Snapshot(t=t - 200.0, weight=0.0, control=arm, canary=None))
    history = judge._bench.errors.subjects[0].history
    history.freeze()
    assert history.sides.ready()
    assert history.phi > 15.0


@pytest.mark.parametrize("every", [1, 5])
def test_looking_less_often_gives_the_same_verdicts(every):
    """Batch and streaming: the counters are cumulative, a look that is left out loses nothing."""
    settings = JudgeSettings(latency=False, interval=timedelta(seconds=every))
    bad = [one for one in stream(Scene(new=steady(0.03)), 4, 300) if one.t % every == 0]
    played = play(Judge(settings), iter(bad))
    assert played.failed is not None
    assert 180.0 <= played.failed <= 260.0
    fine = DEMO.model_copy(update={"latency": False, "interval": timedelta(seconds=every)})
    clean = [one for one in stream(demo(ramp=((0.0, 0.5),)), 4, 60) if one.t % every == 0]
    assert 10.0 <= min(play(Judge(fine), iter(clean)).passes) <= 35.0


@pytest.mark.parametrize("seed", SEEDS)
def test_twice_as_slow_is_seen_with_the_bounds_that_everybody_has(seed):
    """Prometheus' default bounds double: twice as slow moves the answers by one bucket."""
    scene = Scene(median_old=steady(0.04), median_new=steady(0.08), ramp=((0.0, 0.25),))
    played = play(Judge(LATENCY), stream(scene, seed, 200))
    assert played.failed is not None
    assert all(name.startswith("latency p") for name in played.last.blame)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tenth_slower_is_borne_and_goes_on(seed):
    scene = Scene(median_old=steady(0.04), median_new=steady(0.044), ramp=((0.0, 0.5),), rps=steady(300.0))
    played = play(Judge(LATENCY), stream(scene, seed, 600))
    assert played.failed is None
    assert played.passes


def test_users_who_stay_are_no_black_hole():
    """The new version gets its share only a minute or two after each change of it."""
    judge, share, counts = Judge(PLAIN), 0.0, {"old": 0.0, "new": 0.0}
    for second in range(-60, 900):
        weight = 0.0 if second < 0 else 0.05 if second < 300 else 0.25
        share += (weight - share) / 60.0
        counts["old"] += 200.0 * (1.0 - share)
        counts["new"] += 200.0 * share
        verdict = judge.feed(
            Snapshot(
                t=second,
                weight=weight,
                control=Arm(requests=round(counts["old"]), errors=0.0),
                canary=Arm(requests=round(counts["new"]), errors=0.0) if second >= 0 else None,
            )
        )
        assert verdict.outcome is not Outcome.FAIL


def test_latency_is_looked_at_every_third_second_and_misses_nothing():
    judge = Judge(JudgeSettings(latency_bounds=BOUNDS))
    scene = Scene(median_old=steady(0.1), median_new=steady(0.1))
    looks = list(stream(scene, 1, 300))
    for snapshot in looks:
        judge.feed(snapshot)
    latency = judge.dump()["bench"]["latency"]
    assert looks[-1].t - 3.0 < judge.dump()["bench"]["latency_at"] <= looks[-1].t
    assert latency["requests"] == pytest.approx(judge.dump()["bench"]["errors"]["requests"], rel=0.05)
