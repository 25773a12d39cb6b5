"""The judge of a rehearsal is the real one: look by look the same, and sound when looks are rare."""

from __future__ import annotations

from random import Random

import pytest

from pilotage.core.judging import Arm, JudgeSettings, Outcome, Snapshot
from pilotage.judge import Judge
from pilotage.rehearsal.draws import poisson
from pilotage.stage.judging import Patient

SETTINGS = JudgeSettings(latency=False)


def looks(chance: Random, seconds: list[float], errors: float, *, rate: float = 40.0, share: float = 0.2):
    """Counters at these times."""
    old, new, last = [0, 0], [0, 0], 0.0
    for t in seconds:
        for arm, part, failing in ((old, 1 - share, 0.01), (new, share, errors)):
            mean = rate * part * (t - last)
            failed = poisson(chance, mean * failing)
            arm[0] += failed + poisson(chance, mean * (1 - failing))
            arm[1] += failed
        last = t
        control, canary = (Arm(requests=one[0], errors=one[1]) for one in (old, new))
        yield Snapshot(t=t, weight=share, control=control, canary=canary)


@pytest.mark.parametrize("errors", [0.01, 0.03])
def test_each_second_it_says_what_the_real_one_says(errors):
    real, patient = Judge(SETTINGS), Patient(SETTINGS)
    for snapshot in looks(Random(5), [float(t) for t in range(1, 400)], errors):
        assert patient.feed(snapshot) == real.feed(snapshot)


def rare(until: float) -> list[float]:
    found, t = [], 0.0
    while t < until:
        t += max(1.0, min(3600.0, t / 40.0))
        found.append(t)
    return found


def test_rare_looks_take_no_good_version_back_more_often_than_they_may():
    taken = 0
    for seed in range(25):
        judge = Patient(SETTINGS)
        outcomes = {judge.feed(one).outcome for one in looks(Random(seed), rare(43_200.0), 0.01)}
        taken += Outcome.FAIL in outcomes
        assert Outcome.PASS in outcomes
    assert taken <= 2  # more than that of 25 at one in a hundred: by chance about once in 500 times


def test_rare_looks_find_what_is_worse():
    judge = Patient(SETTINGS)
    found = [one.t for one in looks(Random(1), rare(86_400.0), 0.02) if judge.feed(one).outcome is Outcome.FAIL]
    assert found
    assert found[0] < 7200
