"""Judge: the judge by itself, on recorded telemetry."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from pilotage.cli.options import EVERY, Common, Environment, Json, Rollout
from pilotage.cli.session import opened
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
judge.command("pilotage.cli.backtest:backtest", name="backtest")

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


@judge.command
async def export(
    rollout: Rollout = None,
    /,
    *,
    to: Environment = None,
    out: Annotated[
        Path | None,
        Parameter(help="Where to; standard output if not named. A name that ends in .gz is compressed."),
    ] = None,
    settings_out: Annotated[
        Path | None,
        Parameter(help="Where the settings go; with --out beside it, as NAME.judge.yaml, if not named."),
    ] = None,
    common: Common = EVERY,
) -> None:
    """Write what the judge heard in a rollout, as a recording.

    With its settings, `judge replay` gives the verdicts that were given, bit for bit.
    """
    from pilotage.manifest.judge_text import judge_text
    from pilotage.usecases.proving import recorded
    from pilotage.usecases.recordings import keep_recording, keep_text, written

    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        heard = await recorded(app.store, await app.find(rollout, to))
    beside = settings_out or (out and out.with_name(f"{out.name.split('.')[0]}.judge.yaml"))
    if beside is not None:
        keep_text(judge_text(heard.settings), beside)
    if out is None:
        for snapshot in heard.snapshots:
            terminal.write(written(snapshot) + "\n")
    else:
        keep_recording(heard.snapshots, out)
        terminal.note(f"{len(heard.snapshots)} snapshots: pilotage judge replay {out} --settings {beside}")


@judge.command
async def verify(
    rollout: Rollout = None, /, *, to: Environment = None, json: Json = False, common: Common = EVERY
) -> int:
    """Make the verdicts of a rollout again, and compare.

    Every verdict was kept with a digest of the settings and of all telemetry up to it. The exit code is 1
    when a recording is not what a verdict was made of, or the judge says something else of it now.
    """
    from pilotage.usecases.proving import verify as proven
    from pilotage.views import proof as view

    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        state = await app.find(rollout, to)
        shown = view.view_of(state, await proven(app.store, state))
    if json:
        terminal.json(shown)
    else:
        terminal.show(view.draw(shown, terminal.width, zone=terminal.zone))
    return ExitCode.DONE if shown.proven else ExitCode.FAILED


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
