"""A plan with what it does to the database; the database as the plan found it; a way back that it allows."""

from __future__ import annotations

from pilotage.core.database import Phase
from pilotage.core.environment import Environment
from pilotage.core.plan import Plan
from pilotage.core.steps import Hook, Step
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.ports import Database, Surveyor
from pilotage.strategies.database import Settings, with_database


async def with_migrations(plan: Plan, settings: Settings, database: Surveyor, known: Environment) -> Plan:
    """Asks the database where it is, reads what is still to be done, and weaves it in.

    PilotageError when the database does not answer, or when something in the changes must not be done so.
    """
    revision = await database.revision(settings.spec)
    survey = await database.survey(settings.spec)
    return with_database(plan, settings, revision, survey, _owed(known))


def _owed(known: Environment) -> tuple[str, ...]:
    """The contractions that came with the live version, made or not."""
    last = known.last_plan.database if known.last_plan is not None else None
    return tuple(one.id for one in last.revisions if one.phase is Phase.CONTRACT) if last is not None else ()


async def check_database(plan: Plan, database: Database | None) -> None:
    """PilotageError when it is not at the revision that the plan found."""
    if plan.database is None or database is None:
        return
    revision = await database.revision(plan.database.spec)
    if revision != plan.database.revision:
        problem = Problem(
            code="database.drift",
            what=f"the database is at {revision}; this plan was made when it was at {plan.database.revision}",
            why="somebody has changed it since",
            mend="make the plan anew: `pilotage plan`",
        )
        raise PilotageError(problem, exit_code=ExitCode.BLOCKED)


def passable(plan: Plan, known: Environment) -> Plan:
    """The plan of going back to an earlier release, with what must be undone before it can live.

    PilotageError when it can not live any more with what was done since.
    """
    barrier = known.barrier_before(plan.new.id)
    if barrier is None:
        return plan
    last, live = known.last_plan, known.live
    if not barrier.reversible or last is None or live is None or barrier.rollout != live.rollout:
        raise PilotageError(_no_way_back(plan, known, barrier.title), exit_code=ExitCode.BLOCKED)
    undone: tuple[Step, ...] = tuple(
        step for step in last.way_back if isinstance(step, Hook) and step.undoes == barrier.hook
    )
    return plan.model_copy(update={"database": last.database, "steps": (*undone, *plan.steps)})


def _no_way_back(plan: Plan, known: Environment, done: str) -> Problem:
    safe = [good for good in known.lineage if known.barrier_before(good.release.id) is None]
    version = safe[0].release.version if safe else "none"
    return Problem(
        code="rollback.past-return",
        what=f"{plan.new.version} can not come back: it can not live with what `{done}` has left",
        why=f"the earliest version that can is {version}",
        mend=f"release a version that mends {known.live.release.version if known.live else version}; or bring "
        "the data back as your recovery procedure says, then release the version that fits it",
    )
