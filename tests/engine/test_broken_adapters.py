"""Adapters that do what no adapter should: each is told on its own rollout, and stops no other."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from test_engine import BEGIN, Place, final, quick, until

from pilotage.core import events as e
from pilotage.core.backoff import backoff, grown
from pilotage.core.environment import Good
from pilotage.core.plan import TelemetrySpec
from pilotage.core.state import Status
from pilotage.core.telemetry import Reading
from pilotage.engine import asking
from pilotage.engine.asking import ask, ask_for
from pilotage.engine.worker import Worker
from pilotage.errors import PilotageError, Problem
from pilotage.ports import Reach
from pilotage.simulate.loop import VirtualLoop
from pilotage.strategies.canary import Canary
from pilotage.usecases.releasing import start

METHODS = (
    "target.prepare", "target.scale", "target.observe", "target.stop",
    "router.observe", "router.apply", "router.telemetry", "prober.probe", "source.read",
)  # fmt: skip
BOTH = (TelemetrySpec(kind="router"), TelemetrySpec(kind="strange"))
SHORT = Canary(steps=("50%",), hold="5s", keep_warm="5s")
ACCEPTED_BY_SAYING_NOTHING = {"target.scale", "target.stop", "router.apply"}
"""None is their good answer: that nothing came of it is seen, not heard."""


class Source:
    """Knows nothing, in a sound way."""

    async def read(self, watched):
        return Reading(at=Source.clock.now(), epoch="1")

    async def history(self, watched, since, until):
        return ()

    async def close(self):
        pass


async def hangs():
    await asyncio.sleep(3600)


async def clings():
    """Does not even let go when it is told to."""
    while True:
        with suppress(BaseException):
            await asyncio.sleep(3600)


def raising(error):
    async def raises():
        raise error

    return raises


def raises_at_once():
    raise RuntimeError("not even a coroutine")


def answering(answer):
    async def answers():
        return answer

    return answers


WAYS = {
    "hangs": hangs,
    "clings": clings,
    "raises": raising(RuntimeError("out of cheese")),
    "exits": raising(SystemExit(3)),
    "is interrupted": raising(KeyboardInterrupt()),
    "cancels": raising(asyncio.CancelledError()),
    "closes": raising(GeneratorExit()),
    "is not asynchronous": raises_at_once,
    "can not be awaited": lambda: "yes",
    "answers nothing": answering(None),
    "answers nonsense": answering(("three", 4.5)),
}


class Broken:
    """An adapter of which one method is broken, while it is."""

    def __init__(self, inner, method, do):
        self.inner, self.method, self.do, self.broken, self.calls = inner, method, do, True, 0

    def __getattr__(self, name):
        if name != self.method or not self.broken:
            return getattr(self.inner, name)
        self.calls += 1
        return lambda *_: self.do()


class Site:
    """An environment of which one method of one adapter is broken."""

    def __init__(self, first, at, do):
        self.place = Place()
        self.place.store, self.place.clock = first.store, first.clock
        Source.clock = first.clock
        self.sound = Reach(self.place.target, self.place.router, self.place.reach.prober, (Source(),))
        port, method = at.split(".")
        inner = self.sound.telemetry[0] if port == "source" else getattr(self.sound, port)
        self.adapter = Broken(inner, method, do)
        changed = {"telemetry": (self.adapter,)} if port == "source" else {port: self.adapter}
        self.reach = Reach(**{**self.sound.__dict__, **changed})


def troubles(events):
    """Everything by which a person hears that something is wrong."""
    return [
        event
        for event in events
        if isinstance(event, e.ProblemRaised | e.Failed)
        or (isinstance(event, e.TurnedBack) and event.problem is not None)
        or (isinstance(event, e.Checked) and event.failures)
    ]


class LoopClock:
    """The loop's own time, which is virtual: patience and retries cost none of ours."""

    def now(self):
        return BEGIN + timedelta(seconds=asyncio.get_running_loop().time())

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)


def tried(way, at):
    """Whether something is wrong at all: some methods answer with nothing when all is well."""
    silent = {*ACCEPTED_BY_SAYING_NOTHING, "prober.probe"}
    if way == "answers nothing":
        return at not in silent
    return way != "answers nonsense" or at not in ACCEPTED_BY_SAYING_NOTHING


