"""Judge: the judge by itself, on recorded telemetry."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from pilotage.cli.options import EVERY, Common, Json
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode

if TYPE_CHECKING:
    from pilotage.core.judging import JudgeSettings
    from pilotage.usecases.replaying import Look

judge = App(
    name="judge",
    help="Let the judge hear recorded telemetry again.",
    default_parameter=Parameter(negative=(), show_default=False),
)
judge.command("pilotage.cli.charting:chart", name="chart")

Settings = Annotated[
    Path | None,
    Parameter(
        name="--settings",
        help="A file with the keys of a manifest's judge, as YAML or JSON; the defaults if not named.",
    ),
]


@judge.command
def replay(
    recording: Annotated[str, Parameter(name="FILE", allow_leading_hyphen=True)],
    /,
    *,
    settings: Settings = None,
    whole: Annotated[
        bool, Parameter(name="--all", help="To the end of the recording, not only to the first decision.")
    ] = False,
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Feed a recording to the judge, and show its verdicts.

    With --json one line a snapshot. The exit code is 0 when the new version would be promoted, 6 when it
    would be taken back, 10 when the recording ends before either.

    Parameters
    ----------
    recording
        JSON Lines, one snapshot a line, perhaps compressed with gzip; - is standard input.
    """
    from pilotage.usecases.recordings import read_recording
    from pilotage.usecases.replaying import replay as replayed

    looks = replayed(read_recording(recording), settings_of(settings), whole=whole)
    terminal = Terminal(plain=common.no_color)
    return _shown_as_json(looks, terminal) if json else _shown(looks, terminal)


def _shown_as_json(looks: Iterable[Look], terminal: Terminal) -> ExitCode:
    from pilotage.views.replay import as_data

    code = ExitCode.UNDECIDED
    for look in looks:
        terminal.json_line(as_data(look.snapshot, look.verdict))
        code = _first_of(code, look)
    return code


def _shown(looks: Iterable[Look], terminal: Terminal) -> ExitCode:
    from pilotage.views.replay import Replay

    code, told = ExitCode.UNDECIDED, Replay(terminal.width)
    for look in looks:
        if rows := told.heard(look.snapshot, look.verdict):
            terminal.show(rows)
        code = _first_of(code, look)
    terminal.show(told.ended())
    return code


def _first_of(code: ExitCode, look: Look) -> ExitCode:
    """The first decision is the end of the command, whatever a later look says (--all)."""
    if code is not ExitCode.UNDECIDED or not look.decided:
        return code
    return ExitCode.ROLLED_BACK if look.verdict.verdict == "rollback" else ExitCode.DONE


def settings_of(path: Path | None) -> JudgeSettings:
    from pilotage.core.judging import JudgeSettings
    from pilotage.manifest.judge_file import load_judge

    return JudgeSettings() if path is None else load_judge(path)
