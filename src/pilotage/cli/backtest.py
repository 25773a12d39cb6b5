"""``judge backtest``: a setting of the judge tried on the past."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pilotage.cli import faults
from pilotage.cli.options import EVERY, Common, Environment, Json
from pilotage.cli.session import opened
from pilotage.cli.terminal import Terminal

if TYPE_CHECKING:
    from pilotage.core.judging import JudgeSettings
    from pilotage.judge.pretend import Ramp
    from pilotage.usecases.backtesting import Progress, Source
    from pilotage.wiring import App


@Parameter(name="*")
@dataclass(frozen=True)
class Pretend:
    """How releases are pretended."""

    length: Annotated[str, Parameter(metavar="TIME", help="Of a pretend release.", show_default=True)] = "30m"
    shares: Annotated[
        str, Parameter(metavar="SHARES", help="Its steps, each for as long.", show_default=True)
    ] = "5%,25%,50%"
    most: Annotated[int, Parameter(help="Pretend releases of a kind at most.", show_default=True)] = 40
    seed: Annotated[int, Parameter(help="The same seed gives the same figures.", show_default=True)] = 1


AS_USUAL = Pretend()


async def backtest(
    *of: Annotated[str, Parameter(name="RECORDING", help="Recordings, or rollouts by their id.")],
    to: Environment = None,
    since: Annotated[
        str | None,
        Parameter(metavar="TIME", help="Read so much of the live release's history from the environment (7d)."),
    ] = None,
    settings: Annotated[
        Path | None,
        Parameter(
            help="A file with the keys of a manifest's judge; the environment's, or the defaults, if not named."
        ),
    ] = None,
    pretend: Pretend = AS_USUAL,
    json: Json = False,
    common: Common = EVERY,
) -> None:
    """Try settings of the judge on the past, before they are trusted.

    Past releases are judged anew. The history of the old version is cut into pretend releases of a version
    with itself: how often would it be taken back although nothing is wrong; how soon would it be let go on;
    and, with trouble put into copies, how often and how soon would that be found.

    Without a name: all rollouts that are kept.
    """
    from pilotage.cli.judge import settings_of
    from pilotage.usecases.backtesting import Trial
    from pilotage.usecases.backtesting import backtest as tried
    from pilotage.views import backtest as view

    terminal = Terminal(plain=common.no_color)
    ramp = _ramp(pretend)
    files = [one for one in of if _is_file(one)]
    if files and len(files) == len(of) and to is None and since is None:
        sources, chosen, instances = _read(files), settings_of(settings), None
    else:
        async with opened(common) as app:
            sources = await _sources(app, files, [one for one in of if one not in files], to, since)
            chosen, instances = _as_environment(app, settings, to)
    report = tried(sources, Trial(chosen, ramp, pretend.seed, pretend.most, instances), _progress())
    if json:
        terminal.json(view.as_data(report))
    else:
        terminal.show(view.draw(report, terminal.width))


def _ramp(pretend: Pretend) -> Ramp:
    from pilotage.cli.watching import duration
    from pilotage.core.notation import parse_share
    from pilotage.core.values import EVERYBODY
    from pilotage.judge.pretend import Ramp

    if pretend.most < 1:
        raise faults.usage("--most must be at least 1", "write --most 40")
    try:
        steps = tuple(parse_share(one) / EVERYBODY for one in pretend.shares.split(","))
    except ValueError as error:
        raise faults.usage(f"--shares: {error}", "write them like 5%,25%,50%") from None
    if not all(0.0 < one < 1.0 for one in steps):
        raise faults.usage("--shares are more than 0% and less than 100%", "write them like 5%,25%,50%")
    whole = duration(pretend.length)
    if not whole:
        raise faults.usage("--length must be more than nothing", "write it like 30m")
    seconds = whole.total_seconds()
    return Ramp(steps, seconds / len(steps))


def _is_file(name: str) -> bool:
    return Path(name).is_file()


def _read(files: Sequence[str]) -> list[Source]:
    from pilotage.usecases.backtesting import Source
    from pilotage.usecases.recordings import read_recording

    return [Source(one, list(read_recording(one))) for one in files]


async def _sources(
    app: App, files: Sequence[str], rollouts: Sequence[str], to: str | None, since: str | None
) -> list[Source]:
    """What was named; else the environment's history; else all rollouts that are kept."""
    from pilotage.usecases.backtesting import from_rollouts

    past = [] if since is None else await _history(app, to, since)
    states = [await app.store.rollout(one) for one in rollouts]
    if not files and not rollouts and since is None:
        states = await app.store.rollouts(app.service, to, limit=1000)
    return [*_read(files), *past, *await from_rollouts(app.store, states)]


async def _history(app: App, to: str | None, since: str) -> list[Source]:
    from pilotage.cli.watching import duration
    from pilotage.errors import ExitCode, PilotageError, Problem
    from pilotage.usecases.backtesting import from_environment

    known = await app.known(to)
    if known.live is None or known.last_plan is None:
        problem = Problem(code="telemetry.no-history", what=f"nothing is live in {known.name}")
        raise PilotageError(problem, exit_code=ExitCode.BLOCKED)
    plan, until = known.last_plan, app.clock.now()
    back = duration(since) or timedelta(0)
    return await from_environment(app.reach_of(plan), plan, known.live.release, until - back, until)


def _as_environment(app: App, settings: Path | None, to: str | None) -> tuple[JudgeSettings, int | None]:
    """The settings and the instances of the environment, as far as there is one."""
    from pilotage.cli.judge import settings_of

    if app.manifest is None or (to is None and len(app.manifest.environments) != 1):
        return settings_of(settings), None
    environment = app.manifest.environment(app.environment_name(to))
    chosen = environment.judge_settings() if settings is None else settings_of(settings)
    return chosen, environment.instances


def _progress() -> Progress:
    """On a terminal, on its last line; else nothing."""
    shown = sys.stderr.isatty()

    def told(done: int, of: int) -> None:
        if shown:
            end = "\r\x1b[K" if done == of else "\r"
            sys.stderr.write(f"\r{done} of {of} releases judged{end}")
            sys.stderr.flush()

    return told