@pytest.mark.parametrize("way", ["hangs", "exits", "answers nothing", "answers nonsense"])
def test_every_method_of_every_adapter_may_break_and_the_others_go_on(way):
    async def story():
        sound = Place()
        sound.clock = LoopClock()
        sites = {at: Site(sound, at, WAYS[way]) for at in METHODS if tried(way, at)}
        reaches = {at: site.reach for at, site in sites.items()} | {"prod": sound.reach}
        worker = Worker(sound.store, sound.clock, lambda plan: reaches[plan.environment])
        places = [sound, *(site.place for site in sites.values())]
        tasks = [asyncio.create_task(work) for work in (worker.run(), *(place.users() for place in places))]
        broken = {}
        for at, site in sites.items():
            plan = quick(SHORT).model_copy(update={"environment": at, "telemetry": BOTH})
            await settle(site, plan)
            begun = await start(sound.store, lambda _, s=site: s.sound, plan, by="ada", now=sound.clock.now())
            broken[at] = begun.id
        other = await sound.begin(quick(SHORT, first=True))
        ended = await so_that(sound, other.id, final)
        for at, rollout in broken.items():
            for _ in range(7200):
                if troubles(await sound.store.events(rollout)):
                    break
                await asyncio.sleep(1)
            else:
                raise AssertionError(f"nothing is told of {at}")
        for site in sites.values():
            site.adapter.broken = False
        states = [await so_that(sound, rollout, final) for rollout in broken.values()]
        alive = not tasks[0].done()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return ended, states, alive

    loop = VirtualLoop()
    try:
        ended, states, alive = loop.run_until_complete(story())
    finally:
        loop.close()
    assert ended.status is Status.SUCCEEDED
    assert alive, "the worker itself goes on"
    assert all(state.status in (Status.SUCCEEDED, Status.ROLLED_BACK) for state in states)


async def so_that(place, rollout, wanted):
    for _ in range(7200):
        state = await place.store.rollout(rollout)
        if wanted(state):
            return state
        await asyncio.sleep(1)
    raise AssertionError(f"not within two hours: {state.status} at {state.step}")


async def settle(site, plan):
    """As Place does, for an environment of another name."""
    place, old = site.place, plan.basis.live
    while (await place.target.prepare(old)).digest is None:
        pass
    await place.target.scale(old, range(1, plan.basis.instances + 1))
    while not all(i.healthy for i in await place.target.observe()):
        pass
    known = await place.store.environment("shop", plan.environment)
    good = Good(release=old, instances=plan.basis.instances, rollout="shop-0", at=BEGIN)
    known = known.model_copy(update={"lineage": (good,), "rollouts": 1, "last_plan": plan})
    await place.store.commit(environment=known)


def test_adapters_that_can_not_be_made_are_told_and_made_later():
    async def story(error):
        sound = Place()
        made = quick(first=True)
        plan = made.model_copy(update={"environment": "other"})
        other = Place()
        absent = [True]

        def reach_of(plan):
            if plan.environment == "prod":
                return sound.reach
            if absent:
                raise error
            return other.reach

        worker = Worker(sound.store, sound.clock, reach_of)
        tasks = [
            asyncio.create_task(t) for t in (worker.run(), sound.clock.tick(), sound.users(), other.users())
        ]
        broken = await start(sound.store, lambda _: other.reach, plan, by="ada", now=sound.clock.now())
        good = await start(sound.store, lambda _: sound.reach, made, by="ada", now=sound.clock.now())
        told = await until(sound, broken.id, lambda state: state.problem is not None)
        ended = await until(sound, good.id, final)
        absent.clear()
        later = await until(sound, broken.id, final)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return told.problem.code, ended.status, later.status

    problem = Problem(code="target.unknown", what="no target of kind `cloud` is installed")
    fine = (Status.SUCCEEDED, Status.SUCCEEDED)
    assert asyncio.run(story(PilotageError(problem))) == ("target.unknown", *fine)
    assert asyncio.run(story(KeyError("folder"))) == ("adapter.broken", *fine)


