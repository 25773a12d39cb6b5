"""Prune: forget recordings of long ago, and artifacts that no release needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from pilotage.cli import faults
from pilotage.cli.options import EVERY, Common, Json
from pilotage.cli.session import opened
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode

if TYPE_CHECKING:
    from pilotage.core.retention import Retention
    from pilotage.usecases.pruning import Pruning


async def prune(
    *,
    recordings: Annotated[
        str | None, Parameter(metavar="TIME", help="What judges saw is kept so long (180d).")
    ] = None,
    releases: Annotated[
        int | None, Parameter(help="So many last releases of each environment keep everything (10).")
    ] = None,
    artifacts: Annotated[
        str | None, Parameter(metavar="TIME", help="Artifacts that nothing needs are kept so long (30d).")
    ] = None,
    dry_run: Annotated[bool, Parameter(help="Only say what would go.")] = False,
    daily: Annotated[bool, Parameter(help="The worker does it from now on, each day, with this.")] = False,
    never: Annotated[bool, Parameter(help="The worker does not do it any more; nothing goes now.")] = False,
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Forget what nobody needs any more.

    Recordings of rollouts that ended long ago, and artifacts that no release needs which is live, warm, in
    flight, or among the last ones. Events, plans, verdicts and what a way back needs always stay.
    """
    from pilotage import tidying

    if daily and (never or dry_run):
        raise faults.usage("--daily goes with neither --never nor --dry-run", "give one of them")
    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        if never:
            tidying.keep_settings(app.state_folder, None)
            return _told(terminal, {"daily": False}, "The worker forgets nothing.", as_json=json)
        retention = _retention(tidying.kept_settings(app.state_folder), recordings, releases, artifacts)
        if daily:
            tidying.keep_settings(app.state_folder, retention)
        done = await tidying.prune_now(
            app.state_folder, app.store, app.reach_of, retention, app.clock.now(), dry_run=dry_run
        )
    return _told(
        terminal, _data(done, retention, dry_run=dry_run), _sentence(done, dry_run=dry_run), as_json=json
    )


def _retention(
    kept: Retention | None, recordings: str | None, releases: int | None, artifacts: str | None
) -> Retention:
    """What is said, then what the state folder has, then the defaults."""
    from pydantic import ValidationError

    from pilotage.cli.watching import duration
    from pilotage.core.retention import Retention

    said = {"recordings": duration(recordings), "releases": releases, "artifacts": duration(artifacts)}
    known = {} if kept is None else dict(kept)
    try:
        return Retention.model_validate(known | {key: one for key, one in said.items() if one is not None})
    except ValidationError as error:
        raise faults.usage(
            "at least 2 releases are kept", "the live one and the one a rollback goes to"
        ) from error


def _data(done: Pruning, retention: Retention, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "retention": retention.model_dump(mode="json"),
        "rollouts": list(done.rollouts),
        "records": done.records,
        "artifacts": done.artifacts,
        "instances": list(done.instances),
    }


def _sentence(done: Pruning, *, dry_run: bool) -> str:
    records = ", ".join(f"{count} {kind}" for kind, count in done.records.items()) or "nothing"
    size = sum(done.artifacts.values()) / 1e6
    return (
        f"{'Would forget' if dry_run else 'Forgot'} the recordings of {len(done.rollouts)} rollouts"
        f" ({records}), {len(done.artifacts)} artifacts ({size:.1f} MB)"
        + ("." if dry_run else f", what {len(done.instances)} stopped instances had left.")
    )


def _told(terminal: Terminal, data: dict[str, Any], words: str, *, as_json: bool) -> ExitCode:
    if as_json:
        terminal.json(data)
    else:
        terminal.say(words)
    return ExitCode.DONE
