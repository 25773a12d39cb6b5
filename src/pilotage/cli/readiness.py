"""Readiness: what must be done before a release, and ticking off what people do by hand."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pilotage.cli import faults
from pilotage.cli.options import EVERY, Common, Environment, Json, ReleaseFile
from pilotage.cli.session import opened, who
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode

if TYPE_CHECKING:
    from pilotage.core.plan import Plan
    from pilotage.wiring import App

PlanFile = Annotated[
    Path | None, Parameter(name="--plan", metavar="FILE", help="A file written by `pilotage plan --out`.")
]
At = Annotated[
    str | None,
    Parameter(metavar="MOMENT", help="For a start then (2026-12-01T21:00+01:00), and not now."),
]


async def readiness(
    version: str | None = None,
    /,
    *,
    to: Environment = None,
    plan: PlanFile = None,
    release: ReleaseFile = None,
    at: At = None,
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Show what must be done before a release, and what is.

    From the release file, held against the plan by the manifest's `readiness`. The exit code is 5 when
    something would stop a start, and 0 when nothing is asked at all.

    Parameters
    ----------
    version
        What is to be released; the one that the release file speaks of if not named.
    """
    from pilotage.views import readiness as view

    start = moment(at)
    terminal = Terminal(plain=common.no_color)
    async with opened(common, need_manifest=plan is None) as app:
        made = await planned(app, version, to, plan, release)
        found = await app.readiness(made, release, start)
        if found is None:
            if json:
                terminal.json(None)
            else:
                terminal.say(
                    "Nothing is asked: there is no release file for it, and no `readiness` in the manifest."
                )
            return ExitCode.DONE
    shown = view.view_of(made.service, made.environment, made.new.version, made.digest, found.readiness)
    if json:
        terminal.json(shown)
    else:
        terminal.show(view.draw(shown, terminal.width))
    return ExitCode.DONE if found.readiness.ready else ExitCode.BLOCKED


async def tick(
    step: str,
    /,
    *,
    version: Annotated[
        str | None, Parameter(help="Of which release; what is under way, or what the release file speaks of.")
    ] = None,
    to: Environment = None,
    plan: PlanFile = None,
    release: ReleaseFile = None,
    by: Annotated[str | None, Parameter(metavar="NAME", help="Who did it; you if not named.")] = None,
    note: Annotated[str, Parameter(metavar="TEXT", help="What was seen; kept in the record.")] = "",
    undo: Annotated[bool, Parameter(help="It is not done after all.")] = False,
    json: Json = False,
    common: Common = EVERY,
) -> None:
    """Tick off a step of the runbook that a person has done.

    Who and when are kept in the state folder for this very plan, and shown by the next `pilotage documents`.

    Parameters
    ----------
    step
        Its id, as the runbook shows it.
    """
    terminal = Terminal(plain=common.no_color)
    async with opened(common, need_manifest=plan is None) as app:
        made = await planned(app, version, to, plan, release)
        kept = await app.tick(made, step, release, by=by or who(), note=note, done=not undo)
    if json:
        terminal.json(kept)
    else:
        done = "ticked off" if kept.done else "not done after all"
        terminal.say(f"{kept.step} is {done}, by {kept.by}, for the plan {kept.plan}.")


async def planned(
    app: App, version: str | None, to: str | None, plan: Path | None, release: Path | None
) -> Plan:
    """The plan that is meant: of the file, of the version, or what is under way, or the release file's."""
    from pilotage.cli.release import read_plan

    if plan is not None and version is not None:
        raise faults.usage("name a version, or the file of a plan, and not both")
    if plan is not None:
        return read_plan(plan)
    return await app.plan_of(version, to, release)


def moment(text: str | None) -> datetime | None:
    """PilotageError when it is none."""
    from pilotage.dossier.words import parse_moment

    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError:
        raise faults.usage(f"`{text}` is not a moment", "write it like 2026-12-01T21:00+01:00") from None
