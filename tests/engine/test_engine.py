"""The engine with real decisions, over fakes of every port, in virtual time."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from playbook import NEW, OLD, plan

from pilotage.core import events as e
from pilotage.core.environment import Environment, Good
from pilotage.core.merging import router_reading
from pilotage.core.state import State, Status, fold
from pilotage.core.steps import Check
from pilotage.core.telemetry import Reading, Watched
from pilotage.engine import asking, reconcile
from pilotage.engine.bench import Bench
from pilotage.engine.worker import Worker
from pilotage.errors import PilotageError, Problem
from pilotage.ports import Reach
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.canary import Canary
from pilotage.testing.router import FakeRouter
from pilotage.testing.store import MemoryStore
from pilotage.testing.target import FakeTarget
from pilotage.usecases.proving import Proof, verify
from pilotage.usecases.releasing import start
from pilotage.usecases.returning import roll_back
from pilotage.usecases.stopping import take_down

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)


class VirtualClock:
    """Time passes while everybody sleeps: an hour in a moment."""

    def __init__(self) -> None:
        self._now = BEGIN

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        until = self._now + timedelta(seconds=seconds)
        while self._now < until:
            await asyncio.sleep(0)

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(0)
            self._now += timedelta(seconds=0.05)


class Yes:
    """A prober that finds nothing wrong."""

    async def probe(self, address, check):
        return None


class Place:
    """An environment made of fakes, with users: each second each serving release answers its part."""

    def __init__(self) -> None:
        self.store, self.clock = MemoryStore(), VirtualClock()
        self.target, self.router = FakeTarget(), FakeRouter()
        self.reach = Reach(self.target, self.router, Yes())
        self.failing: dict[str, int] = {}

    async def users(self) -> None:
        while True:
            await self.clock.sleep(1)
            if self.router.serving is not None:
                for split in self.router.serving.splits:
                    count = 200 * split.share // 1_000_000
                    bad = count * self.failing.get(split.release, 0) // 100
                    self.router.serve(split.release, 0.004, *[500] * bad, *[200] * (count - bad))

    async def settle(self, plan_) -> Environment:
        """The old version live, as an earlier rollout would have left it."""
        old, count = plan_.basis.live, plan_.basis.instances
        while (await self.target.prepare(old)).digest is None:
            pass
        await self.target.scale(old, range(1, count + 1))
        while not all(i.healthy for i in await self.target.observe()):
            pass
        known = await self.store.environment("shop", "prod")
        good = Good(release=old, instances=count, rollout="shop-prod-0", at=BEGIN)
        known = known.model_copy(update={"lineage": (good,), "rollouts": 1, "last_plan": plan_})
        await self.store.commit(environment=known)
        return await self.store.environment("shop", "prod")

    async def begin(self, plan_) -> State:
        return await start(self.store, lambda _: self.reach, plan_, by="ada", now=self.clock.now())


@asynccontextmanager
async def working(place: Place, workers: int = 1):
    """Users, time and workers, until the block is left."""
    team = [Worker(place.store, place.clock, lambda _: place.reach) for _ in range(workers)]
    tasks = [asyncio.create_task(worker.run()) for worker in team]
    tasks += [asyncio.create_task(place.clock.tick()), asyncio.create_task(place.users())]
    try:
        yield team
    finally:
        for worker in team:
            worker.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(place: Place, rollout: str, wanted, *, seconds: float = 3600) -> State:
    end = place.clock.now() + timedelta(seconds=seconds)
    while place.clock.now() < end:
        state = await place.store.rollout(rollout)
        if wanted(state):
            return state
        await asyncio.sleep(0)
    raise AssertionError(f"not within {seconds} s of virtual time: {state.status} at {state.step}")


def final(state: State) -> bool:
    return state.status.final


CANARY = Canary(steps=("10%", "50%"), hold="20s", keep_warm="30s")
CHECKED = (Check(name="front page", path="/"),)


def quick(method=CANARY, **fields):
    """A plan whose judge lets a clean version go on within some simulated minutes."""
    made = plan(method, checks=CHECKED, **fields)
    lenient = made.judge and made.judge.model_copy(
        update={"warm_up": timedelta(seconds=5), "error_pass_excess": 0.01, "latency": False}
    )
    return made.model_copy(update={"judge": lenient})


def test_a_clean_version_is_judged_and_promoted():
    async def story():
        place = Place()
        made = quick()
        await place.settle(made)
        async with working(place):
            rollout = await place.begin(made)
            state = await until(place, rollout.id, final)
        return place, state, await place.store.events(rollout.id), await verify(place.store, state)

    place, state, events, proven = asyncio.run(story())
    assert state.status is Status.SUCCEEDED
    assert fold(state.id, events) == state
    assert place.router.serving.share(NEW.id) == 1_000_000
    went_on = [event.inputs for event in events if isinstance(event, e.StepFinished) and event.inputs]
    assert len(went_on) == 2
    assert {one.proof for one in proven} == {Proof.SAME}
    passes = [event for event in events if isinstance(event, e.Judged) and event.verdict.outcome == "pass"]
    assert len(passes) == 2
    assert all(event.verdict.requests_new >= 100 for event in passes)


def test_a_bad_version_is_taken_back_and_the_environment_is_as_before():
    async def story():
        place = Place()
        made = quick()
        known = await place.settle(made)
        place.failing[NEW.id] = 10
        async with working(place):
            rollout = await place.begin(made)
            state = await until(place, rollout.id, final)
        return place, state, known, await place.store.environment("shop", "prod")

    place, state, known, after = asyncio.run(story())
    assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.JUDGED)
    assert after.lineage == known.lineage
    assert after.holder is None
    assert place.router.serving.share(OLD.id) == 1_000_000
    assert {i.release for i in asyncio.run(place.target.observe()) if i.exists} == {OLD.id}


def test_every_effect_stands_between_its_intent_and_its_outcome():
    async def story():
        place = Place()
        made = quick(BlueGreen(keep_warm=timedelta(seconds=5)))
        await place.settle(made)
        async with working(place):
            rollout = await place.begin(made)
            await until(place, rollout.id, final)
        return await place.store.events(rollout.id)

    open_intents: dict[str, str] = {}
    for event in asyncio.run(story()):
        if isinstance(event, e.Intended):
            open_intents[event.key] = event.value
        elif isinstance(event, e.Done):
            assert open_intents.pop(event.key) == event.value
    assert open_intents == {}


def test_two_workers_never_act_on_one_rollout_at_once():
    async def story():
        place = Place()
        made = quick()
        await place.settle(made)
        acting: list[str] = []
        async with working(place, workers=3) as team:
            for worker in team:
                original = worker._reconciler.reconcile

                async def watched(held, state, original=original):
                    assert held.rollout not in acting, "two workers act on one rollout"
                    acting.append(held.rollout)
                    try:
                        return await original(held, state)
                    finally:
                        acting.remove(held.rollout)

                worker._reconciler.reconcile = watched
            rollout = await place.begin(made)
            state = await until(place, rollout.id, final)
        return state, await place.store.events(rollout.id)

    state, events = asyncio.run(story())
    assert state.status is Status.SUCCEEDED
    finished = Counter((event.index, event.back) for event in events if isinstance(event, e.StepFinished))
    assert set(finished.values()) == {1}


@pytest.mark.parametrize("trouble", ["raises", "hangs", "nonsense"])
def test_a_broken_adapter_is_told_and_stops_nobody_else(trouble, monkeypatch):
    monkeypatch.setattr(asking, "PATIENCE", 0.05)

    class Broken(FakeTarget):
        broken = False

        async def observe(self):
            if not self.broken:
                return await super().observe()
            if trouble == "raises":
                raise RuntimeError("out of cheese")
            if trouble == "hangs":
                await asyncio.sleep(3600)
            return "three instances"

    async def story():
        place, other = Place(), Place()
        place.target = broken = Broken()
        place.reach = Reach(broken, place.router, Yes())
        other.store, other.clock = place.store, place.clock
        made = quick()
        elsewhere = quick(first=True).model_copy(update={"environment": "other"})
        await place.settle(made)
        worker = Worker(
            place.store, place.clock, lambda p: place.reach if p.environment == "prod" else other.reach
        )
        tasks = [
            asyncio.create_task(t) for t in (worker.run(), place.clock.tick(), place.users(), other.users())
        ]
        rollout = await place.begin(made)
        await until(place, rollout.id, lambda state: state.exposed_at is not None)
        broken.broken = True
        first = await start(place.store, lambda _: other.reach, elsewhere, by="ada", now=place.clock.now())
        told = await until(place, rollout.id, lambda state: state.problem is not None)
        done = await until(place, first.id, lambda state: state.promoted is not None)
        broken.broken = False
        ended = await until(place, rollout.id, final)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return told, done, ended

    told, done, ended = asyncio.run(story())
    assert told.problem.code in ("adapter.broken", "adapter.silent")
    assert done.promoted == NEW.id
    assert ended.status is Status.SUCCEEDED


def test_a_worker_that_dies_between_intent_and_effect_is_replaced(monkeypatch):
    """The effect is made again by the next one; every step is finished once."""

    class Killed(BaseException):
        pass

    async def story():
        place = Place()
        made = quick()
        await place.settle(made)
        deaths = 0
        original = reconcile.perform

        async def deadly(command, plan_, reach):
            nonlocal deaths
            deaths += 1
            if deaths % 2:
                raise Killed
            done = await original(command, plan_, reach)
            if deaths % 3 == 0:
                raise Killed
            return done

        monkeypatch.setattr(reconcile, "perform", deadly)
        rollout = await place.begin(made)
        helpers = [asyncio.create_task(place.clock.tick()), asyncio.create_task(place.users())]
        for _ in range(500):
            await place.store.take_over()
            reconciler = reconcile.Reconciler(place.store, place.clock, lambda _: place.reach)
            claimed = await place.store.claim("w", place.clock.now(), timedelta(seconds=10), 1)
            if not claimed:
                break
            held, state = claimed[0]
            try:
                while not state.status.final:
                    state, wake = await reconciler.reconcile(held, state)
                    if wake is not None:
                        await place.clock.sleep(max((wake - place.clock.now()).total_seconds(), 0.05))
            except Killed:
                continue
        for task in helpers:
            task.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        state = await place.store.rollout(rollout.id)
        return state, await place.store.events(rollout.id), deaths, await verify(place.store, state)

    state, events, deaths, proven = asyncio.run(story())
    assert deaths > 5
    assert {one.proof for one in proven} == {Proof.SAME}, "a crash changes no digest"
    assert state.status is Status.SUCCEEDED
    assert fold(state.id, events) == state
    finished = Counter((event.index, event.back) for event in events if isinstance(event, e.StepFinished))
    assert set(finished.values()) == {1}
    assert sum(isinstance(event, e.Promoted) for event in events) == 1


def test_the_judge_comes_back_after_a_crash_as_it_was():
    async def story():
        place = Place()
        made = quick()
        await place.settle(made)
        rollout = await place.begin(made)
        state = replaced(await place.store.rollout(rollout.id), exposed_at=place.clock.now())
        lasting, verdicts = Bench(place.store), []
        await place.router.apply(routing_of(state))
        for second in range(150):
            now = place.clock.now() + timedelta(seconds=second)
            place.router.serve(OLD.id, 0.004, *[200] * 90)
            place.router.serve(NEW.id, 0.004, *[500] * (second % 50 == 49), *[200] * 10)
            await lasting.hear(state, await reading_of(place, state, now), now)
            verdicts.append(lasting.recent(state, now)[0])
        again = Bench(place.store)
        place.router.serve(NEW.id, 0.004, *[200] * 10)
        now = place.clock.now() + timedelta(seconds=150)
        reading = await reading_of(place, state, now)
        await again.hear(state, reading, now)
        await lasting.hear(state, reading, now)
        return again.recent(state, now), lasting.recent(state, now)

    again, lasting = asyncio.run(story())
    assert again.inputs is not None
    assert again.inputs.snapshots == 151
    assert again == lasting


async def reading_of(place: Place, state: State, now: datetime) -> Reading:
    plan_ = state.plan
    watched = Watched(service="shop", environment="prod", new=plan_.new, old=plan_.basis.live)
    return router_reading(await place.router.telemetry(), watched, now)


def replaced(state: State, **changes) -> State:
    shares = {OLD.id: 900_000, NEW.id: 100_000}
    return state.model_copy(update={"shares": shares, **changes})


def routing_of(state: State):
    from pilotage.core.routing import Backend, Routing, Split

    splits = (Split(release=OLD.id, share=900_000), Split(release=NEW.id, share=100_000))
    backends = (Backend(release=OLD.id), Backend(release=NEW.id))
    return Routing(listen=state.plan.router.listen, backends=backends, splits=splits)


def test_a_release_while_one_runs_is_refused_or_waits_its_turn():
    async def story():
        place = Place()
        made = quick()
        await place.settle(made)
        third = made.new.model_copy(update={"version": "3.0"})
        other = replan(made, third)
        async with working(place):
            first = await place.begin(made)
            await until(place, first.id, lambda state: state.exposed_at is not None)
            with pytest.raises(PilotageError, match="is being changed") as refused:
                await place.begin(other)
            second = await start(
                place.store, lambda _: place.reach, other, by="bob", now=place.clock.now(), supersede=True
            )
            gone = await until(place, first.id, final)
            came = await until(place, second.id, final)
        return refused.value.problems[0], gone, came, await place.store.environment("shop", "prod")

    refused, gone, came, known = asyncio.run(story())
    assert refused.code == "release.busy"
    assert (gone.status, gone.cause) == (Status.ROLLED_BACK, e.Cause.SUPERSEDED)
    assert came.status is Status.SUCCEEDED
    assert [good.release.version for good in known.lineage] == ["1.0", "3.0"]


def replan(made, new):
    from pilotage.strategies.method import Context

    return CANARY.compile(
        Context(
            environment=made.environment,
            new=new,
            instances=made.instances,
            basis=made.basis,
            target=made.target,
            router=made.router,
            judge=made.judge,
        )
    )


def test_rollback_after_the_end_goes_to_the_last_good_release_and_further():
    async def story():
        place = Place()
        made = quick(BlueGreen(keep_warm=timedelta(0)))
        await place.settle(made)
        async with working(place):
            first = await place.begin(made)
            await until(place, first.id, final)
            known = await place.store.environment("shop", "prod")
            back = await roll_back(place.store, lambda _: place.reach, known, by="ada", now=place.clock.now())
            ended = await until(place, back.id, final)
            known = await place.store.environment("shop", "prod")
            with pytest.raises(PilotageError) as none_left:
                await roll_back(place.store, lambda _: place.reach, known, by="ada", now=place.clock.now())
        return ended, known, none_left.value.problems[0].code, await place.target.observe()

    ended, known, code, instances = asyncio.run(story())
    assert ended.plan.method == "restore"
    assert [good.release.version for good in known.lineage] == ["1.0"]
    assert code == "rollback.no-earlier"
    assert {i.release for i in instances if i.exists} == {OLD.id}


def test_a_store_that_is_full_for_a_while_loses_nothing():
    async def story():
        place = Place()
        made = quick()
        await place.settle(made)
        async with working(place):
            rollout = await place.begin(made)
            await until(place, rollout.id, lambda state: state.exposed_at is not None)
            place.store.fail_next(*[Problem(code="store.full", what="no room")] * 40)
            while place.store._failures:
                await asyncio.sleep(0)
            state = await until(place, rollout.id, final)
        return state, await place.store.events(rollout.id)

    state, events = asyncio.run(story())
    assert state.status is Status.SUCCEEDED
    assert fold(state.id, events) == state


def test_crashed_instances_are_seen_through_the_ports():
    async def story():
        place = Place()
        made = quick()
        await place.settle(made)
        async with working(place):
            rollout = await place.begin(made)
            await until(place, rollout.id, lambda state: state.exposed_at is not None)
            world = place.target.world
            for name in list(world.instances):
                if name.startswith(NEW.id):
                    world.never_healthy.add(NEW.id)
                    world.crash(name, "exit 3")
            return await until(place, rollout.id, final)

    state = asyncio.run(story())
    assert state.cause is e.Cause.UNHEALTHY
    assert "exit 3" in "".join(state.why)


def test_an_environment_that_is_taken_down_stays_down_and_comes_back_with_the_next_release():
    async def story():
        place = Place()
        made = quick(BlueGreen(keep_warm=timedelta(hours=1)))
        await place.settle(made)
        async with working(place):
            first = await place.begin(made)
            await until(place, first.id, lambda state: state.warm)
            known = await place.store.environment("shop", "prod")
            stopped = await take_down(place.store, lambda _: place.reach, place.clock, known, by="ada")
            await place.clock.sleep(120)
            left = [i for i in await place.target.observe() if i.exists]
            known = await place.store.environment("shop", "prod")
            again = plan_again(made, known)
            second = await place.begin(again)
            await until(place, second.id, lambda state: state.promoted is not None)
            after = await place.store.environment("shop", "prod")
        return stopped, left, known, after

    stopped, left, known, after = asyncio.run(story())
    assert len(stopped) == 5
    assert left == []
    assert known.stopped is not None
    assert known.holder is None
    assert after.stopped is None


def plan_again(made, known):
    return replan(made.model_copy(update={"basis": known.basis}), made.new.once_more("again"))
