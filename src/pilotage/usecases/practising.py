"""A rollback, rehearsed for real: release, take back, look whether everything is as it was, and say so."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pilotage.core import events as e
from pilotage.core.environment import Environment
from pilotage.core.evidence import Reach as Reached
from pilotage.core.evidence import Statement, artifact_digest
from pilotage.core.flags import FlagSeen
from pilotage.core.plan import Plan
from pilotage.core.routing import Pin, SplitKey
from pilotage.core.state import State, Status
from pilotage.core.steps import Hook
from pilotage.core.values import Frozen
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.ports import Clock, Reach, Store

LOOK = 0.2
"""Seconds between two looks; what is measured is read from the record, not from these."""
CALL_WORKER = 5.0
VALID = timedelta(days=30)
OUT = timedelta(minutes=30)
"""A release that has not come so far by then is taken back, and the rehearsal has failed."""
BACK = timedelta(minutes=10)
"""So long the way back is waited for."""
REAL = frozenset({"production", "prod", "prd", "live"})
"""Words in the name of an environment that real users may be in."""

Begin = Callable[[], Awaitable[State]]


@dataclass(frozen=True)
class Ground:
    """Where it is done, and the ordinary ways out and back."""

    store: Store
    clock: Clock
    reach: Reach
    start: Begin
    back: Begin
    call_worker: Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Terms:
    """How far it goes, and how long what it shows is believed."""

    by: str
    until: Reached = Reached.WHOLE
    valid: timedelta = VALID
    out_within: timedelta = OUT


class Scene(Frozen):
    """What must be the same before and after."""

    live: str | None
    shares: dict[str, int]
    key: SplitKey | None
    pins: tuple[Pin, ...]
    shown: bool
    """Whether the router really shows what it was last seen to confirm."""
    instances: dict[str, int]
    """Release → how many of its instances are healthy; 0: there are some, none of them healthy."""
    flag: FlagSeen | None = None


async def practised(ground: Ground, plan: Plan, terms: Terms, tell: Callable[[str], None]) -> Statement:
    """Does it and keeps the statement, passed or failed. Who is killed meanwhile has stated nothing.

    PilotageError when it can not be begun: nothing has happened then, and nothing is kept.
    """
    before = await _scene(ground, plan)
    check_scene(before, plan)
    walk = await _walked(ground, plan, terms, tell)
    failures = [*walk.failures, *differences(before, await _scene(ground, plan), plan)]
    rollouts = tuple(dict.fromkeys((walk.out.id, walk.end.id)))
    events = [event for id in rollouts for event in await ground.store.events(id)]
    unseen, whole = measured(events, plan.new.id, walk.order)
    now = ground.clock.now()
    statement = Statement(
        service=plan.service,
        environment=plan.environment,
        method=plan.method,
        release=plan.new.id,
        artifact=artifact_digest(plan.new),
        plan=plan.digest,
        new=plan.new.version,
        old=plan.old.version if plan.old else "",
        rollouts=rollouts,
        reached=_reached(walk.out),
        failures=tuple(failures),
        unseen=unseen,
        back=whole,
        by=terms.by,
        at=now,
        valid_until=now + terms.valid,
    )
    await ground.store.attest(statement)
    return statement


@dataclass(frozen=True)
class _Walk:
    """Out and back. ``order``: when it was told to go back; None: it never was."""

    out: State
    end: State
    order: datetime | None
    failures: tuple[str, ...]


async def _walked(ground: Ground, plan: Plan, terms: Terms, tell: Callable[[str], None]) -> _Walk:
    state = await ground.start()
    tell(f"{state.id} releases {plan.new.version} in {plan.environment}.")
    out = await _until(ground, state.id, lambda now: came(now, terms.until), terms.out_within)
    if out.back or out.status in (Status.ROLLED_BACK, Status.VOID):
        end = await _until(ground, out.id, lambda now: now.status.final, BACK)
        return _Walk(out, end, None, (_turned(out),))
    late = () if came(out, terms.until) else (f"it was not {_named(terms.until)} within its time",)
    order = ground.clock.now()
    try:
        back = await ground.back()
    except PilotageError as refused:
        told = tuple(f"the way back was refused: {problem.what}" for problem in refused.problems)
        return _Walk(out, out, None, (*late, *told))
    tell(f"Taking it back: {back.id}.")
    end = await _until(ground, back.id, lambda now: now.status.final, BACK)
    return _Walk(out, end, order, (*late, *ended_wrong(end)))


def check_plan(plan: Plan, known: Environment, others: Collection[str], *, in_production: bool) -> None:
    """PilotageError when this can not be rehearsed there, or must not. ``others``: the other environments."""
    problem = _refusal(plan, known, others, in_production=in_production)
    if problem is not None:
        raise PilotageError(problem, exit_code=ExitCode.BLOCKED)


def _refusal(plan: Plan, known: Environment, others: Collection[str], *, in_production: bool) -> Problem | None:
    name = plan.environment
    if not in_production and (looks_real(name) or not others):
        return Problem(
            code="rehearsal.production",
            what=f"{name} is not an environment to rehearse in",
            why="its name says that real users are there" if looks_real(name) else "the manifest has no other",
            mend="name one like it without users: --in staging; or, if it is meant: --in-production",
        )
    if plan.old is None:
        return Problem(
            code="rehearsal.first",
            what=f"nothing runs in {name}: there is nothing to go back to",
            mend=f"release the version there that production has: `pilotage release --to {name} VERSION`",
        )
    if known.holder is not None:
        return Problem(
            code="rehearsal.busy",
            what=f"{name} is not at rest: {known.holder} still changes it, or keeps an old version warm",
            why="what it is like afterwards could not be held against what it was before",
            mend="wait until it has ended: `pilotage watch --until-retired`",
        )
    gone = next((s for s in plan.steps if isinstance(s, Hook) and s.breaks == plan.new.id), None)
    if gone is not None and not gone.reversible:
        return Problem(
            code="rehearsal.no-return",
            what=f"{plan.old.version} could not come back to {name} after this",
            why=f"it can not live with what {gone.title} leaves",
            mend="rehearse a release without that step; it is a release of its own",
        )
    return None


def looks_real(name: str) -> bool:
    return bool(REAL & set(re.split(r"[^a-z]+", name.lower())))


def check_scene(before: Scene, plan: Plan) -> None:
    """PilotageError when the environment is not as its record says: what came after could not be judged."""
    old = plan.old
    assert old is not None, "checked before"
    if before.shown and before.instances == {old.id: plan.basis.instances}:
        return
    raise PilotageError(
        Problem(
            code="rehearsal.unwell",
            what=f"{plan.environment} is not well: a rehearsal would show nothing",
            why=_unlike(before, old.id, plan),
            mend="see `pilotage status` and `pilotage doctor`; rehearse when it is well",
        ),
        exit_code=ExitCode.BLOCKED,
    )


def _unlike(before: Scene, old: str, plan: Plan) -> str:
    if not before.shown:
        return "the router does not show what it last confirmed"
    return f"{before.instances.get(old, 0)} of {plan.basis.instances} instances are healthy, or others run too"


def came(state: State, until: Reached) -> bool:
    """So far, or to an end."""
    if state.status.final or state.back:
        return True
    if until is Reached.EXPOSED:
        return state.compared_at is not None
    return state.released


def _reached(state: State) -> Reached:
    if state.status is Status.SUCCEEDED or state.promoted == state.plan.new.id:
        return Reached.WHOLE
    return Reached.EXPOSED if state.exposed_at is not None else Reached.NOT_EXPOSED


def _named(until: Reached) -> str:
    return "promoted" if until is Reached.WHOLE else "exposed"


def _turned(state: State) -> str:
    why = "; ".join(state.why) or (state.problem.what if state.problem else state.status.value)
    return f"it was not taken back by order: it went back by itself ({why})"


def ended_wrong(state: State) -> list[str]:
    """Of the rollout that went back: a turned one is rolled back, one of its own has succeeded."""
    if not state.status.final:
        return [f"{state.id} was not back within {int(BACK.total_seconds() // 60)} minutes; it goes on"]
    wanted = Status.SUCCEEDED if state.plan.restores else Status.ROLLED_BACK
    return [] if state.status is wanted else [f"{state.id} ended as {state.status.value}"]


def differences(before: Scene, after: Scene, plan: Plan) -> list[str]:
    """What is not as it was, for people."""
    found = []
    if after.live != before.live:
        found.append(f"{after.live} is live, and it was {before.live}")
    if (after.shares, after.key, after.pins) != (before.shares, before.key, before.pins):
        found.append(f"the routing is {after.shares}, and it was {before.shares}")
    if not after.shown:
        found.append("the router does not show what it last confirmed")
    if after.instances != before.instances:
        found.append(f"healthy instances are {after.instances}, and they were {before.instances}")
    if after.flag != before.flag:
        found.append(f"the flag {plan.flag_key} is not what it was")
    return found


def measured(events: Iterable[e.Event], new: str, order: datetime | None) -> tuple[float | None, float | None]:
    """Seconds from the order until nobody was sent to the new version any more, and until the end."""
    if order is None:
        return None, None
    later = [event for event in events if event.at >= order]
    exposed = (v.at for v in later if isinstance(v, e.Exposed) and not v.groups and not v.shares.get(new))
    ended = (v.at for v in later if isinstance(v, e.Finished))
    return _since(order, next(exposed, None)), _since(order, max(ended, default=None))


def _since(order: datetime, moment: datetime | None) -> float | None:
    return None if moment is None else round((moment - order).total_seconds(), 3)


async def _until(ground: Ground, id: str, true: Callable[[State], bool], within: timedelta) -> State:
    """The state when it is true, or when the time is over."""
    waited, called = 0.0, 0.0
    while True:
        state = await ground.store.rollout(id)
        if true(state) or waited >= within.total_seconds():
            return state
        if waited - called >= CALL_WORKER:
            called = waited
            await ground.call_worker()
        await ground.clock.sleep(LOOK)
        waited += LOOK


async def _scene(ground: Ground, plan: Plan) -> Scene:
    known = await ground.store.environment(plan.service, plan.environment)
    routing = known.routing
    seen = await ground.reach.router.observe()
    last = await ground.store.rollouts(plan.service, plan.environment)
    confirmed = next((state for state in last if state.revision is not None), None)
    counts: dict[str, int] = {}
    for one in await ground.reach.target.observe():
        if one.exists:
            counts[one.release] = counts.get(one.release, 0) + one.healthy
    flags, key = ground.reach.flags, plan.flag_key
    return Scene(
        live=known.live.release.id if known.live else None,
        shares={id: share for id, share in confirmed.shares.items() if share} if confirmed else {},
        key=routing.key if routing else None,
        pins=routing.pins if routing else (),
        shown=confirmed is not None and seen.revision == confirmed.revision,
        instances=counts,
        flag=await flags.observe(key) if flags is not None and key is not None else None,
    )
