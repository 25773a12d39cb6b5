"""The judge as a library: plain JSON data in, the same verdicts as from values; cut anywhere, the same."""

from __future__ import annotations

import json
from datetime import timedelta
from math import nan
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotage.core.judging import JudgeSettings, Kind, MeasureSettings, Outcome, Role, Slo, Snapshot, Worse
from pilotage.judge import Judge

from .streams import BOUNDS, poisson

EVERYTHING = JudgeSettings(
    latency_bounds=BOUNDS[:3],
    warm_up=timedelta(seconds=5),
    measures={
        "sales": MeasureSettings(kind=Kind.COUNT, of="orders", worse=Worse.LESS, role=Role.MUST),
        "mails": MeasureSettings(kind=Kind.RATE),
        "cpu": MeasureSettings(kind=Kind.GAUGE),
        "work": MeasureSettings(kind=Kind.MEAN, of="cpu_seconds", role=Role.WATCH),
    },
    slos=(Slo(objective=0.99, long=timedelta(seconds=60), short=timedelta(seconds=10)),),
    horizon=timedelta(seconds=100),
    bake=timedelta(seconds=5),
)


class Side:
    """One arm's counters as JSON data."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.requests = self.errors = self.orders = self.mails = 0
        self.work = 0.0
        self.below = [0, 0, 0, 0]

    def second(self, mean: float, errors: float) -> dict:
        n = poisson(self.rng, mean)
        self.requests += n
        self.errors += min(n, poisson(self.rng, mean * errors))
        self.orders += min(n, poisson(self.rng, mean * 0.1))
        self.mails += poisson(self.rng, mean * 0.2)
        self.work += n * 0.01 * self.rng.uniform(0.9, 1.1)
        for place, part in enumerate((0.5, 0.8, 0.95, 1.0)):
            self.below[place] += round(n * part)
        return {
            "requests": self.requests,
            "errors": self.errors,
            "orders": self.orders,
            "mails": self.mails,
            "cpu_seconds": self.work,
            "cpu": self.rng.uniform(0.4, 0.6),
            "latency_bucket": list(self.below),
        }


def looks(seed: int, errors: float, until: int = 140) -> list[dict]:
    """A release as JSON data, with looks lost, values unknown and arms missing."""
    rng = Random(seed)
    old, new, found = Side(rng), Side(rng), []
    for t in range(-40, until):
        weight = 0.0 if t <= 0 else 0.2 if t <= 70 else 0.5
        control = old.second(100.0 * (1 - weight), 0.01)
        canary = new.second(100.0 * weight, errors) if weight else None
        chance = rng.random()
        if chance < 0.03:
            continue
        if chance < 0.06:
            control = {**control, "errors": None, "orders": nan}
        if chance > 0.97:
            canary = None
        found.append({"t": t, "weight": weight, "control": control, "canary": canary})
    return found


def test_plain_data_is_judged_like_values() -> None:
    data = json.loads(EVERYTHING.model_dump_json())
    plain, values = Judge(data), Judge(EVERYTHING)
    verdicts = [(plain.feed(look), values.feed(Snapshot.model_validate(look))) for look in looks(1, 0.2)]
    assert all(one == other for one, other in verdicts)
    assert verdicts[-1][0].outcome is Outcome.FAIL


def test_the_statisticians_names() -> None:
    found = Judge({"alpha": 0.02, "beta": 0.1, "latency": False}).settings
    assert found == JudgeSettings(false_rollback=0.02, false_pass=0.1, latency=False)
    assert Judge().settings == JudgeSettings()


@pytest.mark.parametrize("wrong", [{"alpah": 0.01}, {"alpha": 2}, {"measures": {"x": {"kind": "odd"}}}])
def test_settings_that_mean_nothing_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Judge(wrong)


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"t": 5},
        {"t": "soon", "weight": 0.5, "control": None, "canary": None},
        {"t": 900, "weight": 0.5, "control": 7, "canary": [1]},
        {"t": 900, "weight": 0.5, "control": {"requests": "many"}, "canary": {"requests": [1], "errors": 3}},
    ],
)
def test_what_can_not_be_read_holds(broken: dict) -> None:
    judge = Judge({"latency": False, "warm_up": "PT5S"})
    for look in looks(1, 0.01):
        judge.feed(look)
    verdict = judge.feed(broken)
    assert verdict.outcome is Outcome.UNDECIDED
    assert "holding" in verdict.why[0]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sets(st.integers(0, 170), max_size=3), st.sampled_from([0.0, 0.01, 0.04, 0.3]))
def test_whole_piece_by_piece_and_carried_over_are_the_same(seed: int, cuts: set[int], errors: float) -> None:
    """One judge fed with values; one fed with lines of text, dumped and loaded as JSON at every cut."""
    straight, carried = Judge(EVERYTHING), Judge(EVERYTHING)
    for place, look in enumerate(looks(seed, errors)):
        if place in cuts:
            carried = Judge.load(EVERYTHING, json.loads(json.dumps(carried.dump(), allow_nan=False)))
        line = json.dumps(look)
        verdict = straight.feed(Snapshot.model_validate(look))
        assert carried.feed(Snapshot.model_validate_json(line)) == verdict
    assert straight.dump() == carried.dump()
