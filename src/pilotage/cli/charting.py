"""``judge chart``: each measure over time, on the terminal or as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pilotage.cli.options import EVERY, Common, Environment, Json, Rollout
from pilotage.cli.session import opened
from pilotage.cli.terminal import Terminal
from pilotage.errors import PilotageError, Place, Problem
from pilotage.views.ink import EMPTY

if TYPE_CHECKING:
    from pilotage.views.chart import Chart

STANDARD_OUTPUT = Path("-")


async def chart(
    rollout: Rollout = None,
    /,
    *,
    measure: Annotated[
        str | None, Parameter(metavar="NAME", help="Only this one: errors, latency p95, …; all if not named.")
    ] = None,
    svg: Annotated[
        Path | None,
        Parameter(
            metavar="FILE",
            allow_leading_hyphen=True,
            help="Write a picture of one measure, the one that decided if none is named; - is standard output.",
        ),
    ] = None,
    to: Environment = None,
    json: Json = False,
    common: Common = EVERY,
) -> None:
    """Draw each measure over time against its limit.

    The rollout's telemetry is judged again: new over old with its 95 % interval, the limit, the shares of
    traffic, and when it was let go on or judged worse.
    """
    from pilotage.usecases import charting

    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        state = await app.find(rollout, to)
        found = await charting.charts(app.store, state)
    charting.needed(found, state.id)
    chosen = found if measure is None else (charting.one_of(found, measure, state.id),)
    if svg is not None:
        _picture(chosen[0], svg, terminal)
    elif json:
        terminal.json({"rollout": state.id, "charts": [one.model_dump(mode="json") for one in chosen]})
    else:
        _show(chosen, terminal)


def _show(charts: tuple[Chart, ...], terminal: Terminal) -> None:
    from pilotage.views.chart import draw

    for place, one in enumerate(charts):
        terminal.show([EMPTY] * bool(place) + draw(one, terminal.width))


def _picture(chart: Chart, path: Path, terminal: Terminal) -> None:
    from pilotage.views.chart import svg

    text = svg(chart)
    if path == STANDARD_OUTPUT:
        terminal.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        where = Place(file=str(path))
        problem = Problem(
            code="chart.unwritable", what=f"{path} can not be written", why=error.strerror, where=where
        )
        raise PilotageError(problem) from None
    terminal.say(f"Wrote {path}: {chart.measure}.")
