"""One pass over one rollout: look, decide, record, perform, look again. Safe to be killed anywhere.

The events of a decision are stored before anything is performed, and the outcome after it; a crash in
between makes the next worker look at the world and, where it is not as wanted, do it again.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from functools import reduce

from pilotage.core import events as e
from pilotage.core.decide import decide
from pilotage.core.environment import Environment, concerns_environment, follow
from pilotage.core.routing import Telemetry
from pilotage.core.state import State, Status, apply
from pilotage.core.turn import SOON, CheckReport, Decision, Effect, Seen
from pilotage.core.world import healthy
from pilotage.engine.asking import ask_for, broken
from pilotage.engine.bench import Bench, JudgeOf
from pilotage.engine.hooks import HooksSeen, look_at_hooks
from pilotage.engine.looking import Look, look, look_at_environment
from pilotage.engine.performing import perform
from pilotage.engine.showing import Showcase
from pilotage.engine.sources import Sources
from pilotage.errors import PilotageError, Problem
from pilotage.judge import Judge
from pilotage.ports import Change, Clock, Conflict, Held, Reach, ReachOf, Store

HOPS = 5
"""Looks and decisions in one pass; then the others get their turn."""


class Reconciler:
    """Drives single rollouts through the ports. ``judge_of`` makes a judge that has heard nothing yet."""

    def __init__(self, store: Store, clock: Clock, reach_of: ReachOf, judge_of: JudgeOf = Judge) -> None:
        self._store = store
        self._clock = clock
        self._reach_of = reach_of
        self._bench = Bench(store, judge_of)
        self._sources = Sources()
        self._showcase = Showcase(store)
        self._asked: set[str] = set()

    async def reconcile(self, held: Held, state: State) -> tuple[State, datetime | None]:
        """One pass. Returns the state after it, and when the rollout wants to be looked at again (None: it is
        final). Raises LeaseLost or Conflict when somebody else has changed it, StoreError when the store is
        out of reach; nothing is performed that is not recorded."""
        if state.status is Status.QUEUED and state.id not in self._asked:
            await self._ask_for_room(state)
        report: CheckReport | None = None
        for _ in range(HOPS):
            decision = await self._decide(state, report)
            if decision.events or decision.effects:
                # Also without an event: who has lost its lease must hear that before it does anything.
                await self._commit(held, state, decision.state, decision.events, decision.wake)
            state, report = decision.state, None
            if not decision.effects:
                break
            for effect in decision.effects:
                state, found = await self._perform(held, state, effect)
                report = found or report
        else:
            return state, self._clock.now() + SOON
        if state.status.final:
            await self._close(state)
        return state, decision.wake

    async def tell(self, held: Held, state: State, problem: Problem) -> State:
        """Records what keeps a rollout from going on, where a pass can not do so itself: once."""
        if state.status.final or (state.problem is not None and state.problem.code == problem.code):
            return state
        event = e.ProblemRaised(at=self._clock.now(), problem=problem)
        after = apply(state, event)
        await self._commit(held, state, after, (event,), None)
        return after

    async def _ask_for_room(self, state: State) -> None:
        """Tells the rollout before this one in the queue to go back; twice is once, it is the same message."""
        assert state.queued_behind is not None
        why, key = f"{state.plan.new.version} takes its place ({state.by})", f"{state.id} supersedes"
        now, before = self._clock.now(), state.queued_behind
        with suppress(Conflict):  # it has ended
            await self._store.send(before, e.Order.SUPERSEDE, state.by, now, reason=why, key=key)
        self._asked.add(state.id)

    async def _close(self, state: State) -> None:
        """The last counts of a rollout that has ended, for those who look later."""
        reach = self._reach(state, [])
        reading = None
        if reach is not None:
            reading = await ask_for(Telemetry, lambda: reach.router.telemetry(), "the router", [])
        await self._showcase.close(state, reading, self._clock.now())
        self._bench.forget(state.id)
        self._sources.forget(state.id)
        self._asked.discard(state.id)

    async def _decide(self, state: State, report: CheckReport | None) -> Decision:
        world, hooks = await self._look(state)
        now = self._clock.now()
        heard = self._bench.recent(state, now)
        seen = Seen(
            instances=world.instances,
            router=world.router,
            flag=world.flag,
            preparations=world.preparations,
            hooks=hooks.sightings,
            checked=hooks.checked,
            revision=hooks.revision,
            report=report,
            verdict=heard.verdict,
            judged_at=heard.read_at,
            inputs=heard.inputs,
            messages=await self._store.messages(state.id, state.heard),
            environment=await look_at_environment(state, self._store),
            trouble=tuple(world.trouble),
        )
        notes = (*self._sources.notes(state.id), *self._bench.notes(state.id))
        await self._showcase.show(state, seen, now, notes)
        return decide(state, seen, now)

    async def _look(self, state: State) -> tuple[Look, HooksSeen]:
        """What decide needs to see; nothing at all, and why, when the adapters can not be had."""
        trouble: list[Problem] = []
        reach = self._reach(state, trouble)
        if reach is None:
            return Look(trouble=trouble), HooksSeen()
        world = await look(state, reach)
        hooks = await look_at_hooks(state, reach, world.trouble)
        await self._listen(state, reach, world)
        return world, hooks

    def _reach(self, state: State, trouble: list[Problem]) -> Reach | None:
        """The adapters of this rollout. They are made here, of settings that may be of another version."""
        try:
            return self._reach_of(state.plan)
        except PilotageError as error:
            trouble.extend(error.problems)
        except Exception as error:  # a stranger's code
            what = f"an adapter can not be made with the settings of this plan: {type(error).__name__}"
            trouble.append(broken(what))
        return None

    async def _listen(self, state: State, reach: Reach, world: Look) -> None:
        """Reads the figures of both versions when they are due, and lets the judge hear them."""
        now = self._clock.now()
        judged = self._bench.due(state, now)
        router = self._ask_router(state, reach, world, now, judged=judged)
        if not judged:
            await router
        elif (reading := await self._sources.read(state, reach, router, now)) is not None:
            if await self._bench.begins(state):
                self._bench.remember(state, await self._sources.history(state, reach, now))
            await self._bench.hear(state, reading, now, old_is_down=_old_is_down(state, world))
        world.trouble.extend([*self._sources.trouble(state.id), *self._bench.trouble(state.id, now)])

    async def _ask_router(
        self, state: State, reach: Reach, world: Look, now: datetime, *, judged: bool
    ) -> Telemetry | None:
        """Its counters, if they are wanted and it runs."""
        if world.router is None or not world.router.running:
            return None
        if not judged and not self._showcase.wants_reading(state.id, now):
            return None
        name = f"the router {state.plan.router.kind}"
        telemetry = await ask_for(Telemetry, lambda: reach.router.telemetry(), name, world.trouble)
        if telemetry is not None:
            self._showcase.keep(state.id, telemetry, now)
        return telemetry

    async def _perform(self, held: Held, state: State, effect: Effect) -> tuple[State, CheckReport | None]:
        trouble: list[Problem] = []
        reach, report = self._reach(state, trouble), None
        problem = trouble[0] if trouble else None
        if reach is not None:
            report, problem = await perform(effect.command, state.plan, reach)
        now = self._clock.now()
        outcome: tuple[e.Event, ...] = ()
        if problem is not None:
            outcome = (e.Failed(at=now, key=effect.key, problem=problem),)
        elif not state.intents[effect.key].done:
            outcome = (e.Done(at=now, key=effect.key, value=effect.value),)
        after = reduce(apply, outcome, state)
        await self._commit(held, state, after, outcome, None)
        return after, report

    async def _commit(
        self, held: Held, before: State, after: State, events: tuple[e.Event, ...], wake: datetime | None
    ) -> None:
        environment = None
        if any(concerns_environment(event, before.plan) for event in events):
            known = await self._store.environment(before.plan.service, before.plan.environment)
            if any(isinstance(event, e.Started) for event in events) and not _free(before, known):
                raise Conflict(_overtaken(before, known))
            followed = follow(known, before.id, before.plan, events)
            environment = followed if followed is not known else None
        change = Change(state=after, events=events, before=before.events, held=held, wake=wake)
        await self._store.commit(change, environment=environment)


def _free(waiting: State, known: Environment) -> bool:
    """Whether this rollout may begin still: what it saw a moment ago may have changed meanwhile."""
    live, meant = known.live, waiting.plan.basis.live
    same = (live.release.id if live else None) == (meant.id if meant else None)
    return same and known.holder in (None, waiting.id)


def _overtaken(waiting: State, known: Environment) -> Problem:
    what = f"{waiting.id} can not begin: {known.name} has changed since it was looked at"
    return Problem(code="store.conflict", what=what, why=f"it is held by {known.holder or 'nobody'}")


def _old_is_down(state: State, world: Look) -> bool:
    live = state.plan.basis.live if state.plan.feature is None else state.plan.new
    return live is not None and world.instances is not None and not healthy(world.instances, live.id)
