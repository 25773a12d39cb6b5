"""Telemetry that is missing, late, absurd or contradictory decides nothing and never raises."""

from __future__ import annotations

import json
from datetime import timedelta
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotage.core.judging import Arm, JudgeSettings, Outcome, Snapshot
from pilotage.judge import Judge
from pilotage.judge.counters import Pair, Series, buckets, totals

from .streams import BOUNDS, Scene, play, steady, stream

PLAIN = JudgeSettings(latency=False, error_pass_excess=0.005, warm_up=timedelta(seconds=5))
BOTH = JudgeSettings(latency_bounds=BOUNDS, error_pass_excess=0.005, warm_up=timedelta(seconds=5))


def arm(requests, errors=0.0, **more) -> Arm:
    return Arm(requests=requests, errors=errors, **more)


def passing(judge: Judge) -> Snapshot:
    """Feed a clean rollout until it passes; the last snapshot."""
    scene = Scene(old=steady(0.0), new=steady(0.0), before=5.0, ramp=((0.0, 0.5),))
    for snapshot in stream(scene, 1, 200):
        if judge.feed(snapshot).outcome is Outcome.PASS:
            return snapshot
    raise AssertionError("a clean rollout did not pass")


def test_how_long_it_takes_is_not_told_at_the_traffic_of_yesterday():
    """Otherwise the time grows and grows after the last request."""
    judge = Judge(PLAIN.model_copy(update={"error_pass_excess": 0.0001}))
    scene = Scene(old=steady(0.01), new=steady(0.01), before=5.0, ramp=((0.0, 0.5),))
    *_, last = stream(scene, 1, 60)
    for snapshot in stream(scene, 1, 60):
        (errors,) = judge.feed(snapshot).measures
    assert errors.missing.endswith(" at this traffic")
    for seconds in range(1, 90):
        (errors,) = judge.feed(last.model_copy(update={"t": last.t + seconds})).measures
    assert errors.missing.endswith(" more requests on the new version, which gets none at present")


NEVER = {
    "no canary": {"canary": None},
    "no control": {"control": None},
    "nothing": {"canary": None, "control": None},
    "requests unknown": {"canary": arm(None)},
    "errors unknown": {"canary": arm(1e4, None)},
    "not a number": {"control": arm(nan)},
    "infinite": {"canary": arm(inf)},
    "negative": {"canary": arm(-5.0)},
    "more errors than requests": {"canary": arm(5.0, 6.0)},
    "share unknown": {"weight": nan},
    "share absurd": {"weight": 1.5},
    "time unknown": {"t": nan},
    "out of order": {"t": -100.0},
    "no traffic": {"weight": 0.0},
}


@pytest.mark.parametrize("change", NEVER.values(), ids=NEVER.keys())
def test_a_version_that_would_pass_is_held_and_the_reason_is_said(change):
    judge = Judge(PLAIN)
    last = passing(judge)
    verdict = judge.feed(last.model_copy(update={"t": last.t + 12.0} | change))
    assert verdict.outcome is Outcome.UNDECIDED
    assert "holding" in verdict.why[0] or "no traffic" in verdict.why[0]


def test_the_silence_is_measured():
    judge = Judge(PLAIN)
    last = passing(judge)
    verdict = judge.feed(last.model_copy(update={"t": last.t + 12.0, "control": None}))
    assert verdict.why == ("no telemetry of the old version for 12 seconds: holding",)


def test_what_happens_while_the_old_version_is_down_is_never_compared():
    """Its errors must not excuse the new one, nor the new one's meanwhile be held against it."""
    judge = Judge(PLAIN)
    before = passing(judge)
    evidence = judge._bench.against()
    for second in range(1, 20):
        judge.feed(before.model_copy(update={"t": before.t + second, "control": None}))
    grown = {"canary": arm(before.canary.requests + 900, 900.0), "t": before.t + 20.0}
    after = before.model_copy(update=grown)
    assert judge.feed(after).outcome is not Outcome.FAIL
    assert judge._bench.against() == evidence


def test_a_new_version_that_answers_nothing_does_not_live_on_old_evidence():
    judge = Judge(PLAIN.model_copy(update={"traffic": False}))
    last = passing(judge)
    verdict = None
    for second in range(1, 90):
        control = arm(last.control.requests + 50 * second)
        verdict = judge.feed(last.model_copy(update={"t": last.t + second, "control": control}))
    assert verdict.outcome is Outcome.UNDECIDED
    assert verdict.why == ("the new version answers no requests: holding",)


def test_without_latency_figures_nothing_goes_on_while_the_guard_is_on():
    scene = Scene(old=steady(0.0), new=steady(0.0), before=5.0, ramp=((0.0, 0.5),))
    played = play(Judge(BOTH), stream(scene, 1, 120))
    assert played.passes == []
    assert played.failed is None
    assert "latency" in played.last.why[0]


numbers = st.one_of(
    st.none(), st.sampled_from([nan, inf, -inf, -1.0, 0.0]), st.floats(0, 1e6), st.integers(0, 500).map(float)
)
arms = st.one_of(
    st.none(),
    st.builds(
        Arm,
        requests=numbers,
        errors=numbers,
        latency_bucket=st.one_of(
            st.none(), st.lists(st.sampled_from([nan, 0.0, 1.0, 7.0, 500.0]), max_size=4).map(tuple)
        ),
        shards=st.one_of(st.none(), st.just((arm(1.0), arm(None))), st.just((arm(10.0), arm(20.0, 1.0)))),
    ),
)
snapshots = st.builds(
    Snapshot,
    t=st.one_of(st.floats(-1e3, 1e3), st.sampled_from([nan, inf, -inf, 1e15])),
    weight=st.one_of(st.sampled_from([0.0, 0.1, 0.5, 1.0, nan, inf, -1.0, 2.0]), st.floats(0, 1)),
    control=arms,
    canary=arms,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(snapshots, max_size=25))
