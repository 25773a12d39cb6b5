"""A backtest of recordings: the same seed gives the same report; what it lacks, it says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from factories import at, make_plan, make_release, make_snapshot, make_state
from pilotage.core.judging import Arm, JudgeSettings, Kind, MeasureSettings, Snapshot
from pilotage.core.plan import TelemetrySpec
from pilotage.core.telemetry import Reading
from pilotage.errors import PilotageError
from pilotage.judge.pretend import Ramp
from pilotage.ports import Reach
from pilotage.testing.store import MemoryStore
from pilotage.testing.telemetry import FakeSource
from pilotage.usecases.backtesting import (
    Report,
    Source,
    Trial,
    backtest,
    from_environment,
    from_rollouts,
    of_readings,
)

SETTINGS = JudgeSettings(
    warm_up=timedelta(seconds=5),
    error_pass_excess=0.01,
    measures={"orders": MeasureSettings(kind=Kind.COUNT)},
)
TRIAL = Trial(SETTINGS, Ramp((0.2, 0.5), 40.0), most=4)


def arm(second: int, **more: Any) -> Arm:
    """A hundred requests a second; one in a hundred fails, every ten seconds ten at once."""
    buckets = (60 * second, 80 * second, 90 * second, 95 * second, 99 * second, 100 * second)
    return Arm(
        requests=100 * second, errors=10 * (second // 10), latency_bucket=buckets, orders=20 * second, **more
    )


def history(seconds: int, instances: int) -> Source:
    looks = []
    for second in range(seconds):
        shards = tuple(arm(second) for _ in range(instances)) if instances > 1 else None
        whole = arm(second * instances, shards=shards)
        looks.append(Snapshot(t=float(second - seconds), weight=0.0, control=whole, canary=None))
    return Source("history", looks)


def tried(*sources: Source, **changes: Any) -> Report:
    return backtest(sources, Trial(**{**TRIAL.__dict__, **changes}))


def test_instances_play_the_new_version() -> None:
    found = tried(history(940, 4))
    assert found.by_instances
    assert found.releases == 4
    assert [case.name for case in found.cases] == [
        "healthy",
        "errors x2",
        "errors x5",
        "outage half way",
        "slower by 1 bucket",
        "orders doubled",
    ]
    assert found.cases[0].taken_back.count == 0
    assert found.cases[3].taken_back.count == 4
    assert [one.share for one in found.permissions] == [0.2, 0.5]
    assert "errors" in {one.measure for one in found.margins}
    assert found.past == ()
    assert found.notes[0].startswith("one half of the instances")
    assert found.notes[-1] == "only the first 4 pretend releases were made: --most makes more"


def test_without_instances_it_says_that_it_is_optimistic() -> None:
    found = tried(history(200, 1), most=1)
    assert found.by_instances is False
    assert found.notes[0].startswith("optimistic: ")
    assert found.notes[-1].startswith("no margins are suggested")


def test_the_seed_decides() -> None:
    source = history(900, 1)
    assert tried(source, seed=1) == tried(source, seed=1)
    differing = {tuple(case.seconds for case in tried(source, seed=seed).cases) for seed in range(4)}
    assert len(differing) > 1


def test_a_short_history_makes_one_release_or_none() -> None:
    assert tried(history(100, 1)).releases == 1
    found = tried(history(60, 1))
    assert (found.releases, found.cases, found.by_instances) == (0, (), None)
    assert (
        found.notes[0]
        == "no history is long enough for a pretend release of 1m20s: --length makes them shorter"
    )


def test_past_releases_are_judged_anew() -> None:
    looks = [make_snapshot(second) for second in range(1, 30)]
    bad = [
        one.model_copy(update={"canary": Arm(requests=one.canary.requests, errors=one.canary.requests)})
        for one in looks
    ]
    found = tried(Source("good", looks, "succeeded"), Source("bad", bad, "rolled-back"))
    assert [(one.name, one.judged.failed is not None, one.ended) for one in found.past] == [
        ("good", False, "succeeded"),
        ("bad", True, "rolled-back"),
    ]


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    backtest([history(200, 1)], Trial(SETTINGS, Ramp((0.5,), 20.0), most=2), lambda *at: told.append(at))
    assert told == [(done, 6) for done in range(1, 7)]


@pytest.mark.parametrize("sources", [[], [Source("empty", [])]])
def test_nothing_to_try_it_on(sources: list[Source]) -> None:
    with pytest.raises(PilotageError) as caught:
        backtest(sources, TRIAL)
    assert caught.value.problems[0].code == "recording.none"


def test_what_rollouts_have_heard() -> None:
    store = MemoryStore()
    asyncio.run(store.record("shop-1", 1, make_snapshot(1)))
    states = [make_state("shop-1"), make_state("shop-2")]
    (found,) = asyncio.run(from_rollouts(store, states))
    assert found == Source("shop-1", [make_snapshot(1)], "running")


def test_readings_are_a_history_of_the_old_version_alone() -> None:
    readings = [Reading(at=at(second), new=arm(second), epoch="a") for second in (1, 2)]
    found = of_readings("metrics", readings)
    assert [(one.t, one.weight, one.canary, one.epoch) for one in found.snapshots] == [
        (-1.0, 0.0, None, "a"),
        (0.0, 0.0, None, "a"),
    ]
    assert found.snapshots[0].control == arm(1)
    assert of_readings("metrics", []).snapshots == ()


@dataclass
class Sources:
    """Of a reach only its telemetry is asked for."""

    telemetry: tuple[Any, ...]


@pytest.mark.parametrize("past", [(), tuple(Reading(at=at(second), old=arm(second)) for second in range(9))])
def test_the_history_of_an_environment(past: tuple[Reading, ...]) -> None:
    source = FakeSource()
    source.past = list(past)
    plan = make_plan().model_copy(update={"telemetry": (TelemetrySpec(kind="fake"),)})
    reach: Reach = Sources((source,))  # type: ignore[assignment]
    asked = from_environment(reach, plan, make_release(), at(-10), at(100))
    if not past:
        with pytest.raises(PilotageError, match="no history"):
            asyncio.run(asked)
        return
    (found,) = asyncio.run(asked)
    assert (found.name, len(found.snapshots)) == ("fake", 9)
