"""Defects that the simulation found (docs/simulation.md), each as the shortest story that shows it."""

from __future__ import annotations

import asyncio
import gc
import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from test_engine import Place, final, quick, replan, until, working

from pilotage.core.events import Order
from pilotage.core.state import Status
from pilotage.engine.reconcile import Reconciler
from pilotage.engine.worker import Worker
from pilotage.errors import Problem
from pilotage.ports import LeaseLost, StoreError
from pilotage.strategies.blue_green import BlueGreen
from pilotage.testing.store import MemoryStore
from pilotage.usecases.releasing import start

LEASE = timedelta(seconds=10)


def test_of_two_in_the_queue_the_slower_one_does_not_begin_on_what_it_saw():
    """Both see that the environment is free; one begins; the other had seen it free a moment before."""

    class Overtaken(MemoryStore):
        armed = False

        async def environment(self, service, name):
            seen = await super().environment(service, name)
            if self.armed and seen.holder is None:
                self.armed = False
                await self.commit(environment=seen.model_copy(update={"holder": "shop-prod-9"}))
            return seen

    async def story():
        place = Place()
        place.store = Overtaken()
        made = quick()
        await place.settle(made)
        first = await place.begin(made)
        other = replan(made, made.new.model_copy(update={"version": "3.0"}))
        waiting = await start(
            place.store, lambda _: place.reach, other, by="bob", now=place.clock.now(), supersede=True
        )
        await place.store.send(first.id, Order.ABORT, "ada", place.clock.now())
        place.store.armed = True
        async with working(place):
            await until(place, first.id, final)
            await place.clock.sleep(20)
            state = await place.store.rollout(waiting.id)
            held = await place.store.environment("shop", "prod")
            await place.store.commit(environment=held.model_copy(update={"holder": None}))
            await until(place, waiting.id, final)
        return state, held

    state, environment = asyncio.run(story())
    assert environment.holder == "shop-prod-9"
    assert state.status is Status.QUEUED


def test_a_worker_that_has_lost_its_lease_repeats_no_effect():
    """Nothing new is to be recorded, only an effect to be repeated: the lease is asked for all the same."""

    async def story():
        place = Place()
        made = quick()
        await place.settle(made)
        place.router.stuck = True
        await place.begin(made)
        reconciler = Reconciler(place.store, place.clock, lambda _: place.reach)
        [(held, state)] = await place.store.claim("w1", place.clock.now(), LEASE, 1)
        for _ in range(3):
            state, _ = await reconciler.reconcile(held, state)
        given = len(place.router.applied)
        place.clock._now += timedelta(seconds=11)
        assert await place.store.claim("w2", place.clock.now(), LEASE, 1)
        with pytest.raises(LeaseLost):
            await reconciler.reconcile(held, state)
        return given, len(place.router.applied)

    before, after = asyncio.run(story())
    assert before == after > 0


def test_a_lease_that_could_not_be_given_back_runs_out():
    """Its worker does not keep it for ever with the others: somebody hears the next order."""

    class Deaf(MemoryStore):
        async def release(self, held, wake):
            raise StoreError(Problem(code="store.full", what="no room"))

    async def story():
        place = Place()
        place.store = Deaf()
        made = quick(BlueGreen(keep_warm=timedelta(hours=1)))
        await place.settle(made)
        async with working(place):
            rollout = await place.begin(made)
            await until(place, rollout.id, lambda state: state.warm)
            await place.clock.sleep(8)
            await place.store.send(rollout.id, Order.ROLLBACK, "ada", place.clock.now())
            return await until(place, rollout.id, final, seconds=120)

    assert asyncio.run(story()).status is Status.ROLLED_BACK


def test_a_task_whose_lease_was_claimed_anew_is_kept_until_it_ends():
    """A worker that took its own rollout again forgot the older task: it could vanish in the middle."""

    class Slow:
        def __init__(self):
            self.ended = []
            self.go = asyncio.Event()

        async def reconcile(self, held, state):
            await self.go.wait()
            for _ in range(20 // held.epoch):  # the older one takes longer
                await asyncio.sleep(0)
            self.ended.append(held.epoch)
            raise LeaseLost(Problem(code="store.lease-lost", what="gone"))

    async def story():
        place = Place()
        made = quick()
        await place.settle(made)
        await place.begin(made)
        worker = Worker(place.store, place.clock, lambda _: place.reach)
        worker._reconciler = slow = Slow()
        for _ in range(2):
            worker._begin(await place.store.claim(worker.name, place.clock.now(), timedelta(0), 1))
            await asyncio.sleep(0)
        gc.collect()
        running = asyncio.create_task(worker.run())
        ticking = asyncio.create_task(place.clock.tick())
        worker.stop()
        slow.go.set()
        await running
        ticking.cancel()
        return slow.ended

    assert sorted(asyncio.run(story())) == [1, 2]
