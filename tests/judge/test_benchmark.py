"""The benchmark's own truth: its streams, its bound, its rules and its gates (benchmarks/judge)."""

from __future__ import annotations

import sys
from dataclasses import replace
from math import lgamma, log, sqrt
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.judge import sequential
from benchmarks.judge.bound import gain, information
from benchmarks.judge.figures import gates, row, wilson
from benchmarks.judge.kayenta import high, shift
from benchmarks.judge.ours import Played, settings
from benchmarks.judge.scenarios import BOUNDARY, HEALTHY, QUICK, WORSE
from benchmarks.judge.streams import Seconds, make
from benchmarks.judge.thresholds import WARM_UP, argo, flagger
from benchmarks.judge.truth import RAMP, Truth

from pilotage.core.judging import Arm, Snapshot
from pilotage.judge import Judge

SHORT = Truth("short", history=120, length=300, ramp=((0, 0.1), (150, 0.5)))


def counters(side):
    return np.column_stack([side.requests, side.errors, side.conversions, side.latency])


def test_a_stream_is_its_seed():
    one, same, other = make.__wrapped__(SHORT, 1), make.__wrapped__(SHORT, 1), make.__wrapped__(SHORT, 2)
    assert list(one.snapshots()) == list(same.snapshots())
    assert list(one.snapshots()) != list(other.snapshots())


def test_counters_only_rise_and_the_halves_are_the_whole():
    stream = make(SHORT, 1)
    assert (np.diff(counters(stream.old), axis=0) >= 0).all()
    assert (counters(stream.halves[0]) + counters(stream.halves[1]) == counters(stream.old)).all()
    assert (stream.old.latency[:, -1] == stream.old.requests).all()
    assert (stream.old.errors <= stream.old.requests).all()
    first = np.flatnonzero(stream.t == 0.0)[0]
    assert stream.new.requests[first] == 0.0 < stream.new.requests[first + 30]


def test_one_instance_that_restarts_takes_its_part_of_the_sum():
    stream = make(replace(SHORT, name="restarts", resets="instance", length=1500), 1)
    fell = np.flatnonzero(np.diff(stream.old.requests) < 0.0)
    assert fell.size > 0
    assert (stream.old.requests[fell + 1] > 0.0).all()


@pytest.mark.parametrize("truth", [*HEALTHY, *WORSE], ids=lambda truth: truth.name)
def test_rates_are_what_was_said(truth):
    t = truth.seconds
    old, new = truth.old_errors(t), truth.new_errors(t)
    assert ((old >= 0.0) & (new <= 1.0)).all()
    settled = t > max(truth.onset, 100)
    assert truth.healthy is (truth in HEALTHY)
    assert not truth.healthy or truth.excused or (old == new)[settled].all()


def test_names_are_keys():
    names = [truth.name for truth in [*HEALTHY, *WORSE]]
    assert len(set(names)) == len(names)
    assert set(QUICK) <= set(names)


@pytest.mark.parametrize("burst", [1.0, 20.0])
def test_errors_are_as_many_as_was_said(burst):
    truth = replace(SHORT, name="many", rps=2000.0, base=0.02, burst=burst)
    seconds = make(truth, 3).seconds
    assert seconds.x0.sum() / seconds.n0.sum() == pytest.approx(0.02, rel=0.15 if burst > 1.0 else 0.05)


@pytest.mark.parametrize("ratio", [1.5, 2.0, 10.0])
@pytest.mark.parametrize("odds", [0.01, 1.0])
def test_the_bound_without_a_margin_is_the_closed_form(ratio, odds):
    """At the best a = r (1 + o)/(1 + r o), as for F1."""
    p0 = 0.005
    b = (1.0 + odds) / (1.0 + ratio * odds)
    expected = ratio * p0 * log(ratio * b) + p0 / odds * log(b)
    found = gain(np.array([ratio * p0]), np.array([p0]), np.array([odds]), 1.0, 0.0)
    assert found[0] == pytest.approx(expected, rel=1e-6)


def test_a_margin_leaves_less_to_be_known_and_nothing_within_it():
    p1, p0, odds = np.array([0.01]), np.array([0.005]), np.array([0.1])
    assert gain(p1, p0, odds, 1.1, 0.0001)[0] < gain(p1, p0, odds, 1.0, 0.0)[0]
    assert gain(np.array([0.0055]), p0, odds, 1.1, 0.0001)[0] == pytest.approx(0.0, abs=1e-12)


def test_information_adds_up_from_the_onset():
    truth = replace(SHORT, errors=2.0, onset=100)
    ratios = information(truth, np.array([100.0, 150.0, 300.0]), 0.01)
    assert ratios[0] == 0.0 < ratios[1] < ratios[2]


@pytest.mark.parametrize(
    "test", [sequential.poisson_mixture, sequential.safe_two_by_two, sequential.beta_binomial]
)
def test_published_tests_hold_their_error_rate(test):
    """As promised, for independent errors: they are put on show as they are."""
    rng, alpha, hits, n = np.random.default_rng(4), 0.1, 0, 300
    t = WARM_UP + np.arange(1.0, 401.0)
    share = np.where(t <= 260.0, 0.1, 0.5)
    for _ in range(n):
        n1, n0 = rng.poisson(100.0 * share), rng.poisson(100.0 * (1.0 - share))
        drawn = Seconds(t, share, n1, rng.binomial(n1, 0.02), n0, rng.binomial(n0, 0.02))
        hits += test(drawn, alpha) is not None
    assert hits <= n * alpha + 3.0 * sqrt(n * alpha * (1.0 - alpha))


