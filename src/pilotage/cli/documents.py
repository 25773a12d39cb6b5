"""Documents: written from the manifest, the plan and the release file; checked against the plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from pilotage.cli.options import EVERY, Common, Environment, Json, ReleaseFile
from pilotage.cli.readiness import PlanFile, moment, planned
from pilotage.cli.session import opened
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode, PilotageError, Place, Problem

if TYPE_CHECKING:
    from pilotage.usecases.documenting import Checked, Written

documents = App(
    name="documents",
    help="Write the documents of a release, or see if they still hold.",
    default_parameter=Parameter(negative=(), show_default=False),
)
FOLDER = Path("documents")

Out = Annotated[
    Path, Parameter(name=["--out", "-o"], metavar="FOLDER", help="Where they are; `documents` if not named.")
]
RolloutId = Annotated[
    str | None, Parameter(name="--rollout", metavar="ID", help="Of the plan that this rollout carries out.")
]


@documents.default
async def write(
    version: str | None = None,
    /,
    *,
    to: Environment = None,
    plan: PlanFile = None,
    rollout: RolloutId = None,
    release: ReleaseFile = None,
    facts: Annotated[
        Path | None,
        Parameter(metavar="FILE", help="What the adviser was told: its reasons stand in the strategy."),
    ] = None,
    start: Annotated[
        str | None,
        Parameter(metavar="MOMENT", help="When it begins; the first window of the release file if not named."),
    ] = None,
    out: Out = FOLDER,
    format: Annotated[
        tuple[Literal["md", "html", "pdf"], ...], Parameter(help="Which; all three if not named.")
    ] = ("md", "html", "pdf"),
    force: Annotated[bool, Parameter(help="Replace files that were edited by hand.")] = False,
    json: Json = False,
    common: Common = EVERY,
) -> None:
    """Write all documents of a release into a folder.

    Deployment strategy, rollout plan with calendar, monitoring and rollback plan, runbook, release notes,
    communication plan, training and support, risks. What is not given is listed, never made up. Each states
    the plan that it belongs to; the same input gives the same bytes.

    Parameters
    ----------
    version
        Of which version; what is under way, or what the release file speaks of, if not named.
    """
    from pilotage.usecases.documenting import Format, write

    begins = moment(start)
    terminal = Terminal(plain=common.no_color)
    async with opened(common, need_manifest=plan is None and rollout is None) as app:
        if rollout is not None:
            made = (await app.find(rollout)).plan
        else:
            made = await planned(app, version, to, plan, release)
        case = await app.case(made, release, facts, begins)
    written = write(case, out, [Format(one) for one in dict.fromkeys(format)], force=force)
    if json:
        terminal.json({"folder": str(out), **written.index.model_dump(mode="json"), "missing": written.missing})
    else:
        _tell(written, out, terminal)


def _tell(written: Written, out: Path, terminal: Terminal) -> None:
    index = written.index
    terminal.say(f"{index.service} {index.version} to {index.environment}: {out / 'index.html'}")
    for name in index.files:
        terminal.say(f"  {name}")
    if written.missing:
        terminal.say("\nNot given:")
        for one in written.missing:
            terminal.say(f"  {one}")
    terminal.say(f"\nPlan {index.plan}")
    if written.voided is not None:
        terminal.note(f"The documents of the plan {written.voided} are void: the plan has changed.")


@documents.command
def init(
    version: str,
    /,
    *,
    title: Annotated[str, Parameter(metavar="TEXT", help="What people call the release.")] = "What "
    "people call it",
    out: Annotated[
        Path | None, Parameter(name=["--out", "-o"], metavar="FILE", help="release.yaml if not named.")
    ] = None,
    force: Annotated[bool, Parameter(help="Replace one that is there already.")] = False,
    common: Common = EVERY,
) -> None:
    """Write a commented release file.

    Parameters
    ----------
    version
        Of which version it will speak.
    """
    from pilotage.manifest.release_files import RELEASE_FILE, load_release_text, release_starter
    from pilotage.usecases.recordings import keep_text

    terminal = Terminal(plain=common.no_color)
    path = out or Path(RELEASE_FILE)
    if path.exists() and not force:
        problem = Problem(
            code="documents.exists",
            what=f"{path} is there already",
            mend="--force replaces it; or name another file: --out FILE",
            where=Place(file=str(path)),
        )
        raise PilotageError(problem, exit_code=ExitCode.USAGE)
    text = release_starter(version, title)
    load_release_text(text, str(path))  # a version that does not fit into quotes is told, and nothing written
    keep_text(text, path)
    terminal.say(f"Wrote {path}. Next: say in it what you know, then `pilotage documents {version}`.")


@documents.command
async def check(
    version: str | None = None,
    /,
    *,
    to: Environment = None,
    plan: PlanFile = None,
    rollout: RolloutId = None,
    release: ReleaseFile = None,
    out: Out = FOLDER,
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Look whether the documents in a folder belong to the plan as it is now.

    Void: made of another plan. Edited: not as they were written. The exit code is 5 when any is void, edited
    or missing.
    """
    from pilotage.usecases.documenting import check

    terminal = Terminal(plain=common.no_color)
    async with opened(common, need_manifest=plan is None and rollout is None) as app:
        if rollout is not None:
            made = (await app.find(rollout)).plan
        else:
            made = await planned(app, version, to, plan, release)
    found = check(out, made)
    if json:
        states = {name: state.value for name, state in found.files.items()}
        terminal.json(
            {"plan": made.digest, "documents_of": found.index.plan, "files": states, "sound": found.sound}
        )
    else:
        _tell_check(found, made.digest, terminal)
    return ExitCode.DONE if found.sound else ExitCode.BLOCKED


def _tell_check(found: Checked, digest: str, terminal: Terminal) -> None:
    for name, state in found.files.items():
        terminal.say(f"  {state.value:<8} {name}")
    if found.index.plan != digest:
        terminal.say(f"\nThey were made of the plan {found.index.plan} ({found.index.version}),")
        terminal.say(f"and the plan is now   {digest}.")
        terminal.say("They are void: make them anew with `pilotage documents`.")
    else:
        terminal.say(f"\nPlan {digest}")
