"""People: they release, give orders at any moment, and know nothing of what goes wrong."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from pilotage.core.environment import Environment
from pilotage.core.events import Order
from pilotage.core.judging import JudgeSettings, Kind, MeasureSettings, Role
from pilotage.core.plan import Plan, RouterSpec, TargetSpec
from pilotage.core.release import Release, Requirement, Run
from pilotage.core.routing import Address
from pilotage.core.state import State
from pilotage.core.steps import Check, NoWinner
from pilotage.errors import PilotageError
from pilotage.simulate.errands import settled, with_errands
from pilotage.simulate.features import featured, features
from pilotage.simulate.place import Place, Quality
from pilotage.simulate.process import Process
from pilotage.simulate.trouble import Strike
from pilotage.simulate.windows import with_windows
from pilotage.strategies.ab import AB
from pilotage.strategies.big_bang import BigBang
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.canary import Canary
from pilotage.strategies.method import Context, Method
from pilotage.strategies.parallel_run import COPY, Isolated, ParallelRun, Writes
from pilotage.strategies.phased import Phased
from pilotage.strategies.pilot import Pilot
from pilotage.strategies.rolling import Rolling
from pilotage.usecases.releasing import start
from pilotage.usecases.returning import roll_back

if TYPE_CHECKING:
    from pilotage.simulate.world import World

MINIMUM = 50
JUDGE = JudgeSettings(
    warm_up=timedelta(seconds=1), minimum_requests=MINIMUM, latency=False, error_pass_excess=0.05, traffic=False
)
CHOOSES = "failures"
MEASURED = JUDGE.model_copy(
    update={"measures": {CHOOSES: MeasureSettings(kind=Kind.COUNT, of="errors", role=Role.WATCH)}}
)
"""For an A/B test: of two versions that are as good, neither wins."""
NO_WINNER = {
    timedelta(0): NoWinner.NEW,
    timedelta(seconds=8): NoWinner.OLD,
    timedelta(seconds=40): NoWinner.ASK,
}
CHECKS = (Check(name="front page", path="/"),)
SECOND = timedelta(seconds=1)
QUALITIES = (Quality.GOOD,) * 6 + (Quality.BAD,) * 3 + tuple(Quality)
OFFICE = {"header": "x-office", "values": ("berlin",)}
ORDERS = (Order.PAUSE, Order.RESUME, Order.PROMOTE, Order.PROMOTE_FULL, Order.ABORT, Order.ROLLBACK)


def method(chance: Random) -> Method:
    """Any method, with times short enough to see its end."""
    hold, warm = chance.choice((0, 3, 6)) * SECOND, chance.choice((0, 8, 40)) * SECOND
    quick: dict[str, Any] = {
        "drain": 3 * SECOND,
        "ready_within": 25 * SECOND,
        "by": chance.choice(("request", "user")),
    }
    made: list[Method] = [
        Canary(steps=("5%", "50%"), hold=hold, keep_warm=warm, **quick),
        Canary(steps=("20%",), hold=hold, keep_warm=warm, **quick),
        BlueGreen(bake=hold, keep_warm=warm, **quick),
        Rolling(batch=1, hold=hold, judge=chance.random() < 0.5, keep_warm=warm, **quick),
        Rolling(batch=2, surge=False, hold=hold, **quick),
        BigBang(**quick),
        *_grouped(hold, warm, chance, quick),
    ]
    return _side_by_side(chance.choice(made), hold, warm)


def _side_by_side(chosen: Method, hold: timedelta, warm: timedelta) -> Method:
    """Some of the blue-green ones after a parallel run, some of the canaries as an A/B test; by what is drawn
    already: seeds stay the same."""
    if isinstance(chosen, Canary) and hold == 6 * SECOND and len(chosen.steps) == 1 and chosen.by == "user":
        return AB(
            decide=CHOOSES,
            hold=hold,
            at_most=hold + 9 * SECOND,
            no_winner=NO_WINNER[warm],
            keep_warm=warm,
            drain=chosen.drain,
            ready_within=chosen.ready_within,
        )
    if not isinstance(chosen, BlueGreen) or hold != 3 * SECOND:
        return chosen
    isolated = warm > 8 * SECOND
    return ParallelRun(
        at_least=hold,
        requests=150,
        sign_off=bool(warm),
        writes=Writes.ISOLATED if isolated else Writes.NONE,
        isolated=Isolated(environment={"DATA": COPY} if isolated else {}),
        then=chosen,
        drain=chosen.drain,
        ready_within=chosen.ready_within,
    )


def _grouped(hold: timedelta, warm: timedelta, chance: Random, quick: dict[str, Any]) -> list[Method]:
    """Those that begin with groups; and what a person must say yes to."""
    canary = Canary(steps=("20%",), hold=hold, keep_warm=warm, **quick)
    asked = {"share": "20%", "approve": chance.random() < 0.5, "requests": MINIMUM}
    return [
        Canary(steps=(asked, "60%"), hold=hold, keep_warm=warm, **quick),
        Pilot(who=OFFICE, instances=1, hold=hold, sign_off=chance.random() < 0.3, then=canary, **quick),
        Phased(
            waves=(
                {"name": "office", "who": OFFICE, "how": canary, "hold": hold},
                {"name": "site", "who": {"cookie": "site", "values": "a"}, "hold": hold},
                {"name": "tenth", "share": "10%", "hold": hold},
            ),
            keep_warm=warm,
            **quick,
        ),
    ]


class People:
    """Everybody who commands, in one simulation."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._commands = 0
        self._versions = 0

    async def release_all(self, place: Place) -> None:
        """The first version, and then one after the other, each at its own moment."""
        chance = self.world.trouble.stream(f"releases {place.name}")
        await self.release(place, BigBang(drain=3 * SECOND, ready_within=25 * SECOND), Quality.GOOD, chance)
        gap = self.world.scenario.seconds / (self.world.scenario.releases + 1)
        for _ in range(self.world.scenario.releases):
            await asyncio.sleep(chance.uniform(4, gap))
            quality = chance.choice(QUALITIES)
            how = features(self.world.trouble.stream(f"features {place.name}"), method(chance))
            await self.release(place, how, quality, chance, supersede=chance.random() < 0.5)

    async def release(
        self, place: Place, how: Method, quality: Quality, chance: Random, *, supersede: bool = False
    ) -> None:
        """Plans, starts, and tries again for a while when that is refused or fails."""
        self._versions += 1
        new = make_release(place.service, f"{self._versions}.0")
        place.introduce(new.id, quality)
        if how.flag_key is not None and quality is Quality.BAD:
            # It is the feature that fails: nobody notices the version without it.
            place.router.failing.pop(new.id)
            place.features.bad.add(new.id)
        for _ in range(6):
            if self.world.trouble.over:
                return
            process = self._command()
            work = process.run(self._release(process, place, how, new, supersede=supersede))
            if await self._outcome(process, work):
                self.world.trouble.tell(f"{place.name}: {new.version} ({quality}) is released by {how.method}")
                return
            await asyncio.sleep(chance.uniform(1, 6))

    async def _release(
        self, process: Process, place: Place, how: Method, new: Release, *, supersede: bool
    ) -> bool:
        known = await process.store.environment(place.service, place.name)
        if known.live is not None and known.live.release.id == new.id:
            # As planning refuses it: what is live already is released by an earlier try, unheard.
            return True
        plan = compiled(place, known, how, new)
        await start(process.store, process.reach_of, plan, by="ada", now=process.now(), supersede=supersede)
        return True

    async def roll_back(self, place: Place) -> None:
        """The command, whatever there is to take back."""
        process = self._command()
        await self._outcome(process, process.run(self._roll_back(process, place)))

    async def _roll_back(self, process: Process, place: Place) -> bool:
        known = await process.store.environment(place.service, place.name)
        await roll_back(process.store, process.reach_of, known, by="ada", now=process.now())
        self.world.trouble.tell(f"{place.name}: ada rolls back")
        return True

    async def _outcome(self, process: Process, work: asyncio.Task[bool]) -> bool:
        """Whether the command was done; False when it was refused, failed, or died."""
        done, _ = await asyncio.wait({work}, timeout=60)
        if not done:
            process.alive = False
            return False
        error = None if work.cancelled() else work.exception()
        if error is not None and not isinstance(error, PilotageError):
            self.world.laws.breach("a command ends in a Problem", f"{type(error).__name__}: {error}")
        return error is None

    def _command(self) -> Process:
        self._commands += 1
        return self.world.process(f"command-{self._commands}")

    async def interfere(self, strike: Strike) -> None:
        """An order between a worker's reading and its saving."""
        await self.order(strike, "in this very moment ")

    async def order(self, strike: Strike, when: str = "") -> None:
        """Some order to some unfinished rollout."""
        found = await self.world.ledger.store.rollouts(unfinished=True)
        if found:
            state = strike.chance.choice(found)
            await self.send(state, strike.chance.choice(ORDERS), when)
            await self.sign(state)

    async def settle(self, place: Place) -> None:
        """Says what became of a hook of which nobody knows, from what really happened."""
        for state in await self.world.ledger.store.rollouts(place.service, place.name, unfinished=True):
            order = settled(state, place.runner)
            if order is not None:
                await self.send(state, order, "after a look at what was really done, ")

    async def sign(self, state: State) -> None:
        """A report that is there is read, and signed off."""
        if state.reconciled is not None and state.signed_off is None and not state.back:
            await self.send(state, Order.SIGN_OFF, reason=state.reconciled.digest)

    async def send(self, state: State, order: Order, when: str = "", reason: str = "") -> None:
        try:
            store = self.world.ledger.store
            message = await store.send(state.id, order, "eve", self.world.wall(0), reason=reason)
        except PilotageError:
            return
        self.world.laws.sent(state.id, message)
        self.world.trouble.tell(f"{when}eve sends {order.value} to {state.id}")


def make_release(service: str, version: str) -> Release:
    run = Run(command=("serve", "{port}"), folder="/srv")
    artifact = Requirement(requirements=(f"{service}=={version}",))
    return Release(service=service, version=version, artifact=artifact, run=run)


def compiled(place: Place, known: Environment, how: Method, new: Release) -> Plan:
    listen, preview = Address(host="127.0.0.1", port=8080), Address(host="127.0.0.1", port=8081)
    context = featured(
        Context(
            environment=place.name,
            new=new,
            instances=2,
            basis=known.basis,
            target=TargetSpec(kind="simulated"),
            router=RouterSpec(kind="simulated", listen=listen, preview=preview),
            checks=CHECKS,
            judge=MEASURED if isinstance(how, AB) else JUDGE,
        ),
        how,
        place,
    )
    plan = how.compile(context)
    rollout = f"{place.service}-{place.name}-{known.rollouts + 1}"
    plan = with_errands(plan, Random(f"errands {new.id} {how.method}"), rollout)
    return with_windows(plan, Random(f"windows {new.id} {how.method}"))
