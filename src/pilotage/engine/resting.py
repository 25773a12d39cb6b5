"""Watches environments at rest: what lands there after the last rollout's end is seen and put right.

After an end an environment settles: it is looked at often, for longer than anything of a worker that lost its
lease can still be on its way through an adapter that keeps its time. Then slowly, for ever. Before each effect
the environment's record is written, with who does what, by compare-and-set: of two workers one does it, and a
rollout that begins meanwhile takes the environment from both.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from pilotage.core import resting
from pilotage.core.environment import Environment
from pilotage.core.fleet import Instance
from pilotage.core.plan import Plan
from pilotage.core.resting import Difference
from pilotage.core.routing import RouterSeen
from pilotage.core.state import State
from pilotage.core.turn import SOON
from pilotage.engine.asking import PATIENCE, ask_for, ask_for_all
from pilotage.engine.performing import perform
from pilotage.errors import Problem
from pilotage.ports import Clock, Conflict, ReachOf, Store, StoreError

LEASE = timedelta(seconds=PATIENCE + 5)
"""Longer than one effect may take."""
SETTLING = timedelta(seconds=40)
"""A worker's lease (10 s), an adapter's longest time-out (15 s), and as long again for a look to see it."""
SETTLING_EVERY = timedelta(seconds=5)
EVERY = timedelta(seconds=60)
AT_ONCE = 8
"""Environments looked at at the same time: one that hangs does not keep the others waiting."""
RECENT = 50
"""Rollouts whose releases are known here, beside those that were promoted."""
PATIENT = 3
"""So many times in a row before it is told as a Problem; from then on it is tried at the slow pace."""

log = logging.getLogger("pilotage.worker")


class Drift(StrEnum):
    """What is done about what is not as recorded."""

    MEND = "mend"
    REPORT = "report"


@dataclass
class _Agenda:
    """When one environment is looked at next."""

    due: datetime
    settled: datetime
    revision: int = -1
    tries: int = 0


@dataclass(frozen=True)
class Watching:
    """``every``: the slow pace."""

    drift: Drift = Drift.MEND
    every: timedelta = EVERY


class Resting:
    """``chance`` spreads the looks, so that many environments are not one burst."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        reach_of: ReachOf,
        watching: Watching | None = None,
        chance: Random | None = None,
    ) -> None:
        self._store, self._clock, self._reach_of = store, clock, reach_of
        self._watching = watching or Watching()
        self._chance = chance or Random()
        self._agenda: dict[tuple[str, str], _Agenda] = {}
        self._listed: datetime | None = None
        self._name = ""
        self._served: Collection[str] | None = None

    def ended(self, state: State) -> None:
        """A rollout has ended: its environment settles."""
        now = self._clock.now()
        key = state.plan.service, state.plan.environment
        self._agenda[key] = _Agenda(due=now + SETTLING_EVERY, settled=now + SETTLING)

    async def watch(self, name: str, environments: Collection[str] | None = None) -> None:
        """Until it is cancelled. ``name``: of the worker, whose leases on environments these are."""
        self._name, self._served = name, environments
        while True:
            try:
                await self.look_round()
            except StoreError as error:
                log.warning("resting environments are not looked at: %s", error)
            except Exception:
                log.exception("a defect of Pilotage in the watch over resting environments")
            await self._clock.sleep(1)

    async def look_round(self) -> None:
        """All that are due, once."""
        now = self._clock.now()
        if self._listed is None or not timedelta(0) <= now - self._listed < self._watching.every:
            await self._list(now)
        due = [key for key, agenda in self._agenda.items() if agenda.due <= now][:AT_ONCE]
        looks = [asyncio.create_task(self._look_at(*key), name=f"resting {key[0]}/{key[1]}") for key in due]
        try:
            await asyncio.gather(*looks)
        finally:
            for look in looks:
                look.cancel()

    async def _list(self, now: datetime) -> None:
        """Those that are new here, or were changed by others, settle; those that do not rest are let go."""
        environments = [one for one in await self._store.environments() if self._serves(one)]
        found = {(one.service, one.name): one for one in environments if resting.at_rest(one)}
        for key in self._agenda.keys() - found.keys():
            del self._agenda[key]
        for key, one in found.items():
            known = self._agenda.get(key)
            if known is None:
                due = now + self._watching.every * self._chance.random()
                self._agenda[key] = _Agenda(due=due, settled=now, revision=one.revision)
            elif known.revision != one.revision:
                known.revision, known.settled = one.revision, now + SETTLING
                known.due = min(known.due, now + SETTLING_EVERY)
        self._listed = now

    def _serves(self, one: Environment) -> bool:
        return self._served is None or not {one.name, f"{one.service}/{one.name}"}.isdisjoint(self._served)

    async def _look_at(self, service: str, name: str) -> None:
        key = service, name
        agenda = self._agenda[key]
        try:
            known = await self._store.environment(service, name)
            if not resting.at_rest(known):
                self._agenda.pop(key, None)
                return
            again = await self._tend(known, agenda)
        except Conflict:
            # A rollout begins, or another worker was quicker: it is read anew before anything is done.
            again = False
        except StoreError as error:
            log.warning("%s of %s is not looked at: %s", name, service, error)
            again = False
        except Exception:
            log.exception("a defect of Pilotage in the watch over %s of %s", name, service)
            again = False
        now = self._clock.now()
        agenda.due = now + (SOON if again else self._pace(agenda, now))

    def _pace(self, agenda: _Agenda, now: datetime) -> timedelta:
        if now < agenda.settled and agenda.tries < PATIENT:
            return SETTLING_EVERY
        return self._watching.every * (0.9 + 0.2 * self._chance.random())

    async def _tend(self, known: Environment, agenda: _Agenda) -> bool:
        """Whether it wants to be looked at again soon."""
        now, plan = self._clock.now(), known.last_plan
        assert plan is not None, "it is at rest"
        if resting.others_turn(known, self._name, now):
            return False
        trouble: list[Problem] = []
        seen = await self._see(plan, trouble)
        if seen is None:
            return await self._could_not(known, agenda, trouble[0])
        found = resting.difference(known, *seen)
        if found is None:
            agenda.tries = 0
            await self._put(known, resting.well_again(known, now), agenda)
            return False
        told = resting.strangers(seen[0], await self._known_releases(known))
        if told is None and self._watching.drift is Drift.REPORT:
            told = resting.reported(found)
        if told is not None:
            await self._put(known, resting.in_trouble(known, told), agenda)
            return False
        return await self._mend(known, plan, found, agenda)

    async def _known_releases(self, known: Environment) -> set[str]:
        """Of which the record tells: what was promoted, and what its latest rollouts had to do with."""
        states = await self._store.rollouts(known.service, known.name, limit=RECENT)
        plans = [state.plan for state in states]
        releases = [r for plan in plans for r in (plan.new, plan.basis.live, plan.basis.warm, *plan.copies)]
        return {good.release.id for good in known.lineage} | {r.id for r in releases if r is not None}

    async def _see(self, plan: Plan, trouble: list[Problem]) -> tuple[tuple[Instance, ...], RouterSeen] | None:
        reach = self._reach_of(plan)
        target, router = f"the target {plan.target.kind}", f"the router {plan.router.kind}"
        instances = await ask_for_all(Instance, reach.target.observe, target, trouble)
        seen = await ask_for(RouterSeen, reach.router.observe, router, trouble)
        if instances is None or seen is None:
            return None
        return tuple(instances), seen

    async def _mend(self, known: Environment, plan: Plan, found: Difference, agenda: _Agenda) -> bool:
        """The intent, then the effect; whether it helped is seen by the next look."""
        if agenda.tries >= PATIENT:
            told = resting.stubborn(found)
            known = await self._put(known, resting.in_trouble(known, told), agenda)
        until = self._clock.now() + LEASE
        await self._put(known, resting.begun(known, found, self._name, until), agenda)
        log.info("%s of %s: %s; it is put right", known.name, known.service, found.what)
        agenda.tries += 1
        _, problem = await perform(found.command, plan, self._reach_of(plan))
        if problem is not None:
            fresh = await self._store.environment(known.service, known.name)
            return await self._could_not(fresh, agenda, problem)
        return agenda.tries < PATIENT

    async def _could_not(self, known: Environment, agenda: _Agenda, problem: Problem) -> bool:
        """One silence is none: it is told when it lasts."""
        agenda.tries += 1
        if agenda.tries >= PATIENT and resting.at_rest(known):
            await self._put(known, resting.in_trouble(known, problem), agenda)
        return agenda.tries < PATIENT

    async def _put(self, before: Environment, after: Environment, agenda: _Agenda) -> Environment:
        """The record as it is now."""
        if after is before:
            return before
        await self._store.commit(environment=after)
        agenda.revision = after.revision + 1
        return after.model_copy(update={"revision": agenda.revision})
