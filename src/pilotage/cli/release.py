"""Release: plan it, do it, take it back, watch it."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pilotage.cli import faults
from pilotage.cli.options import (
    EVERY,
    Common,
    Environment,
    Json,
    Reason,
    ReleaseFile,
    Rollout,
    Timeout,
    UntilRetired,
    Where,
    Yes,
)
from pilotage.cli.session import opened, who
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode, PilotageError, Place, Problem

if TYPE_CHECKING:
    from pilotage.core.plan import Plan
    from pilotage.core.state import State
    from pilotage.judge.mends import Trouble
    from pilotage.judge.planner import Forecast
    from pilotage.views.evidence import RehearsedView
    from pilotage.wiring import App

Supersede = Annotated[
    bool, Parameter(help="While another rollout is under way: take that one back, then do this one.")
]
Detach = Annotated[bool, Parameter(help="Start it and return at once; `pilotage watch` shows it.")]


async def plan(
    version: str,
    /,
    *,
    to: Environment = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    release: ReleaseFile = None,
    again: bool = False,
    json: Json = False,
    common: Common = EVERY,
) -> None:
    """Show what a release would do; change nothing.

    Who is exposed when and for how long, what takes it back, the way back, and the digest; and what the judge
    will be able to see at the traffic to be expected: `expect` in the manifest, or as the last rollouts had it.

    Parameters
    ----------
    version
        What to release.
    out
        Write the plan to this file; `pilotage release --plan FILE` carries out exactly that plan, or refuses.
    again
        Plan it although this very version is live.
    """
    terminal = Terminal(plain=common.no_color)
    async with opened(common, need_manifest=True) as app:
        made = await app.plan(to, version, again=again)
        foreseen = await app.foresee(made)
        ready = await app.readiness(made, release)
        rehearsed, lacks = await _evidence(app, made, release)
    if out is not None:
        _write(made, out)
    _show(made, terminal, as_json=json, foreseen=foreseen, asked=True, rehearsed=rehearsed)
    open_ = (*lacks, *ready.blocking, *ready.warnings) if ready is not None else lacks
    if open_ and not json:
        terminal.show(faults.toned((), open_), error=True)
    if out is not None and not json:
        terminal.say(
            f"\nWritten to {out}: `pilotage release --plan {quote(str(out))}` carries out exactly this plan."
        )


def _show(
    made: Plan,
    terminal: Terminal,
    *,
    as_json: bool = False,
    foreseen: tuple[Forecast, tuple[Trouble, ...]] | None = None,
    asked: bool = False,
    rehearsed: RehearsedView | None = None,
) -> None:
    """``asked``: whether anybody wants to know what the judge will see."""
    from datetime import UTC, datetime

    from pilotage.views import foresight
    from pilotage.views import plan as view

    sees = foresight.view_of(*foreseen) if foreseen else None
    shown = view.view_of(made, sees, rehearsed, now=datetime.now(UTC))
    if as_json:
        terminal.json(shown)
        return
    terminal.show(view.draw(shown, terminal.width))
    if asked and foreseen is None and foresight.judged(made):
        terminal.show(foresight.no_figures(terminal.width))


async def _evidence(
    app: App, made: Plan, file: Path | None
) -> tuple[RehearsedView | None, tuple[Problem, ...]]:
    """When its way back was rehearsed, and what is lacking that a start needs."""
    from pilotage.usecases.attesting import lacking
    from pilotage.usecases.readying import release_meant
    from pilotage.views.evidence import rehearsed

    if made.old is None:
        return None, ()
    kept, now = await app.store.statements(made.service), app.clock.now()
    release = release_meant(app.manifest, file, made)
    problem = lacking(made, kept, release.value if release else None, now)
    return rehearsed(kept, made.method, now), (problem,) if problem else ()


def _write(made: Plan, path: Path) -> None:
    import json

    kept = {"pilotage_plan": 1, "digest": made.digest, "plan": made.model_dump(mode="json")}
    try:
        path.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        problem = Problem(code="plan.unwritable", what=f"{path} can not be written", why=error.strerror)
        raise PilotageError(problem) from None


def read_plan(path: Path) -> Plan:
    """The plan in a file; PilotageError when it is none, or was changed since it was written."""
    import json

    from pydantic import ValidationError

    from pilotage.core.plan import Plan

    where = Place(file=str(path))
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        made, digest = Plan.model_validate(kept["plan"]), str(kept["digest"])
    except OSError as error:
        problem = Problem(code="plan.unreadable", what=f"{error.strerror}", where=where)
        raise PilotageError(problem, exit_code=ExitCode.USAGE) from None
    except (ValueError, KeyError, TypeError, ValidationError):
        mend = "`pilotage plan VERSION --out FILE` writes one"
        problem = Problem(code="plan.not-a-plan", what="this file holds no plan", mend=mend, where=where)
        raise PilotageError(problem, exit_code=ExitCode.USAGE) from None
    if made.digest != digest:
        problem = Problem(
            code="plan.changed",
            what="this plan was changed after it was written",
            why=f"it should have the digest {digest}, and has {made.digest}",
            mend="make it anew: `pilotage plan VERSION --out FILE`",
            where=where,
        )
        raise PilotageError(problem, exit_code=ExitCode.BLOCKED)
    return made


async def release(
    version: str | None = None,
    /,
    *,
    to: Environment = None,
    plan: Path | None = None,
    file: ReleaseFile = None,
    yes: Yes = False,
    detach: Detach = False,
    supersede: Supersede = False,
    again: bool = False,
    reason: Reason = "",
    give_up: Timeout = None,
    until_retired: UntilRetired = False,
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Release a version: show the plan, ask, do it, watch.

    What the release file leaves open stops it before anything is started, or is told, as the manifest's
    `readiness` says. Asks on a terminal only: without one, as in CI, it goes ahead. Ctrl-C leaves the rollout
    running. The exit code says how it ended: 0 promoted, 6 rolled back (docs/exit-codes.md).

    Parameters
    ----------
    version
        What to release.
    plan
        A file written by `pilotage plan --out`: exactly that plan is carried out, or refused.
    again
        Release it although this very version is live.
    """
    from pilotage.cli import outcome
    from pilotage.cli.watching import duration, follow

    patience = duration(give_up)
    terminal = Terminal(plain=common.no_color)
    async with opened(common, need_manifest=plan is None) as app:
        made = await _planned(app, version, to, plan, again=again)
        await _demand(app, made, file, terminal)
        if not json and not _agreed(made, terminal, asking=not yes):
            return ExitCode.DONE
        state = await app.release(made, by=who(), reason=reason, supersede=supersede, file=file)
        if detach:
            return _detached(state, terminal, as_json=json)
        ended = await follow(
            app, state.id, terminal, as_json=json, until_retired=until_retired, patience=patience
        )
    return outcome.exit_code(ended)


