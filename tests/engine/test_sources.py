"""Sources of telemetry in a rollout: fed together, missed loudly, remembered bit for bit."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from playbook import NEW, OLD
from test_engine import Place, Yes, final, quick, replaced, routing_of, until, working

from pilotage.core.events import Created
from pilotage.core.inputs import Inputs, nothing_heard
from pilotage.core.judging import Arm, Kind, MeasureSettings, Role, Snapshot
from pilotage.core.merging import router_reading
from pilotage.core.plan import TelemetrySpec
from pilotage.core.state import State, Status, fold
from pilotage.core.telemetry import Reading, Watched
from pilotage.engine import sources as sources_module
from pilotage.engine.bench import Bench
from pilotage.engine.sources import Sources
from pilotage.engine.worker import Worker
from pilotage.judge import Judge
from pilotage.ports import Reach
from pilotage.testing.router import BOUNDS
from pilotage.testing.telemetry import FakeSource

BOTH = (TelemetrySpec(kind="router"), TelemetrySpec(kind="shop"))


class Shop(Place):
    """A place whose service counts its orders itself."""

    def __init__(self) -> None:
        super().__init__()
        self.source = FakeSource()
        self.source.now = self.clock.now
        self.source.old, self.source.new = {"orders": 50}, {"orders": 5}
        self.reach = Reach(self.target, self.router, Yes(), (self.source,))


def planned(**fields: Any):
    return quick().model_copy(update={"telemetry": BOTH, **fields})


def leave(team: list[Worker]) -> None:
    """Ends the workers in the middle of a rollout: there will be no more time to sleep in."""
    for worker in team:
        for task in worker._tasks.values():
            task.cancel()


def snapshots_of(place: Place, rollout: str) -> list[Snapshot]:
    return [snapshot for _, snapshot in asyncio.run(place.store.snapshots(rollout))]


def test_every_source_is_in_what_the_judge_hears():
    async def story():
        place, made = Shop(), planned()
        await place.settle(made)
        async with working(place):
            rollout = await place.begin(made)
            state = await until(place, rollout.id, final)
        return place, state

    place, state = asyncio.run(story())
    assert state.status is Status.SUCCEEDED
    compared = [one for one in snapshots_of(place, state.id) if one.t >= 0 and 0 < one.weight < 1]
    assert len(compared) > 20
    for snapshot in compared[5:]:
        assert snapshot.control is not None
        assert snapshot.canary is not None
        assert snapshot.control.model_extra == {"orders": 50, "inflight": 0}
        assert snapshot.canary.requests is not None


def test_a_failing_source_is_told_its_figures_are_unknown_and_the_rest_is_judged():
    async def story():
        place, made = Shop(), planned()
        await place.settle(made)
        async with working(place) as team:
            rollout = await place.begin(made)
            await until(place, rollout.id, lambda state: state.exposed_at is not None)
            place.source.down = True
            told = await until(place, rollout.id, lambda state: state.problem is not None)
            await place.clock.sleep(20)
            place.source.down = False
            cleared = await until(place, rollout.id, lambda state: state.problem is None)
            leave(team)
        return place, told, cleared

    place, told, cleared = asyncio.run(story())
    assert told.problem.code == "telemetry.no-answer"
    assert cleared.status is Status.RUNNING
    without = [
        one
        for one in snapshots_of(place, cleared.id)
        if one.control is not None and one.t > 0 and "orders" not in one.control.model_extra
    ]
    assert len(without) > 10
    assert all(one.control is not None and one.control.requests is not None for one in without)


@pytest.mark.parametrize("trouble", ["hangs", "raises", "nonsense", "absurd"])
def test_a_broken_source_stops_nobody(trouble, monkeypatch):
    # Its patience is in real seconds, in which much virtual time goes by.
    monkeypatch.setattr(sources_module, "PATIENCE", 0.05)
    monkeypatch.setattr(sources_module, "REST", timedelta(hours=9))

    class Broken(FakeSource):
        async def read(self, watched):
            self.asked += 1
            if trouble == "hangs":
                await asyncio.sleep(3600)
            if trouble == "raises":
                raise RuntimeError("out of cheese")
            if trouble == "absurd":
                arm = Arm(requests=1, orders=float("nan"), cpu="much")
                return Reading(at=self.now(), old=arm, new=arm)
            return {"old": 3}

    async def story():
        place, made = Shop(), planned()
        place.source = Broken()
        place.source.now = place.clock.now
        place.reach = Reach(place.target, place.router, Yes(), (place.source,))
        await place.settle(made)
        async with working(place) as team:
            rollout = await place.begin(made)
            if trouble != "absurd":
                told = await until(place, rollout.id, lambda state: state.problem is not None)
                assert told.problem.code == ("telemetry.silent" if trouble == "hangs" else "telemetry.broken")
            await until(place, rollout.id, lambda state: state.exposed_at is not None)
            await place.clock.sleep(20)
            state, glance = await place.store.rollout(rollout.id), await place.store.glance(rollout.id)
            leave(team)
        return place, state, glance

    place, state, glance = asyncio.run(story())
    assert len([one for one in snapshots_of(place, state.id) if one.t > 0]) > 5
    assert glance.at > state.exposed_at
    if trouble == "absurd":
        assert "shop: orders of the old version is nan: left out" in glance.notes
        assert "shop: cpu of the new version is a text, not a number: left out" in glance.notes
    if trouble == "hangs":
        assert place.source.asked == 1
    for snapshot in snapshots_of(place, state.id):
        assert Snapshot.model_validate_json(snapshot.model_dump_json()) == snapshot


def test_a_source_that_stands_still_is_not_believed_for_long():
    place = Shop()
    state, now = rollout_at(place, exposed=True), place.clock.now()
    place.source.now = lambda: now
    desk = Sources()

    async def look(seconds: float) -> Reading:
        reading = await desk.read(state, place.reach, nothing(), now + timedelta(seconds=seconds))
        return reading or Reading(at=now)

    async def story():
        known = [(await look(second)).old for second in (0, 30, 59, 61, 90)]
        problems = desk.trouble(state.id)
        place.source.now = lambda: now + timedelta(seconds=91)
        return known, problems, (await look(92)).old, desk.trouble(state.id)

    known, problems, again, after = asyncio.run(story())
    assert [arm is not None for arm in known] == [True, True, True, False, False]
    assert [problem.code for problem in problems] == ["telemetry.stale"]
    assert again is not None
    assert after == []


async def nothing() -> None:
    return None


def rollout_at(place: Place, *, exposed: bool, **fields: Any) -> State:
    made = planned(**fields)
    state = fold("shop-1", [Created(at=place.clock.now(), by="ada", plan=made, digest=made.digest)])
    return replaced(state, exposed_at=place.clock.now() if exposed else None)


def past_of(now: datetime, count: int = 20) -> list[Reading]:
    """A quarter of an hour of the old version, by a source that also counts requests in buckets of the
    router's bounds."""
    readings = []
    for number in range(count):
        arm = Arm(requests=1000 * number, errors=number, latency_bucket=(1000.0 * number,) * (len(BOUNDS) + 1))
        at = now - timedelta(seconds=45 * (count - number))
        readings.append(Reading(at=at, old=arm, epoch="past", latency_bounds=BOUNDS))
    return readings