def test_rubbish_never_raises_and_the_dump_stays_json(rubbish):
    judge = Judge(BOTH)
    for snapshot in rubbish:
        judge.feed(snapshot)
    json.dumps(judge.dump(), allow_nan=False)


unreadable = st.builds(
    Snapshot,
    t=st.one_of(st.floats(-1e3, 1e5), st.just(nan)),
    weight=st.sampled_from([0.0, 0.5, 1.0, nan]),
    control=st.one_of(st.none(), st.just(arm(None)), st.just(arm(nan, 1.0)), st.just(arm(-3.0))),
    canary=st.one_of(st.none(), st.just(arm(None)), st.just(arm(4.0, nan)), st.just(arm(1.0, 2.0))),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(unreadable, min_size=1, max_size=30))
def test_unreadable_telemetry_never_decides_and_adds_no_evidence(looks):
    judge = Judge(PLAIN)
    passing(judge)
    against = judge._bench.against()
    assert {judge.feed(look).outcome for look in looks} == {Outcome.UNDECIDED}
    assert judge._bench.against() == against


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 260),
    st.sampled_from([0.0, 0.02, 0.3]),
    st.booleans(),
    st.booleans(),
)
def test_dump_and_load_go_on_bit_for_bit_the_same(seed, cut, errors, latency, twice):
    scene = Scene(
        old=steady(0.004),
        new=steady(errors),
        before=40.0,
        ramp=((0.0, 0.1), (100.0, 0.5), (200.0, 1.0)),
        median_old=steady(0.04),
        lost=0.03,
        resets=0.01,
    )
    chosen = BOTH if latency else PLAIN
    looks = list(stream(scene, seed, 230))
    straight, cut_up = Judge(chosen), Judge(chosen)
    for i, look in enumerate(looks):
        if i == cut or (twice and i == cut + 7):
            cut_up = Judge.load(chosen, json.loads(json.dumps(cut_up.dump(), allow_nan=False)))
        assert straight.feed(look) == cut_up.feed(look)
    assert straight.dump() == cut_up.dump()


def test_a_dump_of_another_format_is_refused():
    with pytest.raises(ValueError, match="format 99"):
        Judge.load(PLAIN, {"format": 99})


def test_readings_are_checked():
    assert totals(arm(10.0, 2.0)) == (10.0, 2.0)
    for bad in (None, arm(None), arm(nan), arm(inf), arm(-1.0), arm(1.0, 2.0)):
        assert totals(bad) is None
    assert buckets(arm(1.0, latency_bucket=(1.0, 2.0))) == (1.0, 2.0)
    for bad in ((), (1.0,), (2.0, 1.0), (nan, 1.0)):
        assert buckets(arm(1.0, latency_bucket=bad)) is None


def test_a_restarted_counter_counts_from_its_new_value():
    series = Series(0)
    for t, reading in enumerate([(100.0, 1.0), (150.0, 2.0)]):
        series.accept(t, reading, series.since(t, reading))
    step = series.since(2.0, (30.0, 3.0))
    assert step is not None
    assert step.counts == (30.0, 3.0)


def test_a_sum_that_lost_one_of_its_parts_is_no_traffic():
    """Two million requests of the remaining instances did not come in this second."""
    series = Series(0)
    for t, reading in enumerate([(3e6, 1.0), (3e6 + 50, 2.0)]):
        series.accept(t, reading, series.since(t, reading))
    assert series.since(2.0, (2e6, 3.0)) is None


def test_a_look_that_contradicts_itself_is_made_up_for_by_the_next():
    """An error may be counted before its request."""
    pair = Pair.of(0)
    pair.since(0.0, (10.0, 1.0), (90.0, 1.0), 60.0)
    assert pair.since(1.0, (10.0, 2.0), (100.0, 1.0), 60.0) is None
    steps = pair.since(2.0, (12.0, 3.0), (110.0, 1.0), 60.0)
    assert steps is not None
    assert steps[0].counts == (2.0, 2.0)
    assert steps[1].counts == (20.0, 0.0)


def test_long_silence_is_not_bridged():
    pair = Pair.of(0)
    pair.since(0.0, (10.0, 1.0), (90.0, 1.0), 60.0)
    assert pair.since(100.0, (1000.0, 900.0), (9000.0, 1.0), 60.0) is None
    assert pair.since(101.0, (1010.0, 900.0), (9090.0, 1.0), 60.0) is not None


def test_counters_that_began_anew_and_overtook_their_old_values_are_not_subtracted():
    """After a restart 900 requests were lost from the count; no counter has fallen, only the epoch tells."""
    settings = JudgeSettings(latency=False, warm_up=timedelta(0))

    def look(t, requests, errors, epoch):
        arm = Arm(requests=requests, errors=errors)
        old = Arm(requests=10 * requests, errors=0)
        return Snapshot(t=t, weight=0.1, control=old, canary=arm, epoch=epoch)

    judge = Judge(settings)
    for second in range(20):
        judge.feed(look(second, 10 + second, 0, "a"))
    verdict = judge.feed(look(20, 1000, 500, "b"))
    assert verdict.outcome is not Outcome.FAIL
    same = Judge.load(settings, judge.dump())
    assert same.feed(look(21, 1010, 500, "b")) == judge.feed(look(21, 1010, 500, "b"))
