"""A feature through the whole engine, over fakes of every port, in virtual time."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from playbook import NEW, OLD, plan
from test_engine import Place, final, until, working

from pilotage.core import events as e
from pilotage.core.flags import FlagRule, FlagSeen
from pilotage.core.plan import Basis, FlagsSpec, TelemetrySpec
from pilotage.core.state import Status, fold
from pilotage.errors import PilotageError
from pilotage.flags import flagd
from pilotage.ports import Reach
from pilotage.strategies.feature_flag import FeatureFlag
from pilotage.testing.flags import FakeFlags
from pilotage.testing.telemetry import FakeSource
from pilotage.usecases.flagging import flag_before
from pilotage.usecases.planning import plan_restore
from pilotage.usecases.proving import Proof, verify
from pilotage.usecases.rehearsing import rehearse
from pilotage.usecases.returning import roll_back

KEY = "new-checkout"


class FlaggedPlace(Place):
    """Users of the new version have the feature as the flag says; the service counts them by variant."""

    def __init__(self, failing: int = 0) -> None:
        super().__init__()
        self.flags, self.source, self.bad = FakeFlags(), FakeSource(), failing
        self.source.now = self.clock.now
        self.counted = {"on": [0, 0], "off": [0, 0]}
        self.before_its_version = 0
        self.reach = Reach(self.target, self.router, self.reach.prober, (self.source,), self.flags)

    async def users(self) -> None:
        while True:
            await self.clock.sleep(1)
            serving = self.router.serving
            rule = self.flags.rule(KEY)
            share = 0 if rule is None else rule.share
            if share and (serving is None or serving.share(NEW.id) < 1_000_000):
                self.before_its_version += 1
            having = 400 * share // 1_000_000
            for variant, count in (("on", having), ("off", 400 - having)):
                failed = count * self.bad // 100 if variant == "on" else count // 200
                self.counted[variant][0] += count
                self.counted[variant][1] += failed
            self.source.new, self.source.old = (
                {"requests": self.counted[name][0], "errors": self.counted[name][1]} for name in ("on", "off")
            )


def feature(**settings):
    made = plan(FeatureFlag(**{"flag": KEY, "hold": "5s", **settings}))
    lenient = {"warm_up": timedelta(seconds=2), "error_pass_excess": 0.05, "latency": False}
    judge = made.judge.model_copy(update=lenient)
    return made.model_copy(
        update={"judge": judge, "flags": FlagsSpec(kind="fake"), "telemetry": (TelemetrySpec(kind="fake"),)}
    )


def play(place: FlaggedPlace, story, *plans):
    async def whole():
        await place.settle(plans[0])
        async with working(place):
            return await story()

    return asyncio.run(whole())


def released(place: FlaggedPlace, made):
    async def story():
        state = await place.begin(made)
        state = await until(place, state.id, final, seconds=900)
        return state, await place.store.events(state.id)

    return play(place, story, made)


def test_a_good_feature_comes_to_everybody():
    place = FlaggedPlace()
    state, events = released(place, feature())
    assert state.status is Status.SUCCEEDED
    assert place.flags.rule(KEY) == FlagRule(key=KEY, share=1_000_000)
    assert place.before_its_version == 0
    assert fold(state.id, events) == state
    assert [x.share for x in events if isinstance(x, e.Ramped)] == [0, 100_000, 500_000, 1_000_000]


def test_a_bad_feature_is_off_at_once_and_its_version_stays():
    place = FlaggedPlace(failing=30)
    state, events = released(place, feature())
    assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.JUDGED)
    turned = next(x for x in events if isinstance(x, e.TurnedBack))
    off = next(x for x in events if isinstance(x, e.Ramped) and x.at >= turned.at)
    assert off.share == 0
    assert off.at - turned.at < timedelta(seconds=1)
    assert max(x.share for x in events if isinstance(x, e.Ramped)) == 100_000
    assert place.router.serving.share(NEW.id) == 1_000_000

    async def proven():
        return await verify(place.store, state)

    proof = asyncio.run(proven())
    assert {one.proof for one in proof} == {Proof.SAME}


def test_a_source_that_is_silent_holds():
    place = FlaggedPlace()
    place.source.down = True

    async def story():
        state = await place.begin(feature())
        state = await until(place, state.id, lambda s: s.flag_share > 0)
        await place.clock.sleep(120)
        held = await place.store.rollout(state.id), place.flags.rule(KEY).share
        await place.store.send(state.id, e.Order.ABORT, "ada", place.clock.now())
        await until(place, state.id, final)
        return held

    state, share = play(place, story, feature())
    assert state.status is Status.RUNNING
    assert share == 100_000


def test_after_its_end_rollback_takes_the_feature_first_and_then_the_version():
    place = FlaggedPlace()
    made = feature()

    async def story():
        await until(place, (await place.begin(made)).id, final, seconds=900)
        known = await place.store.environment("shop", "prod")
        back = await roll_back(place.store, lambda _: place.reach, known, by="ada", now=place.clock.now())
        state = await until(place, back.id, final, seconds=900)
        return plan_restore(known), state, await place.store.events(back.id)

    planned, state, events = play(place, story, made)
    assert planned.steps[0].kind == planned.steps[-1].kind == "flag"
    assert state.status is Status.SUCCEEDED
    asked = [event.key for event in events if isinstance(event, e.Intended)]
    assert asked[0] == asked[-1] == "flag"
    assert asked.index("flag") < asked.index("route")
    assert place.router.serving.share(OLD.id) == 1_000_000
    assert KEY not in place.flags.definitions


def test_a_flag_that_users_have_is_refused_at_planning():
    place = FlaggedPlace()

    async def before() -> FlagSeen:
        known = await place.store.environment("shop", "prod")
        return await flag_before(place.store, known, place.flags, KEY)

    assert asyncio.run(before()) == FlagSeen(key=KEY)
    place.flags.definitions[KEY] = flagd.compiled(FlagRule(key=KEY, share=1))
    with pytest.raises(PilotageError) as refused:
        asyncio.run(before())
    assert refused.value.problems[0].code == "flags.already-on"


def test_a_flag_that_was_changed_since_the_plan_makes_it_void():
    place = FlaggedPlace()
    made = feature()
    place.flags.definitions[KEY] = flagd.compiled(FlagRule(key=KEY))

    async def story():
        with pytest.raises(PilotageError) as refused:
            await place.begin(made)
        return refused.value.problems[0].code

    assert play(place, story, made) == "plan.void"
    assert isinstance(made.basis, Basis)


def test_a_feature_is_not_rehearsed_and_that_is_said():
    with pytest.raises(PilotageError, match="can not be rehearsed"):
        asyncio.run(rehearse(feature(), None, None))
