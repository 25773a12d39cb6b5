"""Start a rollout, or refuse with a reason; nothing is started when anything is wrong."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from pilotage.core import events as e
from pilotage.core.environment import Environment, follow
from pilotage.core.plan import Plan
from pilotage.core.readiness import Readiness
from pilotage.core.release import Release
from pilotage.core.routing import Backend, Routing, Split
from pilotage.core.state import State, begin
from pilotage.core.values import EVERYBODY
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.ports import Change, Conflict, GroundOf, Store
from pilotage.usecases.flagging import check_flag
from pilotage.usecases.migrating import check_database
from pilotage.usecases.stopping import end_warm

TRIES = 5
"""So often a release looks and decides anew when somebody was quicker."""


async def start(
    store: Store,
    reach_of: GroundOf,
    plan: Plan,
    *,
    by: str,
    now: datetime,
    reason: str = "",
    supersede: bool = False,
    readiness: Readiness | None = None,
) -> State:
    """Records the rollout of exactly this plan, and how ready it was; a worker does the rest.

    While another rollout changes the environment: PilotageError, or with ``supersede`` that one is taken
    back and this one waits for it. A rollout that only keeps its old side warm hands over to this one.
    """
    await check_ground(reach_of, plan)
    created = e.Created(at=now, by=by, plan=plan, digest=plan.digest, reason=reason, readiness=readiness)
    if not supersede:  # else the flag is what the rollout before it has made of it
        await _check_flag(reach_of, plan)
    for _ in range(TRIES):
        with suppress(Conflict):
            return await _begin(store, created, supersede=supersede)
    return await _begin(store, created, supersede=supersede)


async def _begin(store: Store, created: e.Created, *, supersede: bool) -> State:
    """By what the environment is now; Conflict when it has moved on while this was decided."""
    plan = created.plan
    known = await store.environment(plan.service, plan.environment)
    check_basis(plan, known)
    holder = await store.rollout(known.holder) if known.holder else None
    if holder is None or holder.status.final:
        return await _create(store, known, created)
    if holder.warm:
        return await _take_over(store, known, holder, created)
    if not supersede:
        raise PilotageError(_busy(holder), exit_code=ExitCode.BLOCKED)
    # The worker that finds it in the queue asks the holder to make room: a crash here could not lose that.
    return await _create(store, known, created.model_copy(update={"queued_behind": holder.id}))


def check_basis(plan: Plan, known: Environment) -> None:
    """A plan is void when the environment is not any more what it was made for.

    A side that was warm then and has been retired meanwhile does not matter: the step that retires it finds
    nothing to do.
    """
    now, made = known.basis, plan.basis
    same = _ids(now.live) == _ids(made.live) and now.instances == made.instances
    if same and (now.warm is None or _ids(now.warm) == _ids(made.warm)):
        return
    live = now.live.version if now.live else "nothing"
    meant = made.live.version if made.live else "nothing"
    what = f"this plan is void: {plan.environment} has changed since it was made"
    why = f"it was made while {meant} was live; now {live} is, or what is kept warm has changed"
    problem = Problem(code="plan.void", what=what, why=why, mend="make the plan anew: `pilotage plan`")
    raise PilotageError(problem, exit_code=ExitCode.BLOCKED)


def _ids(release: Release | None) -> str | None:
    return release.id if release is not None else None


async def check_ground(reach_of: GroundOf, plan: Plan) -> None:
    """Asks target and router whether they could do this at all; touches nothing.

    Where they are not reached from here, only its worker can find out.
    """
    reach = reach_of(plan)
    if reach is None:
        return
    serving = (plan.basis.live or plan.new).id
    routing = Routing(
        listen=plan.router.listen,
        preview=plan.router.preview,
        backends=(Backend(release=serving),),
        splits=(Split(release=serving, share=EVERYBODY),),
        timeouts=plan.router.timeouts,
    )
    problems = [
        *type(reach.target).check_settings(plan.target.settings),
        *type(reach.router).check_settings(plan.router.settings),
    ]
    problems = problems or await reach.router.check(routing)
    if problems:
        raise PilotageError(*problems, exit_code=ExitCode.FAILED)
    await check_database(plan, reach.database)


async def _check_flag(reach_of: GroundOf, plan: Plan) -> None:
    reach = reach_of(plan)
    problems = [] if reach is None else await check_flag(plan, reach)
    if problems:
        raise PilotageError(*problems, exit_code=ExitCode.BLOCKED)


async def _create(
    store: Store, known: Environment, created: e.Created, others: tuple[Change, ...] = ()
) -> State:
    plan = created.plan
    id = f"{plan.service}-{plan.environment}-{known.rollouts + 1}"
    state = begin(id, created)
    environment = follow(known, id, plan, [created])
    change = Change(state=state, events=(created,), before=0, wake=created.at)
    await store.commit(*others, change, environment=environment)
    return state


async def _take_over(store: Store, known: Environment, holder: State, created: e.Created) -> State:
    """The holder is done but for its warm old side, which this plan retires as its first step."""
    why = f"its warm old side is handed to the release of {created.plan.new.version}"
    ended = end_warm(holder, known, by=created.by, now=created.at, why=why)
    freed = follow(known, holder.id, holder.plan, ended.events)
    return await _create(store, freed, created, (ended,))


def _busy(holder: State) -> Problem:
    version, environment = holder.plan.new.version, holder.plan.environment
    return Problem(
        code="release.busy",
        what=f"{environment} is being changed by {holder.id}: the release of {version}, {holder.status.value}",
        why="one rollout changes an environment at a time",
        mend="wait (`pilotage watch`), or take it back and go on with this one: --supersede",
    )
