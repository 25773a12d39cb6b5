"""Declared measures: counts, rates, gauges and means; the share of traffic; the parts of the budget."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from pilotage.core.judging import JudgeSettings, Outcome, Snapshot, Verdict
from pilotage.judge import Judge, budget

from .streams import poisson

RPS, SHARE = 200.0, 0.25
Fields = Callable[[Random, float, float], dict[str, float]]
"""(random, seconds so far, requests of this second) → what the other counters grow by, and gauges."""


def lived(
    new: Fields, old: Fields, *, seed: int = 1, before: int = 300, until: int = 600, swallow: float = 0.0
) -> Iterator[dict[str, Any]]:
    """A rollout at a quarter of the traffic, as plain data; a tenth of a per cent fails on both sides."""
    rng = Random(seed)
    sides: dict[str, dict[str, float]] = {"control": {}, "canary": {}}
    for t in range(-before, until):
        weight = SHARE if t >= 0 else 0.0
        for side, fields, share in (("control", old, 1.0 - weight), ("canary", new, weight)):
            n = poisson(rng, RPS * share * (1.0 - swallow if side == "canary" else 1.0))
            grown = {"requests": n, "errors": poisson(rng, n * 0.001)} | fields(rng, t, n)
            for name, value in grown.items():
                gauge = name.startswith("gauge")
                sides[side][name] = value if gauge else sides[side].get(name, 0.0) + value
        shown = {side: dict(values) for side, values in sides.items()}
        yield {
            "t": t,
            "weight": weight,
            "control": shown["control"],
            "canary": shown["canary"] if weight else None,
        }


def settings(measures: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"latency": False, "measures": measures, "error_pass_excess": 0.005, **others}


def played(judge: Judge, snapshots: Iterator[dict[str, Any]]) -> tuple[float | None, list[float], Verdict]:
    passes: list[float] = []
    verdict = None
    for snapshot in snapshots:
        verdict = judge.feed(snapshot)
        if verdict.outcome is Outcome.FAIL:
            return snapshot["t"], passes, verdict
        if verdict.outcome is Outcome.PASS:
            passes.append(snapshot["t"])
    assert verdict is not None
    return None, passes, verdict


def nothing(rng: Random, t: float, n: float) -> dict[str, float]:
    return {}


def buying(rate: float) -> Fields:
    return lambda rng, t, n: {"bought": min(n, poisson(rng, n * rate))}


CONVERSIONS = settings({"bought": {"kind": "count", "worse": "less", "role": "must"}})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_fewer_conversions_are_taken_back(seed: int) -> None:
    failed, _, verdict = played(Judge(CONVERSIONS), lived(buying(0.07), buying(0.10), seed=seed))
    assert failed is not None
    assert verdict.blame == ("bought",)
    assert "fewer than the limit of 0.98 times the old version's" in verdict.why[0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_as_many_conversions_go_on_and_are_asked_before(seed: int) -> None:
    judge = Judge(CONVERSIONS)
    verdicts = [judge.feed(one) for one in lived(buying(0.10), buying(0.10), seed=seed, until=400)]
    passes = [one for one in verdicts if one.outcome is Outcome.PASS]
    assert passes
    assert {one.blame for one in passes} == {("errors", "bought")}
    assert "bought" in passes[0].why[1]
    assert "within the limit of" in passes[0].why[1]


def test_figures_that_are_missing_hold_and_are_told() -> None:
    failed, passes, verdict = played(Judge(CONVERSIONS), lived(nothing, buying(0.10)))
    assert failed is None
    assert passes == []
    assert verdict.why == ("no figures of bought: holding",)
    assert verdict.missing == ("no figures of bought",)


def test_what_is_only_watched_is_told_and_decides_nothing() -> None:
    watched = settings({"bought": {"kind": "count", "worse": "less", "role": "watch"}})
    failed, passes, verdict = played(Judge(watched), lived(buying(0.05), buying(0.10), until=300))
    assert failed is None
    assert passes
    (bought,) = [one for one in verdict.measures if one.name == "bought"]
    assert bought.against == 1.0
    judge = Judge(watched | {"minimum_requests": 10**9})
    _, _, verdict = played(judge, lived(buying(0.05), buying(0.10), until=300))
    assert any(text.startswith("dry run, decides nothing: bought") for text in verdict.why)


RATE = settings({"orders": {"kind": "rate", "worse": "less", "ratio": 1.2}})


def ordering(rate: float) -> Fields:
    """Orders a second at full traffic, whatever the number of requests."""
    return lambda rng, t, n: {"orders": poisson(rng, rate)}


def test_a_rate_is_by_share_and_time() -> None:
    at_share, rest = 20.0 * SHARE, 20.0 * (1.0 - SHARE)
    old = lambda rng, t, n: {"orders": poisson(rng, 20.0 if t < 0 else rest)}  # noqa: E731
    failed, _, _ = played(Judge(RATE), lived(ordering(at_share), old))
    assert failed is None
    failed, _, verdict = played(Judge(RATE), lived(ordering(0.4 * at_share), old))
    assert failed is not None
    assert verdict.blame == ("orders",)
    assert "a second at full traffic" in verdict.why[0]


@pytest.mark.parametrize(("swallow", "name", "within"), [(1.0, "silence", 90.0), (0.6, "traffic", 300.0)])
def test_a_version_that_swallows_requests_is_taken_back(swallow: float, name: str, within: float) -> None:
    failed, _, verdict = played(Judge(settings({})), lived(nothing, nothing, swallow=swallow))
    assert failed is not None
    assert failed < within
    assert name in verdict.blame
    assert played(Judge(settings({}, traffic=False)), lived(nothing, nothing, swallow=swallow))[0] is None


def test_answers_that_lag_because_they_take_long_are_no_black_hole() -> None:
    """Requests that last two minutes: the first answers of the new version come late (Little's law)."""

    def slowly(share: float, delay: float) -> Fields:
        return lambda rng, t, n: {"gauge_inflight": 0.0}

    def stream() -> Iterator[dict[str, Any]]:
        for snapshot in lived(slowly(SHARE, 120), slowly(1 - SHARE, 120), until=400):
            t = snapshot["t"]
            snapshot["control"]["inflight"] = RPS * 0.75 * 120
            if snapshot["canary"] is not None:
                late = 0.0 if t < 120 else 1.0
                snapshot["canary"]["inflight"] = RPS * SHARE * min(t, 120)
                for name in ("requests", "errors"):
                    snapshot["canary"][name] *= late
            yield snapshot

    assert played(Judge(settings({})), stream())[0] is None


def level(mean: float, noise: float) -> Fields:
    return lambda rng, t, n: {"gauge_cpu": mean * (1.0 + rng.gauss(0.0, noise))}


CPU = settings({"cpu": {"kind": "gauge", "of": "gauge_cpu", "role": "must"}})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_level_that_rises_is_taken_back(seed: int) -> None:
    failed, _, verdict = played(Judge(CPU), lived(level(0.65, 0.1), level(0.5, 0.1), seed=seed))
    assert failed is not None
    assert verdict.blame == ("cpu",)
    assert "beyond the limit of 1.05 times" in verdict.why[0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_level_that_stays_goes_on(seed: int) -> None:
    failed, passes, verdict = played(Judge(CPU), lived(level(0.5, 0.1), level(0.5, 0.1), seed=seed))
    assert failed is None
    assert passes
    (cpu,) = [one for one in verdict.measures if one.name == "cpu"]
    assert cpu.low is not None
    assert cpu.high is not None
    assert cpu.low < 1.0 < cpu.high


def walking(seed: int) -> Fields:
    """A gauge that wanders for minutes: its samples follow each other closely."""
    rng, state = Random(seed), [0.0]

    def fields(_: Random, t: float, n: float) -> dict[str, float]:
        state[0] = state[0] * 0.98 + rng.gauss(0.0, 0.03)
        return {"gauge_cpu": 0.5 * (1.0 + max(-0.9, state[0]))}

    return fields


def test_a_level_that_wanders_is_not_held_against_the_new_version() -> None:
    runs = 40
    failed = [
        played(Judge(CPU), lived(walking(seed), walking(seed + 1000), seed=seed))[0] for seed in range(runs)
    ]
    assert sum(one is not None for one in failed) <= 2


def test_a_mean_is_one_counter_over_another() -> None:
    mean = settings({"seconds": {"kind": "mean", "of": "cpu_seconds", "role": "guard", "ratio": 1.1}})
    each = lambda cost: lambda rng, t, n: {"cpu_seconds": n * cost * rng.uniform(0.8, 1.2)}  # noqa: E731
    assert played(Judge(mean), lived(each(0.01), each(0.01)))[0] is None
    failed, _, verdict = played(Judge(mean), lived(each(0.013), each(0.01)))
    assert failed is not None
    assert verdict.blame == ("seconds",)


EVERYTHING = settings(
    {
        "bought": {"kind": "count", "worse": "less", "role": "must"},
        "orders": {"kind": "rate", "worse": "less"},
        "cpu": {"kind": "gauge", "of": "gauge_cpu"},
        "seconds": {"kind": "mean", "of": "cpu_seconds", "role": "watch"},
    },
    slos=[{"objective": 0.99, "long": 600, "short": 60}],
    horizon=500,
)


def everything(rng: Random, t: float, n: float) -> dict[str, float]:
    found = {"orders": poisson(rng, n * 0.02), "cpu_seconds": n * rng.uniform(0.008, 0.012)}
    return found | buying(0.1)(rng, t, n) | level(0.5, 0.1)(rng, t, n)


@pytest.mark.parametrize("cut", [10, 333, 500])
def test_dump_and_load_go_on_bit_for_bit_the_same(cut: int) -> None:
    straight, cut_up = Judge(EVERYTHING), Judge(EVERYTHING)
    for i, snapshot in enumerate(lived(everything, everything, until=400)):
        if i == cut:
            kept = json.loads(json.dumps(cut_up.dump(), allow_nan=False))
            cut_up = Judge.load(cut_up.settings, kept)
        assert straight.feed(snapshot) == cut_up.feed(snapshot)
    assert straight.dump() == cut_up.dump()


def test_the_budget_is_spent_once() -> None:
    chosen = JudgeSettings.model_validate(EVERYTHING)
    assert sum(budget.parts(chosen).values()) == pytest.approx(1.0)
    deciding = [budget.part(chosen, one) for one in chosen.measures.values() if one.role.value != "watch"]
    assert sum(deciding) == pytest.approx(budget.parts(chosen)["measures"])


def test_weights_are_by_group() -> None:
    even = JudgeSettings(weights={"errors": 1.0, "latency": 1.0, "traffic": 1.0, "disaster": 1.0, "limit": 1.0})
    assert set(budget.parts(even).values()) == {0.2}
    assert "latency" not in budget.parts(even.model_copy(update={"latency": False}))


def test_the_statisticians_names_of_the_chances() -> None:
    judge = Judge({"alpha": 0.02, "beta": 0.1, "horizon": 1800, "latency": False})
    assert (judge.settings.false_rollback, judge.settings.false_pass) == (0.02, 0.1)
    assert judge.settings.horizon == timedelta(minutes=30)


@pytest.mark.parametrize(
    "broken",
    [
        {"t": "soon"},
        {"t": 1.0, "weight": 0.1, "control": 3, "canary": None},
        {"t": 1.0, "weight": 0.1, "control": {"requests": "many", "errors": 1}, "canary": {"requests": 5}},
        {"t": 1.0, "weight": 0.1, "control": {"requests": 9, "errors": 1, "latency_bucket": [1, None]}},
        {"t": None, "weight": None, "control": None, "canary": None},
        {},
    ],
)
def test_data_that_are_no_snapshot_hold(broken: dict[str, Any]) -> None:
    verdict = Judge().feed(broken)
    assert verdict.outcome is Outcome.UNDECIDED
    assert verdict.verdict == "continue"


def test_a_snapshot_object_and_its_data_are_the_same() -> None:
    one, other = Judge(CONVERSIONS), Judge(CONVERSIONS)
    for data in lived(buying(0.1), buying(0.1), until=100):
        assert one.feed(data) == other.feed(Snapshot.model_validate(data))