def test_history_is_fed_once_before_the_live_readings_and_a_replay_is_the_same():
    async def story():
        place, made = Shop(), planned()
        await place.settle(made)
        place.source.past = past_of(place.clock.now())
        async with working(place) as team:
            rollout = await place.begin(made)
            await until(place, rollout.id, lambda state: state.exposed_at is not None)
            await place.clock.sleep(30)
            state = await place.store.rollout(rollout.id)
            verdict = (await place.store.glance(rollout.id)).verdict
            (bench,) = [worker._reconciler._bench for worker in team]
            leave(team)
        return place, state, verdict, bench._seats[rollout.id].inputs

    place, state, verdict, inputs = asyncio.run(story())
    fed = snapshots_of(place, state.id)
    past = [one for one in fed if one.control is not None and one.epoch != fed[-1].epoch]
    assert [one.control.requests for one in past[:20]] == [1000 * number for number in range(20)]
    assert all(one.t < 0 and one.canary is None and one.weight == 0 for one in past)
    assert [one.t for one in fed] == sorted({one.t for one in fed})
    judge = Judge(inputs.settings(state.plan.judge))
    assert inputs.latency_bounds == BOUNDS
    assert reduce(Inputs.and_then, fed[: inputs.snapshots], nothing_heard(judge.settings)) == inputs
    again = [judge.feed(Snapshot.model_validate_json(one.model_dump_json())) for one in fed]
    assert verdict in again