@pytest.mark.parametrize("x", [0.02, 0.5, 1.0, 17.3, 1e5])
def test_log_gamma(x):
    assert float(sequential._log_gamma(np.array(x))) == pytest.approx(lgamma(x), rel=1e-9, abs=1e-8)


def test_the_shift_of_mann_whitney():
    """R: wilcox.test(c(10, 20, 30, 40), 1:4, exact = FALSE, conf.int = TRUE) says 22.5, from 6."""
    low, estimate = shift(np.array([10.0, 20.0, 30.0, 40.0]), np.array([1.0, 2.0, 3.0, 4.0]), 0.95)
    assert (low, estimate) == (6.0, 22.5)


def test_kayenta_needs_a_shift_that_is_sure():
    old = np.linspace(0.004, 0.006, 12)
    assert high(3.0 * old, old)
    assert not high(old[::-1] * 1.01, old)


def minutes_of(errors):
    """From the end of the warm-up."""
    t = WARM_UP + np.arange(1.0, 60.0 * len(errors) + 1.0)
    n = np.full_like(t, 10.0)
    return Seconds(t, n / 20.0, n, np.repeat(np.array(errors), 60) * n, n, n * 0.0)


def test_thresholds_count_what_failed():
    assert argo(minutes_of([0.2] * 3 + [0.0] * 20), 0.1) is None
    assert argo(minutes_of([0.2] * 3 + [0.0] * 5 + [0.2]), 0.1) == WARM_UP + 540.0
    assert flagger(minutes_of([0.2] * 9)) is None
    assert flagger(minutes_of([0.2] * 10)) == WARM_UP + 600.0


def test_intervals_are_wilsons():
    assert wilson(0, 100) == pytest.approx((0.0, 0.036995), abs=1e-5)
    assert wilson(5, 10) == pytest.approx((0.23659, 0.76341), abs=1e-4)


def ended(truth, *times, **more):
    spent = [1e-4] * 200
    return row(truth, [Played(rolled=t, spent=spent, measures=12, **more) for t in times])


def failed(rows):
    return {gate for gate, (good, _) in gates(rows).items() if not good}


def test_gates_open_and_shut():
    healthy, late = HEALTHY[0], next(one for one in WORSE if one.name == "outage from 450 s")
    good = {healthy.name: ended(healthy, *[None] * 20), late.name: ended(late, *[453.0] * 20)}
    assert failed(good) == set()
    bad = {
        healthy.name: ended(healthy, *[300.0] * 20),
        late.name: ended(late, 460.0, 470.0, None, promoted=455.0, leave=455.0),
    }
    assert failed(bad) == {
        "no healthy scenario whose interval lies above 1 %",
        "every regression caught",
        "no false promotion",
        "an outage in the middle found within 5 s",
    }


@pytest.mark.parametrize(("left", "good"), [(1, True), (8, False)])
def test_at_the_pass_margins_few_may_be_let_go_on(left, good):
    truth = next(one for one in WORSE if one.name == BOUNDARY)
    played = [Played(leave=900.0 if i < left else None, spent=[1e-4]) for i in range(40)]
    gate = "at the pass margins let go on in at most 5 %"
    assert (gate not in failed({truth.name: row(truth, played)})) is good


def test_only_what_was_bad_all_along_must_never_be_let_go_on():
    gate = "none that was bad all along let go on"
    for name, good in (("x5 from the start", False), ("x5 from 450 s", True)):
        truth = next(one for one in WORSE if one.name == name)
        rows = {name: row(truth, [Played(rolled=800.0, leave=451.0, spent=[1e-4])])}
        assert (gate not in failed(rows)) is good


def test_a_version_taken_back_before_it_was_bad_was_not_caught():
    late = next(one for one in WORSE if one.name == "outage from 450 s")
    found = ended(late, *[200.0] * 5, *[452.0] * 5)
    assert (found["caught"], found["early"], found["median"]) == (5, 5, 2.0)
    assert "none taken back before it was bad" in failed(
        {HEALTHY[0].name: ended(HEALTHY[0], None), late.name: found}
    )


def test_the_share_is_the_ramps():
    truth = HEALTHY[0]
    shares = truth.weight(np.array([-1.0, *[since for since, _ in RAMP]]))
    assert shares.tolist() == [0.0, *[share for _, share in RAMP]]


def test_snapshots_that_were_not_checked_are_judged_the_same():
    """Who makes snapshots from what is known to be right may leave out the validation."""
    wanted = settings(SHORT)
    checked, unchecked = Judge(wanted), Judge(wanted)
    for snapshot in make(SHORT, 5).snapshots():
        verdict = unchecked.feed(_constructed(snapshot))
        assert verdict == checked.feed(snapshot)
    assert unchecked.dump() == checked.dump()


def _constructed(snapshot):
    arms = {name: getattr(snapshot, name) for name in ("control", "canary")}
    built = {name: None if arm is None else _arm(arm) for name, arm in arms.items()}
    return Snapshot.model_construct(t=snapshot.t, weight=snapshot.weight, **built)


def _arm(arm):
    shards = None if arm.shards is None else tuple(_arm(one) for one in arm.shards)
    values = {
        name: getattr(arm, name) for name in ("requests", "errors", "latency_bucket", "conversions", "cpu")
    }
    return Arm.model_construct(**values, shards=shards)
