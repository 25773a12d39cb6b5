"""Begin: a manifest is written, checked, described."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from pilotage.cli import faults
from pilotage.cli.options import EVERY, Common
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode, PilotageError, Place, Problem

Format = Literal["text", "json", "github", "sarif"]


def init(*, force: bool = False, common: Common = EVERY) -> None:
    """Write a commented pilotage.yaml by looking at this folder.

    Parameters
    ----------
    force
        Replace one that is there already.
    """
    from pilotage.manifest.starter import starter

    terminal = Terminal(plain=common.no_color)
    path = common.file or Path("pilotage.yaml")
    text = starter(path.absolute().parent)
    try:
        with open(path, "w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise PilotageError(_already(path), exit_code=ExitCode.USAGE) from None
    except OSError as error:
        raise PilotageError(_unwritable(path, error)) from None
    terminal.say(f"Wrote {path}. Next: look at it, `pilotage check`, `pilotage plan VERSION`.")


def _already(path: Path) -> Problem:
    return Problem(
        code="init.exists",
        what=f"{path} is there already",
        mend="--force replaces it; `pilotage check` checks it",
        where=Place(file=str(path)),
    )


def _unwritable(path: Path, error: OSError) -> Problem:
    return Problem(code="init.unwritable", what=f"{path} can not be written", why=error.strerror)


def check(
    manifest: Path | None = None,
    /,
    *,
    format: Annotated[Format, Parameter(name=["--format", "-f"], show_default=True)] = "text",
    json: Annotated[bool, Parameter(name="--json", help="The same as --format json.")] = False,
    common: Common = EVERY,
) -> int:
    """Check the manifest: every problem at once.

    Touches nothing. The exit code is 3 when something is wrong.

    Parameters
    ----------
    manifest
        The file; pilotage.yaml here or above if not named.
    format
        For people, for programs, for annotations on GitHub, or for readers of SARIF.
    """
    from pilotage.adapters.registry import settings_problems
    from pilotage.manifest.load import load

    path = manifest or common.file or _found()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    told = f"{path} is sound"
    try:
        loaded = load(path)
        warnings = loaded.warnings
        told = f"{path} is sound: {loaded.service} in {', '.join(loaded.environments)}"
        problems = tuple(p for name in loaded.environments for p in settings_problems(loaded, name))
    except PilotageError as error:
        problems = error.problems
    _report(problems, warnings, "json" if json else format, told, Terminal(plain=common.no_color))
    return ExitCode.REFUSED_MANIFEST if problems else ExitCode.DONE


def _report(
    problems: tuple[Problem, ...], warnings: tuple[Problem, ...], format: Format, told: str, terminal: Terminal
) -> None:
    from pilotage import __version__
    from pilotage.views import problems as drawing

    match format:
        case "text":
            terminal.show(faults.toned(problems, warnings))
            if not problems:
                terminal.say(told)
        case "json":
            terminal.write(drawing.as_json(problems, warnings=warnings))
        case "github":
            terminal.write(drawing.as_github(problems, warnings=warnings))
        case "sarif":
            terminal.write(drawing.as_sarif(problems, warnings=warnings, version=__version__))


def _found() -> Path:
    """Relative to here where it can be, as people write it."""
    from pilotage.wiring import find_manifest

    path = find_manifest(Path.cwd())
    if path is None:
        raise faults.usage(
            "there is no pilotage.yaml here, or in any folder above",
            "`pilotage init` writes one by looking at this folder; or name it",
        )
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def schema(
    *,
    of: Annotated[
        Literal["manifest", "release"], Parameter(help="Of pilotage.yaml, or of a release file.")
    ] = "manifest",
    common: Common = EVERY,
) -> None:
    """Print the JSON Schema of the manifest, for editors."""
    from pilotage.manifest.schema import json_schema_text, release_schema_text

    text = json_schema_text() if of == "manifest" else release_schema_text()
    Terminal(plain=common.no_color).write(text)