async def _demand(app: App, made: Plan, file: Path | None, terminal: Terminal) -> None:
    """PilotageError with what is open and blocks; what only warns is told."""
    _, lacks = await _evidence(app, made, file)
    if lacks:
        raise PilotageError(*lacks, exit_code=ExitCode.BLOCKED)
    ready = await app.readiness(made, file)
    if ready is not None:
        ready.demand()
        terminal.show(faults.toned((), ready.warnings), error=True)


def _agreed(made: Plan, terminal: Terminal, *, asking: bool) -> bool:
    """Shows the plan; asks if somebody is there to be asked."""
    _show(made, terminal)
    terminal.say()
    if asking and terminal.interactive and not terminal.ask("Release it?"):
        terminal.say("Nothing was started.")
        return False
    return True


async def _planned(app: App, version: str | None, to: str | None, path: Path | None, *, again: bool) -> Plan:
    if (version is None) == (path is None):
        mend = "`pilotage release VERSION`, or `pilotage release --plan FILE`"
        raise faults.usage("name a version, or the file of a plan, and not both", mend)
    if path is not None:
        made = read_plan(path)
        if to is not None and to != made.environment:
            raise faults.usage(f"this plan is for {made.environment}, not for {to}", "leave --to out")
        return made
    assert version is not None
    return await app.plan(to, version, again=again)


def _detached(state: State, terminal: Terminal, *, as_json: bool) -> int:
    if as_json:
        terminal.json({"rollout": state.id, "status": state.status.value})
    else:
        terminal.say(f"Started {state.id}: `pilotage watch {state.id}` shows it.")
    return ExitCode.DONE


async def rollback(
    environment: Where = None,
    /,
    *,
    to: Environment = None,
    yes: Yes = False,
    detach: Detach = False,
    reason: Reason = "",
    give_up: Timeout = None,
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Take the last good version back, at once.

    While a release is under way it turns back; after a finished one, the version before it returns. Shows what
    it will do, and asks on a terminal only. No judge, no approval and no metric can stop it.
    """
    from pilotage.cli import outcome
    from pilotage.cli.watching import duration, follow
    from pilotage.core.plan import Plan
    from pilotage.views.plan import draw_way_back

    patience = duration(give_up)
    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        what = await app.rollback_plan(faults.one_of(environment, to))
        if not json:
            lines = draw_way_back(what if isinstance(what, Plan) else what.plan, terminal.width)
            terminal.show(lines)
        if not yes and not json and terminal.interactive and not terminal.ask("\nGo back?", usual=True):
            terminal.say("Nothing was changed.")
            return ExitCode.DONE
        state = await app.rollback(faults.one_of(environment, to), by=who(), reason=reason)
        if detach:
            return _detached(state, terminal, as_json=json)
        restoring = isinstance(what, Plan)
        # What is promoted and only kept warm would be taken for settled until a worker has heard the order.
        ended = await follow(
            app, state.id, terminal, as_json=json, until_retired=not restoring, patience=patience
        )
    return outcome.exit_code_of_return(ended, restoring=restoring)


async def watch(
    rollout: Rollout = None,
    /,
    *,
    to: Environment = None,
    give_up: Timeout = None,
    until_retired: UntilRetired = False,
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Watch a rollout until it is decided; Ctrl-C leaves it running.

    A live screen on a terminal; without one, a line for each event; with --json, a line of JSON for each.
    """
    from pilotage.cli import outcome
    from pilotage.cli.watching import duration, follow

    patience = duration(give_up)
    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        state = await app.find(rollout, to)
        if not state.status.final:
            await app.ensure_worker()
        ended = await follow(
            app, state.id, terminal, as_json=json, until_retired=until_retired, patience=patience
        )
    return outcome.exit_code(ended)