def test_a_crash_repeats_no_history():
    async def story():
        place = Shop()
        state, now = rollout_at(place, exposed=True), place.clock.now()
        await place.router.apply(routing_of(state))
        place.source.past = past_of(now)
        first = Bench(place.store)
        assert await first.begins(state)
        first.remember(state, place.source.past)
        reading = await looked(place, state, now)
        await first.hear(state, reading, now + timedelta(seconds=1))
        again = Bench(place.store)
        begins = await again.begins(state)
        later = now + timedelta(seconds=2)
        await again.hear(state, reading, later)
        await first.hear(state, reading, later)
        return begins, again, first, state, later, await place.store.snapshots(state.id)

    begins, again, first, state, later, kept = asyncio.run(story())
    assert not begins
    assert [number for number, _ in kept] == list(range(1, 23))
    assert again.recent(state, later) == first.recent(state, later)


def test_latency_in_other_buckets_is_left_out_and_told():
    async def story():
        place = Shop()
        state, now = rollout_at(place, exposed=True), place.clock.now()
        await place.router.apply(routing_of(state))
        bench = Bench(place.store)
        reading = await looked(place, state, now)
        await bench.hear(state, reading, now + timedelta(seconds=1))
        quiet = bench.notes(state.id)
        other = reading.model_copy(update={"latency_bounds": tuple(2 * bound for bound in BOUNDS)})
        await bench.hear(state, other, now + timedelta(seconds=2))
        told = bench.notes(state.id)
        crashed = Bench(place.store)
        await crashed.hear(state, other, now + timedelta(seconds=3))
        return quiet, told, crashed.notes(state.id), [one for _, one in await place.store.snapshots(state.id)]

    quiet, told, after_crash, fed = asyncio.run(story())
    assert quiet == ()
    assert (
        told == after_crash == ("latency is counted in other buckets than when this rollout began: left out",)
    )
    assert [one.control.latency_bucket is None for one in fed] == [False, True, True]
    assert all(one.control.requests is not None for one in fed)


async def looked(place: Place, state: State, now: datetime) -> Reading:
    watched = Watched(service="shop", environment="prod", new=NEW, old=OLD)
    return router_reading(await place.router.telemetry(), watched, now)


def test_a_measure_that_nobody_counts_holds_and_is_told():
    measures = {"carts": MeasureSettings(kind=Kind.COUNT, role=Role.MUST)}

    async def story():
        place = Shop()
        made = planned(judge=quick().judge.model_copy(update={"measures": measures}))
        await place.settle(made)
        async with working(place) as team:
            rollout = await place.begin(made)
            told = await until(place, rollout.id, lambda state: state.problem is not None)
            await place.clock.sleep(300)
            held = await place.store.rollout(rollout.id)
            leave(team)
        return told, held

    told, held = asyncio.run(story())
    assert told.problem.code == "telemetry.missing"
    assert "carts" in told.problem.why
    assert held.status is Status.RUNNING
    assert held.problem == told.problem
    assert held.shares[NEW.id] == 100_000
