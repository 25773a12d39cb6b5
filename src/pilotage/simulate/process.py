"""A process of Pilotage (a worker, or somebody's command) that may die, freeze, or not be heard.

All it does to the world goes through ports, and every call of a port is a point where it can be struck: before
the call, between the effect and the answer, after it. A dead process is one whose calls never return: nothing
of it runs on, no handler, no cleaning up, just as after kill -9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pilotage.core.plan import Plan
from pilotage.errors import PilotageError, Problem
from pilotage.ports import (
    Conflict,
    FlagsError,
    HookError,
    Reach,
    RouterError,
    StoreError,
    TargetError,
    TelemetryError,
)
from pilotage.simulate.trouble import now

if TYPE_CHECKING:
    from pilotage.simulate.world import World

ERRORS: dict[str, type[PilotageError]] = {
    "store": StoreError,
    "target": TargetError,
    "router": RouterError,
    "prober": PilotageError,
    "runner": HookError,
    "flags": FlagsError,
    "source": TelemetryError,
}
EFFECTS = frozenset(
    {("router", "apply"), ("target", "scale"), ("target", "stop"), ("target", "prepare"), ("prober", "probe")}
    | {("runner", "start"), ("flags", "apply")}
)
AIMED = frozenset(".".join(effect) for effect in EFFECTS) | {"store.commit"}
AIM = 5.0
"""Effects and commits are few among all calls, and where it hurts most."""
WRITES = frozenset({"commit", "claim", "renew", "release", "send", "take_over", "record", "checkpoint"})
LEASE = 10.0
_CALLER: ContextVar[asyncio.Task[Any] | None] = ContextVar("caller", default=None)


class Process:
    """One process; ``name`` is also what its worker's leases are under."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.alive = True
        self.frozen_until = 0.0
        self.skew = 0.0
        self.confirmed: dict[str, float] = {}
        """By rollout: when the store last confirmed that this process holds it."""
        self.saw: dict[tuple[str, str], Any] = {}
        """The last answers of ``observe``, by environment and port."""
        self.read: dict[str, float] = {}
        """When telemetry was last read, by environment."""
        self.owed: dict[asyncio.Task[Any] | None, str] = {}
        """By task: the key of the effect whose outcome is not recorded yet."""
        self.epochs: dict[asyncio.Task[Any] | None, int] = {}
        """By task: the epoch of the lease under which it last wrote."""
        self.tended: dict[str, float] = {}
        """By environment: when the store last let this process mend it at rest."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._reaches: dict[str, Reach] = {}
        self.store: Any = Through(self, "store", world.ledger)

    @property
    def caller(self) -> asyncio.Task[Any] | None:
        """The task of the product that made this call, also when the call is on its way in a task of ours."""
        return _CALLER.get()

    @property
    def tends(self) -> bool:
        """Whether the caller looks after an environment at rest."""
        return self.caller is not None and self.caller.get_name().startswith("resting")

    # What the product sees of time

    def now(self) -> datetime:
        return self.world.wall(self.skew)

    async def sleep(self, seconds: float) -> None:
        await self._go_on()
        await asyncio.sleep(seconds)
        await self._go_on()

    def reach_of(self, plan: Plan) -> Reach:
        if plan.digest not in self._reaches:
            place = self.world.place(plan)
            inners = {
                "target": place.target,
                "router": place.router,
                "prober": place.prober,
                "runner": place.runner,
                "flags": place.features.flags,
            }
            doors: dict[str, Any] = {port: Through(self, port, inner, plan) for port, inner in inners.items()}
            if plan.feature is not None:
                doors["telemetry"] = (Through(self, "source", place.features, plan),)
            self._reaches[plan.digest] = Reach(**doors)
        return self._reaches[plan.digest]

    # Life and death

    def run(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def die(self, why: str) -> None:
        if self.alive:
            self.alive = False
            self.world.trouble.tell(f"{self.name} is killed {why}")
            self.world.died(self)

    def freeze(self, seconds: float, why: str) -> None:
        self.frozen_until = now() + seconds
        self.world.trouble.tell(f"{self.name} freezes for {seconds:.1f} s {why}")
        self.world.trouble.excuse("stall", seconds + LEASE)

    async def _go_on(self) -> None:
        """Returns when the process may run: never, if it is dead."""
        while now() < self.frozen_until:  # noqa: ASYNC110  # virtual time: nothing is polled
            await asyncio.sleep(self.frozen_until - now())
        if not self.alive:
            await asyncio.get_running_loop().create_future()

    # Calls

    async def call(self, door: Through, name: str, arguments: tuple[Any, ...], fields: dict[str, Any]) -> Any:
        _CALLER.set(asyncio.current_task())
        if self.alive and (door.port, name) in EFFECTS:
            self.world.laws.acting(self, door, name, arguments)
        await self._go_on()
        if self.tends:
            # Struck by what strikes its process, and by no trouble of its own: stories stay what they were.
            answer = await self._do(door, name, arguments, fields)
            await self._go_on()
            return answer
        lag = self.world.lag()
        if lag:
            await asyncio.sleep(lag)
            await self._go_on()
        point = f"{door.port}.{name}"
        try:
            delay = await self._before(point)
            if delay:
                work = self._later(delay, door, name, arguments, fields)
                answer = await asyncio.shield(self.world.spawn(work))
            else:
                answer = await self._do(door, name, arguments, fields)
            await self._after(point, ERRORS[door.port])
        except StoreError:
            # What could not be written down, it need not have written down.
            self.owed.pop(self.caller, None)
            raise
        return answer

    async def _before(self, point: str) -> float:
        """Strikes before the effect; the seconds by which it comes later."""
        trouble = self.world.trouble
        aim = AIM if point in AIMED else 1.0
        if strike := trouble.strikes("crash", aim):
            if strike.chance.random() < 0.5:
                self.die(f"before {point}")
                await self._go_on()
            self.world.doom(self, f"after {point}")
        if point == "store.commit" and (strike := trouble.strikes("aimed")):
            await self.world.people.interfere(strike)
        if strike := trouble.strikes("stall"):
            seconds = strike.chance.choice((2.0, 8.0, 14.0, 30.0)) * strike.chance.uniform(0.7, 1.2)
            self.freeze(seconds, f"before {point}")
            return seconds
        if strike := trouble.strikes("slow"):
            # Ports promise to hang for a few seconds at most; only a frozen process is later than that.
            seconds = strike.chance.choice((0.5, 2.0, 5.0))
            trouble.tell(f"{point} of {self.name} takes {seconds:g} s")
            trouble.excuse("slow", seconds)
            return seconds
        if point == "store.commit" and trouble.strikes("conflict"):
            trouble.tell(f"a commit of {self.name} is refused: it could not be serialised")
            trouble.excuse("conflict", 1)
            raise Conflict(Problem(code="store.conflict", what="could not serialise"))
        return 0.0

    async def _later(self, delay: float, *call: Any) -> Any:
        """A call on its way: it arrives whether or not anybody still waits for the answer."""
        await asyncio.sleep(delay)
        return await self._do(*call)

    async def _do(self, door: Through, name: str, arguments: Any, fields: Any) -> Any:
        self.world.check_reachable(door.port, name)
        self.world.trouble.trace(f"{self.name} {door.port}.{name}")
        answer: Any = await getattr(door.inner, name)(*arguments, **fields)
        self._remember(door, name, arguments, fields, answer)
        return answer

    def _remember(self, door: Through, name: str, arguments: Any, fields: Any, answer: Any) -> None:
        if name == "observe" and door.plan is not None:
            self.saw[door.plan.environment, door.port] = answer
        elif name == "telemetry" and door.plan is not None and not self.world.place(door.plan).router.lies:
            self.read[door.plan.environment] = now()
        elif name == "read" and door.plan is not None:
            self.read[f"{door.plan.environment} features"] = now()
        elif door.port == "store":
            self.world.laws.stored(self, name, arguments, fields, answer)

    async def _after(self, point: str, error: type[PilotageError]) -> None:
        """Strikes between the effect and the answer."""
        if self.world.doomed(self):
            self.die(f"after {point}")
        await self._go_on()
        if point == "store.environment" and (strike := self.world.trouble.strikes("aimed", 10)):
            # Between looking and saving there is time for others.
            await asyncio.sleep(strike.chance.uniform(0.1, 1.5))
        if self.world.trouble.strikes("lost", AIM if point in AIMED else 1.0):
            self.world.trouble.tell(f"the answer of {point} to {self.name} is lost")
            self.world.trouble.excuse("lost", 2)
            raise error(Problem(code="simulated.lost", what=f"no answer of {point}"))


class Through:
    """A port as one process sees it: every call may be struck."""

    def __init__(self, process: Process, port: str, inner: Any, plan: Plan | None = None) -> None:
        self.process, self.port, self.inner, self.plan = process, port, inner, plan

    @staticmethod
    def check_settings(settings: Any) -> list[Problem]:
        return []

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def call(*arguments: Any, **fields: Any) -> Any:
            return await self.process.call(self, name, arguments, fields)

        return call
