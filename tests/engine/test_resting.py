"""An environment at rest is brought back to what is recorded of it: by one worker, never against a rollout."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from test_engine import Place, final, quick, until, working

from pilotage.core.environment import Environment
from pilotage.engine.resting import SETTLING, Drift, Resting, Watching
from pilotage.errors import Problem
from pilotage.ports import Conflict
from pilotage.strategies.blue_green import BlueGreen
from pilotage.usecases.stopping import take_down
from pilotage.views.status import as_text, view_of


async def rested() -> tuple[Place, Environment]:
    """2.0 was promoted; nothing is under way."""
    place = Place()
    made = quick(BlueGreen(keep_warm="1s"))
    await place.settle(made)
    begun = await place.begin(made)
    async with working(place):
        await until(place, begun.id, final)
    known = await place.store.environment("shop", "prod")
    assert known.live.release.version == "2.0"
    return place, known


def keeper(place: Place, name: str = "first", **fields) -> Resting:
    made = Resting(place.store, place.clock, lambda _: place.reach, Watching(**fields))
    made._name = name
    return made


async def look(place: Place, watch: Resting, seconds: float = 300) -> Environment:
    """Its rounds over so much virtual time; the record afterwards."""
    end = place.clock.now() + timedelta(seconds=seconds)
    while place.clock.now() < end:
        await watch.look_round()
        place.clock._now += timedelta(seconds=1)
    return await place.store.environment("shop", "prod")


async def disturb(place: Place, known: Environment, what: str) -> None:
    """What a frozen worker had begun lands now."""
    live, old = known.live.release, known.last_plan.basis.live
    if what == "route":
        nobody = [split.model_copy(update={"share": 0}) for split in known.routing.splits]
        await place.router.apply(known.routing.model_copy(update={"splits": tuple(nobody)}))
    elif what == "stop":
        await place.target.stop([f"{live.id}.1"])
    else:
        await place.target.scale(old, [1])


async def as_recorded(place: Place, known: Environment) -> bool:
    for _ in range(5):
        instances = await place.target.observe()
    wanted = {f"{known.live.release.id}.{number}" for number in range(1, known.live.instances + 1)}
    seen = await place.router.observe()
    return seen.revision == known.routing.revision and {i.id for i in instances if i.exists} == wanted


@pytest.mark.parametrize("what", ["route", "stop", "scale"])
def test_what_lands_late_is_put_right_and_told(what):
    async def story():
        place, known = await rested()
        await disturb(place, known, what)
        disturbed = not await as_recorded(place, known)
        after = await look(place, keeper(place))
        return disturbed, await as_recorded(place, known), after, place.clock.now()

    disturbed, restored, after, now = asyncio.run(story())
    assert disturbed
    assert restored
    (mend,) = after.care.mends
    assert (mend.by, after.care.doing, after.care.problem) == ("first", "", None)
    assert mend.what in as_text(view_of(after, [], now))


def test_a_quiet_environment_is_only_looked_at():
    async def story():
        place, known = await rested()
        calls = len(place.target.world.calls)
        return known, await look(place, keeper(place), 600), len(place.target.world.calls) - calls

    before, after, calls = asyncio.run(story())
    assert after == before
    assert calls <= 12, "a look a minute"


def test_after_an_end_it_settles_with_more_looks():
    async def story():
        place, known = await rested()
        watch = keeper(place, every=timedelta(hours=1))
        watch.ended((await place.store.rollouts())[0])
        await disturb(place, known, "route")
        await look(place, watch, SETTLING.total_seconds())
        return await as_recorded(place, known)

    assert asyncio.run(story())


def test_who_is_told_to_report_only_reports():
    async def story():
        place, known = await rested()
        await disturb(place, known, "route")
        after = await look(place, keeper(place, drift=Drift.REPORT))
        return await as_recorded(place, known), after, place.clock.now()

    restored, after, now = asyncio.run(story())
    assert not restored
    assert after.care.problem.code == "environment.drift"
    assert "not as recorded" in as_text(view_of(after, [], now))


def test_of_two_workers_one_mends():
    async def story():
        place, known = await rested()
        await disturb(place, known, "stop")
        first, second = keeper(place, "first"), keeper(place, "second")
        end = place.clock.now() + timedelta(seconds=200)
        while place.clock.now() < end:
            await asyncio.gather(first.look_round(), second.look_round())
            place.clock._now += timedelta(seconds=1)
        scaled = [call for call in place.target.world.calls if call == ("scale", (known.live.release.id, (1,)))]
        return await as_recorded(place, known), scaled, await place.store.environment("shop", "prod")

    restored, scaled, after = asyncio.run(story())
    assert restored
    assert len(scaled) == 1
    assert len(after.care.mends) == 1


def test_a_rollout_that_begins_between_look_and_mend_takes_it_over():
    async def story():
        place, known = await rested()
        await disturb(place, known, "route")
        commit, held = place.store.commit, []

        async def overtaken(*changes, environment=None):
            if not held:
                held.append(known)
                await commit(environment=known.model_copy(update={"holder": "shop-prod-9"}))
            await commit(*changes, environment=environment)

        place.store.commit = overtaken
        after = await look(place, keeper(place))
        return held, after, await as_recorded(place, known)

    held, after, restored = asyncio.run(story())
    assert held
    assert (after.holder, after.care.mends, restored) == ("shop-prod-9", (), False)


def test_what_was_taken_down_stays_down():
    async def story():
        place, known = await rested()
        time = asyncio.create_task(place.clock.tick())
        await take_down(place.store, lambda _: place.reach, place.clock, known, by="ada")
        time.cancel()
        after = await look(place, keeper(place))
        return after, [i.id for i in await place.target.observe() if i.exists]

    after, running = asyncio.run(story())
    assert after.stopped is not None
    assert (running, after.care.mends) == ([], ())


def test_what_can_not_be_put_right_is_a_problem_until_it_can():
    async def story():
        place, known = await rested()
        await disturb(place, known, "route")
        place.router.stuck = True
        watch = keeper(place)
        wrong = await look(place, watch, 200)
        place.router.stuck = False
        return wrong, await look(place, watch, 300), await as_recorded(place, known)

    wrong, well, restored = asyncio.run(story())
    assert wrong.care.problem.code == "environment.drift"
    assert "again and again" in wrong.care.problem.why
    assert restored
    assert well.care.problem is None


def test_a_record_that_knows_less_than_what_runs_is_no_measure():
    """A backup of before the last release was put back."""

    async def story():
        place, known = await rested()
        stranger = known.live.release.model_copy(update={"version": "9.0"})
        while (await place.target.prepare(stranger)).digest is None:
            pass
        await place.target.scale(stranger, [1])
        await disturb(place, known, "route")
        return (
            stranger,
            await look(place, keeper(place)),
            [i.id for i in await place.target.observe() if i.exists],
        )

    stranger, after, running = asyncio.run(story())
    assert after.care.problem.code == "environment.strangers"
    assert after.care.mends == ()
    assert f"{stranger.id}.1" in running


def test_a_store_that_refuses_leaves_the_watch_alive():
    async def story():
        place, known = await rested()
        await disturb(place, known, "route")
        place.store.fail_next(*[Problem(code="store.full", what="no room")] * 2)
        tasks = [asyncio.create_task(place.clock.tick())]
        tasks.append(asyncio.create_task(keeper(place).watch("first")))
        await place.clock.sleep(200)
        for task in tasks:
            task.cancel()
        return await as_recorded(place, known)

    assert asyncio.run(story())


def test_a_record_is_kept_by_compare_and_set():
    async def story():
        place, known = await rested()
        watch = keeper(place)
        agenda = type("Agenda", (), {"revision": 0})()
        await place.store.commit(environment=known)
        await watch._put(known, known.model_copy(update={"rollouts": 7}), agenda)

    with pytest.raises(Conflict):
        asyncio.run(story())


def test_what_was_recorded_blindly_never_leaves_users_without_an_instance():
    """The rollout ended while the target did not answer: the routing that was recorded names no instance."""

    async def story():
        place, known = await rested()
        empty = tuple(backend.model_copy(update={"endpoints": ()}) for backend in known.routing.backends)
        blind = known.model_copy(update={"routing": known.routing.model_copy(update={"backends": empty})})
        await place.store.commit(environment=blind)
        await disturb(place, known, "route")
        after = await look(place, keeper(place))
        return after, place.router.serving

    after, serving = asyncio.run(story())
    live = after.live.release.id
    served = {end.instance for b in serving.backends for end in b.endpoints if b.release == live}
    assert served == {f"{live}.{number}" for number in range(1, after.live.instances + 1)}
    assert after.routing == serving
