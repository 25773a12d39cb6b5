"""Back up the state into one file, and put it back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pilotage.cli import faults
from pilotage.cli.options import EVERY, Common, Json, Yes
from pilotage.cli.session import opened
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode

if TYPE_CHECKING:
    from pilotage.usecases.backing_up import Contents, Say


async def backup(file: Path, /, *, json: Json = False, common: Common = EVERY) -> int:
    """Write all of the state into one file.

    As of one moment, while everything goes on. It can be put back into a folder or into PostgreSQL, wherever
    it came from.

    Parameters
    ----------
    file
        Where to; it must not be there yet.
    """
    from pilotage.usecases.backing_up import write

    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        rows = write(app.place.vault.everything(), file, app.clock.now(), _telling(terminal))
    if json:
        terminal.json({"file": str(file), "rows": rows})
    else:
        terminal.say(f"{file}: {_told(rows)}.")
    return ExitCode.DONE


async def restore(
    file: Path,
    /,
    *,
    replace: Annotated[
        bool, Parameter(help="In the place of what is there; that is kept in a file of its own first.")
    ] = False,
    check: Annotated[bool, Parameter(help="Only see whether it could be put back; change nothing.")] = False,
    yes: Yes = False,
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Put a backup back.

    All or nothing, after all of it was read and every history made its state again. Not while a worker works,
    and not into a state that has something already, unless told so.

    Parameters
    ----------
    file
        What `pilotage backup` wrote.
    """
    from pilotage.usecases.backing_up import check as checked
    from pilotage.usecases.backing_up import put_back

    terminal = Terminal(plain=common.no_color)
    found = checked(file, _telling(terminal))
    if check:
        return _shown(terminal, found, "is whole", as_json=json)
    if replace and not yes and not terminal.interactive:
        raise faults.usage("this replaces the state, and nobody is here to ask", "--yes does it without asking")
    if replace and not yes and not terminal.ask(f"Replace the state by that of {found.made}?"):
        terminal.say("Nothing was changed.")
        return ExitCode.DONE
    async with opened(common) as app, app.place.alone():
        kept = await put_back(
            app.store, app.place.vault, file, app.clock.now(), app.state_folder, replace=replace
        )
    return _shown(terminal, found, "is put back", as_json=json, kept=kept)


def _shown(
    terminal: Terminal, found: Contents, what: str, *, as_json: bool, kept: Path | None = None
) -> ExitCode:
    if as_json:
        value = {
            "made": found.made,
            "pilotage": found.pilotage,
            "rollouts": found.rollouts,
            "unfinished": list(found.unfinished),
            "rows": found.rows,
            "replaced": str(kept) if kept else None,
        }
        terminal.json(value)
        return ExitCode.DONE
    terminal.say(f"The state of {found.made} {what}: {found.rollouts} rollouts, {_told(found.rows)}.")
    if kept:
        terminal.say(f"What was there is kept in {kept}.")
    for rollout in found.unfinished:
        terminal.say(f"{rollout} is unfinished: it goes on from there when a worker works; look at it first.")
    return ExitCode.DONE


def _told(rows: dict[str, int]) -> str:
    return ", ".join(f"{count} {table}" for table, count in rows.items()) or "nothing in it"


def _telling(terminal: Terminal) -> Say:
    """Where somebody watches, how far it is."""
    return (lambda done: terminal.note(f"{done} rows …")) if terminal.live else (lambda _: None)
