"""What went wrong, drawn for whoever asked. A raw traceback is never shown, and never lost."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.views import problems as drawing
from pilotage.views.ink import EMPTY, Line, Tone, line, span


def tell(problems: Sequence[Problem], terminal: Terminal, *, as_json: bool) -> None:
    """To standard error: drawn for people, or as JSON."""
    if as_json:
        sys.stderr.write(drawing.as_json(problems))
        sys.stderr.flush()
        return
    terminal.show(toned(problems), error=True)


def toned(problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> list[Line]:
    """What views.problems draws, with tones: what is wrong stands out, and how to mend it."""
    lines: list[Line] = []
    for place, problem in enumerate((*problems, *warnings)):
        lines += [EMPTY] * bool(lines) + _block(problem, warning=place >= len(problems))
    return lines


def _from_here(problem: Problem) -> Problem:
    """With its file named as somebody standing here would."""
    if problem.where is None or not problem.where.file.startswith(f"{Path.cwd()}{os.sep}"):
        return problem
    near = problem.where.model_copy(update={"file": os.path.relpath(problem.where.file)})
    return problem.model_copy(update={"where": near})


def _block(problem: Problem, *, warning: bool) -> list[Line]:
    problem = _from_here(problem)
    first, *rest = drawing.as_text([problem]).splitlines()
    place = first.removesuffix(f"{problem.code}: {problem.what}")
    level = span("warning" if warning else "error", Tone.WARN if warning else Tone.BAD)
    code, what = span(f" {problem.code}: ", Tone.DIM), span(problem.what, Tone.STRONG)
    return [line(span(place, Tone.STRONG), level, code, what), *map(_toned, rest)]


_LABEL = re.compile(r"  (why|mend|see|   )(: |  )(.*)")
_CARETS = re.compile(r" +\^+")


def _toned(row: str) -> Line:
    if _CARETS.fullmatch(row):
        return line(span(row, Tone.BAD))
    if found := _LABEL.fullmatch(row):
        tone = Tone.GOOD if found[1] == "mend" else Tone.DIM
        return line(span(f"  {found[1]}{found[2]}", tone), found[3])
    return line(row)


def usage(
    message: str, mend: str = "`pilotage --help` lists the commands, `pilotage COMMAND --help` its options"
) -> PilotageError:
    problem = Problem(code="usage.command-line", what=message, mend=mend)
    return PilotageError(problem, exit_code=ExitCode.USAGE)


def unexpected(error: BaseException, folder: Path | None) -> Problem:
    """An error of our own: its trace is kept in a file (with PILOTAGE_DEBUG=1 it is shown too)."""
    trace = "".join(traceback.format_exception(error))
    if os.environ.get("PILOTAGE_DEBUG"):
        sys.stderr.write(trace)
    kept = _keep(trace, folder)
    return Problem(
        code="pilotage.internal",
        what=f"Pilotage itself failed: {type(error).__name__}: {error}".splitlines()[0],
        why=f"the whole trace is in {kept}" if kept else "the trace could not be written to a file",
        mend="what is under way goes on; if it happens again, report it with that trace",
    )


def _keep(trace: str, folder: Path | None) -> Path | None:
    name = f"trace-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    for place in (folder, Path(tempfile.gettempdir())):
        if place is None or not place.is_dir():
            continue
        try:
            # In a folder that others write to as well, nothing of theirs is followed or overwritten.
            made = os.open(place / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(made, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(trace)
        except OSError:
            continue
        return place / name
    return None


def one_of(environment: str | None, to: str | None) -> str | None:
    """The environment that was named, in either way; refused when two different ones were."""
    if environment is not None and to is not None and environment != to:
        raise usage(f"two environments are named: {environment} and {to}", "name the one that is meant")
    return environment or to
