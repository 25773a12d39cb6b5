"""Bugs planted on purpose, one at a time: a net that does not catch them is none (docs/simulation.md).

Each is a small change of the real code, put in its place by name and taken away again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from pilotage.core import effects, gating, listening, progress, running, state, world
from pilotage.core import events as e
from pilotage.core.settled import Settled
from pilotage.core.turn import Turn
from pilotage.engine import looking, performing, reconcile
from pilotage.engine.reconcile import Reconciler
from pilotage.engine.resting import Resting
from pilotage.simulate.play import play
from pilotage.simulate.scenario import draw
from pilotage.strategies.method import Method
from pilotage.testing import store
from pilotage.testing.store import MemoryStore

DONE = Settled(done=True)


@dataclass(frozen=True)
class Bug:
    """What is replaced (``owner.name``), by what (made from what was there), and what that does."""

    told: str
    owner: Any
    name: str
    made: Callable[[Any], Any]


def _silence_passes(real: Any) -> Any:
    return lambda turn, step: DONE if turn.seen.verdict is None else real(turn, step)


def _no_hold(real: Any) -> Any:
    return lambda turn, step: real(turn, step.model_copy(update={"at_least": timedelta(0)}))


def _believes(real: Any) -> Any:
    def expose(turn: Turn, step: Any) -> Settled:
        intent = turn.state.intents.get("route")
        return DONE if intent is not None and intent.done else real(turn, step)

    return expose


def _promotes_always(real: Any) -> Any:
    def promote(turn: Turn, step: Any) -> Settled:
        turn.record(e.Promoted(at=turn.now, release=step.release, routing=turn.wanted))
        return DONE

    return promote


def _promotes_unseen(real: Any) -> Any:
    def promote(turn: Turn, step: Any) -> Settled:
        live = turn.state.plan.basis.live
        if (turn.state.promoted or (live.id if live else None)) != step.release:
            turn.record(e.Promoted(at=turn.now, release=step.release, routing=turn.wanted))
        return DONE

    return promote


def _skips_first(real: Any) -> Any:
    return lambda before, event: {**real(before, event), "position": 1}


def _stays_exposed(real: Any) -> Any:
    return lambda state: iter(state.plan.steps[: state.reached + 1])


def _draining_later(real: Any) -> Any:
    return lambda instances, over: real(instances, set())


def _other_state(real: Any) -> Any:
    def decide(*arguments: Any) -> Any:
        decision = real(*arguments)
        return replace(decision, state=decision.state.model_copy(update={"continued": True}))

    return decide


def _hears_silently(real: Any) -> Any:
    def listen(turn: Turn) -> None:
        real(turn)
        if turn.events and isinstance(turn.events[-1], e.Heard) and not turn.state.status.final:
            turn.events.pop()
            turn.state = turn.state.model_copy(
                update={"heard": turn.state.heard - 1, "events": turn.state.events - 1}
            )

    return listen


def _acts_first(real: Any) -> Any:
    async def commit(self: Any, held: Any, before: Any, after: Any, events: Any, wake: Any) -> None:
        intended = [x for x in events if isinstance(x, e.Intended)]
        if any(x.key == "route" for x in intended):
            turn = after.model_copy()
            look = await looking.look(after, self._reach_of(after.plan))
            if look.instances is not None:
                routing = world.routing(turn, look.instances, self._clock.now())
                await self._reach_of(after.plan).router.apply(routing)
        await real(self, held, before, after, events, wake)

    return commit


def _no_outcome(real: Any) -> Any:
    async def perform(self: Any, held: Any, before: Any, effect: Any) -> Any:
        report, _ = await performing.perform(effect.command, before.plan, self._reach_of(before.plan))
        return before, report

    return perform


def _unfenced(real: Any) -> Any:
    async def commit(self: Any, held: Any, before: Any, after: Any, events: Any, wake: Any) -> None:
        if events:
            await real(self, held, before, after, events, wake)

    return commit


def _renews_all(real: Any) -> Any:
    async def renew(self: Any, owner: str, now: Any, ttl: Any, rollouts: Any) -> None:
        await real(self, owner, now, ttl, tuple(self._rows))

    return renew


def _forgets_warm(real: Any) -> Any:
    def compile(self: Any, context: Any) -> Any:
        return real(self, context).model_copy(update={"way_back": tuple(self.way_back(context))})

    return compile


def _no_comparing(real: Any) -> Any:
    def changed(self: Any, row: Any, change: Any) -> Any:
        if row is not None and change.before:
            row = replace(row, state=row.state.model_copy(update={"events": change.before}))
        return real(self, row, change)

    return changed


def _any_environment(real: Any) -> Any:
    def checked(self: Any, environment: Any) -> Any:
        known = self._environments.get((environment.service, environment.name))
        return real(self, environment.model_copy(update={"revision": known.revision if known else 0}))

    return checked


def _constant(*, value: Any) -> Callable[[Any], Any]:
    return lambda real: lambda *arguments, **fields: value


def _never_drifts(real: Any) -> Any:
    def route(turn: Turn) -> None:
        intent = turn.state.intents.get("route")
        if intent is None or intent.value != turn.wanted.revision or not intent.done:
            real(turn)

    return route


def _unpaused(real: Any) -> Any:
    def may(turn: Turn) -> bool:
        held, turn.state = turn.state, turn.state.model_copy(update={"paused_by": None})
        try:
            return bool(real(turn))
        finally:
            turn.state = held

    return may


def _runs_what_is_lost(real: Any) -> Any:
    return lambda turn, hook, seen: running._again(turn, hook, "its end was not seen")


def _nobody_looks(real: Any) -> Any:
    async def look_round(self: Any) -> None:
        return None

    return look_round


BUGS: dict[str, Bug] = {
    "silence-passes": Bug("no telemetry counts as a pass", progress, "_judge", _silence_passes),
    "old-pass-counts": Bug(
        "a pass at one share is believed at the next",
        Turn,
        "fresh_verdict",
        lambda real: property(lambda turn: turn.seen.verdict),
    ),
    "no-hold": Bug("a share is not held for its time", progress, "_judge", _no_hold),
    "windows-are-ignored": Bug("exposure grows at any time", gating, "settle", _constant(value=DONE)),
    "never-warm": Bug("the old side is retired at once", world, "retirement_due", _constant(value=True)),
    "believes-the-router": Bug("accepted counts as applied", progress, "_expose", _believes),
    "promotes-twice": Bug("promotion is recorded each time", progress, "_promote", _promotes_always),
    "promotes-unseen": Bug("promotes while the world can not be seen", progress, "_promote", _promotes_unseen),
    "skips-first-way-back": Bug("the way back leaves out its first step", state, "_turn_back", _skips_first),
    "stays-exposed": Bug("the way back shapes nothing", world, "walked", _stays_exposed),
    "stops-what-serves": Bug("what is to stop is not drained first", world, "_endpoints", _draining_later),
    "unproven-goes-on": Bug("checks count as passed", progress, "_verify", _constant(value=DONE)),
    "deaf-to-rollback": Bug("abort and rollback do nothing", listening, "_go_back", _constant(value=None)),
    "pause-is-ignored": Bug("a paused rollout goes on", progress, "_may_go_on", _unpaused),
    "nobody-stands-in": Bug(
        "users stay with a version that is down",
        world,
        "_stand_in",
        lambda real: lambda state, splits, instances, now: splits,
    ),
    "widens-while-old-is-down": Bug("there may be no way back", progress, "old_is_down", _constant(value=None)),
    "drift-stays": Bug("a routing that was applied once is not looked at", effects, "_route", _never_drifts),
    "memory-beside-history": Bug("a state that its events do not make", reconcile, "decide", _other_state),
    "hears-again": Bug("an order is not recorded as heard", listening, "listen", _hears_silently),
    "acts-before-it-saves": Bug("an effect before its intent", Reconciler, "_commit", _acts_first),
    "no-outcome": Bug("what came of an effect is not recorded", Reconciler, "_perform", _no_outcome),
    "unfenced-repeat": Bug("an effect without asking for the lease", Reconciler, "_commit", _unfenced),
    "starts-on-old-sight": Bug("begins by what it saw before", reconcile, "_free", _constant(value=True)),
    "renews-everything": Bug("keeps leases that nobody drives", MemoryStore, "renew", _renews_all),
    "no-fence": Bug("anybody may write under an old lease", store, "_holds", _constant(value=True)),
    "no-compare": Bug("the store does not compare before it sets", MemoryStore, "_changed", _no_comparing),
    "any-environment": Bug("nor does it of environments", MemoryStore, "_checked", _any_environment),
    "lost-wake-up": Bug(
        "an order may come too late to be heard", MemoryStore, "_unheard", _constant(value=False)
    ),
    "runs-what-is-lost": Bug("a hook whose end nobody saw is run again", running, "_lost", _runs_what_is_lost),
    "rest-unwatched": Bug("nobody watches a resting environment", Resting, "look_round", _nobody_looks),
    "forgets-the-warm-side": Bug("the way back leaves a third version", Method, "compile", _forgets_warm),
}
"""By name."""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """While inside, the real code has this bug."""
    bug = BUGS[name]
    real = bug.owner.__dict__[bug.name]
    setattr(bug.owner, bug.name, bug.made(real))
    try:
        yield
    finally:
        setattr(bug.owner, bug.name, real)


def seeds_to_detection(name: str, most: int, begin: int = 0) -> tuple[int | None, str]:
    """How many seeds it takes until a law is broken, and which; None: none of so many."""
    with planted(name):
        for count in range(1, most + 1):
            outcome = play(draw(begin + count - 1))
            if outcome.breach is not None:
                return count, outcome.breach.law
    return None, ""
