"""One command from its words to its exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cyclopts import CycloptsError

from pilotage.cli import faults
from pilotage.cli.app import HELP_FLAGS, build
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode, PilotageError

PIPE_CLOSED = 141
"""What a shell reports for a program that wrote to a closed pipe (128 + SIGPIPE)."""


def run(arguments: Sequence[str]) -> int:
    """Never raises, except what must end the process at once."""
    terminal = Terminal(plain="--no-color" in arguments)
    as_json = "--json" in arguments
    try:
        result = build(whole=not arguments or arguments[0] in HELP_FLAGS)(
            list(arguments) or ["--help"], exit_on_error=False, print_error=False, result_action="return_value"
        )
        sys.stdout.flush()
    except CycloptsError as error:
        error.verbose = False
        faults.tell(faults.usage(_sentence(error)).problems, terminal, as_json=as_json)
        return ExitCode.USAGE
    except PilotageError as error:
        faults.tell(error.problems, terminal, as_json=as_json)
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _point_at_nothing()
        return PIPE_CLOSED
    except Exception as error:
        problem = faults.unexpected(error, state_folder(arguments))
        faults.tell([problem], terminal, as_json=as_json)
        return ExitCode.FAILED
    return int(result) if isinstance(result, int) else ExitCode.DONE


def _sentence(error: CycloptsError) -> str:
    return str(error).split(" Available commands:")[0].strip()


def _point_at_nothing() -> None:
    """So that Python does not complain about the closed pipe at exit."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = io.StringIO()


def state_folder(arguments: Sequence[str]) -> Path | None:
    """Where a trace is kept: the state folder, as far as it can be told without opening anything."""
    named = os.environ.get("PILOTAGE_STATE")
    for place, word in enumerate(arguments):
        if word == "--state" and place + 1 < len(arguments):
            named = arguments[place + 1]
        if word.startswith("--state="):
            named = word.removeprefix("--state=")
    if named and "://" not in named:
        return Path(named)
    here = Path.cwd()
    return next((f / ".pilotage" for f in (here, *here.parents) if (f / ".pilotage").is_dir()), None)
