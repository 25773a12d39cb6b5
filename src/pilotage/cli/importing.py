"""Import: files of another tool become a manifest, with a report of what was lost on the way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from pilotage.cli import faults
from pilotage.cli.options import EVERY, Common, Json
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode, PilotageError, Place, Problem

if TYPE_CHECKING:
    from pilotage.usecases.importing import Imported

From = Literal["argo", "flagger", "codedeploy", "kamal"]
STANDARD_OUTPUT = "-"


Files = Annotated[
    str, Parameter(name="FILE", help="The tool's files; or the name of a configuration of CodeDeploy.")
]
Whose = Annotated[
    From | None, Parameter(name="--from", help="Whose files they are; told from them if not named.")
]
Out = Annotated[Path | None, Parameter(help="Where the manifest goes; standard output if not named.")]
Report = Annotated[
    str | None,
    Parameter(
        help="Where the whole report goes; - is standard output, which needs --out.",
        allow_leading_hyphen=True,
        metavar="FILE",
    ),
]
Force = Annotated[bool, Parameter(help="Replace files that are there already.")]


def import_(
    *files: Files,
    from_: Whose = None,
    out: Out = None,
    report: Report = None,
    force: Force = False,
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Translate another tool's files into a manifest.

    Reads Argo Rollouts, Flagger, AWS CodeDeploy and Kamal. Every field is translated, met by how Pilotage
    works, or told as lost. With --json the manifest and the report are one JSON value. The exit code is 0
    when nothing was lost, 11 when something was, 3 when a file has problems (then nothing is written).
    """
    from pilotage.importing.ledger import Outcome
    from pilotage.importing.report import as_data, as_text, brief
    from pilotage.importing.translating import Tool
    from pilotage.usecases.importing import imported

    if not files:
        raise faults.usage("which files?", "name them: `pilotage import rollout.yaml analysis.yaml`")
    if report == STANDARD_OUTPUT and (out is None or json):
        raise faults.usage("two things would go to standard output", "name a file with --out, or with --report")
    made = imported(files, Tool(from_) if from_ else None)
    terminal = Terminal(plain=common.no_color)
    whole = as_text(made.translation, made.problems)
    outputs = {path: text for path, text in ((out, made.translation.manifest), (_file(report), whole)) if path}
    _write(outputs, force=force)
    if json:
        terminal.json(as_data(made.translation, made.problems))
    elif out is None:
        terminal.write(made.translation.manifest)
    if report == STANDARD_OUTPUT:
        terminal.write(whole)
    elif not json:
        for row in brief(made.translation):
            terminal.note(row)
    _told(made, terminal, json=json)
    whole_of_it = not made.problems and not made.translation.of(Outcome.LOST)
    return ExitCode.DONE if whole_of_it else ExitCode.INCOMPLETE


def _told(made: Imported, terminal: Terminal, *, json: bool) -> None:
    """What `pilotage check` would say of the manifest."""
    if not json and (made.problems or made.warnings):
        terminal.show(faults.toned(made.problems, made.warnings), error=True)


def _file(report: str | None) -> Path | None:
    return Path(report) if report not in (None, STANDARD_OUTPUT) else None


def _write(outputs: dict[Path, str], *, force: bool) -> None:
    """All or, when one is there already, none."""
    if not force and (there := [path for path in outputs if path.exists()]):
        problems = [
            Problem(
                code="import.exists",
                what=f"{path} is there already",
                mend="--force replaces it; or name another file",
                where=Place(file=str(path)),
            )
            for path in there
        ]
        raise PilotageError(*problems, exit_code=ExitCode.USAGE)
    for path, text in outputs.items():
        try:
            with open(path, "w" if force else "x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            problem = Problem(code="import.unwritable", what=f"{path} can not be written", why=error.strerror)
            raise PilotageError(problem) from None