def test_a_defect_of_ours_is_told_on_its_rollout_and_stops_nobody(monkeypatch):
    from pilotage.engine import reconcile

    decide = reconcile.decide
    broken = [True]

    def defective(state, seen, now):
        if broken and state.plan.environment == "other":
            raise ZeroDivisionError("a defect")
        return decide(state, seen, now)

    monkeypatch.setattr(reconcile, "decide", defective)

    async def story():
        sound, other = Place(), Place()
        made = quick(first=True)
        plan = made.model_copy(update={"environment": "other"})
        reaches = {"prod": sound.reach, "other": other.reach}
        worker = Worker(sound.store, sound.clock, lambda plan: reaches[plan.environment])
        tasks = [
            asyncio.create_task(t) for t in (worker.run(), sound.clock.tick(), sound.users(), other.users())
        ]
        bad = await start(sound.store, lambda _: other.reach, plan, by="ada", now=sound.clock.now())
        good = await start(sound.store, lambda _: sound.reach, made, by="ada", now=sound.clock.now())
        ended = await until(sound, good.id, final)
        told = await until(sound, bad.id, lambda state: state.problem is not None)
        broken.clear()
        later = await until(sound, bad.id, final)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return told, ended, later, await sound.store.events(bad.id)

    told, ended, later, events = asyncio.run(story())
    assert told.problem.code == "pilotage.defect"
    assert ended.status is later.status is Status.SUCCEEDED
    raised = [event for event in events if isinstance(event, e.ProblemRaised)]
    cleared = [event for event in events if isinstance(event, e.ProblemCleared)]
    assert [event.problem.code for event in raised] == [event.code for event in cleared] == ["pilotage.defect"]


def test_a_worker_that_is_told_to_stop_is_not_kept_by_an_adapter(monkeypatch):
    """A real cancellation goes through; what an adapter raises under that name does not."""

    async def story():
        trouble: list[Problem] = []
        asked = asyncio.create_task(ask(hangs, "the target", trouble, 3600))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert trouble == []
        assert await ask(raising(asyncio.CancelledError()), "the target", trouble) is None
        assert [problem.code for problem in trouble] == ["adapter.broken"]
        assert asyncio.current_task().cancelling() == 0

    asyncio.run(story())


@pytest.mark.parametrize("way", sorted({*WAYS} - {"hangs", "clings"}))
def test_whatever_an_adapter_does_comes_to_a_problem(way):
    async def story():
        trouble: list[Problem] = []
        assert await ask_for(int, WAYS[way], "the target", trouble) is None
        return trouble

    assert [problem.code for problem in asyncio.run(story())] == ["adapter.broken"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it ignores that too
def test_a_call_that_clings_is_left_and_one_that_cleans_up_may_do_so(monkeypatch):
    monkeypatch.setattr(asking, "GRACE", 0.02)
    cleaned = []

    async def tidy():
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    async def story():
        trouble: list[Problem] = []
        assert await ask(tidy, "tidy", trouble, 0.01) is None
        assert await ask(clings, "clinging", trouble, 0.01) is None
        assert asyncio.current_task().cancelling() == 0
        await asyncio.sleep(0)
        return trouble

    assert [problem.code for problem in asyncio.run(story())] == ["adapter.silent"] * 2
    assert cleaned == [True]


def test_waits_grow_to_a_limit_and_are_spread():
    waits = [backoff("shop-1", failures) for failures in range(1, 3000)]
    assert waits == [backoff("shop-1", failures) for failures in range(1, 3000)]
    assert timedelta(seconds=0.375) <= waits[0] <= timedelta(seconds=0.625)
    assert all(timedelta(seconds=22.5) <= wait <= timedelta(seconds=37.5) for wait in waits[10:])
    assert grown(1) == timedelta(seconds=0.5)
    assert grown(7) == grown(5000) == timedelta(seconds=30)
    at_once = {backoff(f"shop-{number}", 7) for number in range(100)}
    assert len(at_once) == 100
    assert max(at_once) - min(at_once) > timedelta(seconds=12)
