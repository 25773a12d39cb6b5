"""Look: at an environment, at a rollout's reasons, at the past, at logs, at this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pilotage.cli import faults
from pilotage.cli.options import EVERY, Common, Environment, Json, Rollout, Where
from pilotage.cli.session import opened
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode
from pilotage.views.ink import EMPTY, Tone, line, span

if TYPE_CHECKING:
    from pilotage.core.state import State
    from pilotage.views.chart import Chart
    from pilotage.views.why import WhyView
    from pilotage.wiring import App


async def status(
    environment: Where = None,
    /,
    *,
    to: Environment = None,
    json: Json = False,
    common: Common = EVERY,
) -> None:
    """Show what is live, under way and kept warm.

    And where a rollback would go; of every environment if none is named.
    """
    from pilotage.views import status as view

    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        wanted = faults.one_of(environment, to)
        names = [wanted] if wanted else await _environments(app)
        views = []
        for name in names:
            known = await app.known(name)
            unfinished = await app.store.rollouts(known.service, known.name, unfinished=True)
            views.append(view.view_of(known, unfinished, app.clock.now()))
    if json:
        terminal.json({"environments": [one.model_dump(mode="json") for one in views]})
        return
    for place, one in enumerate(views):
        terminal.show([EMPTY] * bool(place) + view.draw(one, terminal.width, zone=terminal.zone))


async def _environments(app: App) -> list[str | None]:
    """All of this service, those of the manifest first; at least the one that must be asked for."""
    named = list(app.manifest.environments) if app.manifest else []
    kept = [one.name for one in await app.store.environments() if app.service in (None, one.service)]
    return [*named, *(name for name in kept if name not in named)] or [None]


async def why(
    rollout: Rollout = None, /, *, to: Environment = None, json: Json = False, common: Common = EVERY
) -> None:
    """Tell why a rollout is where it is.

    What decided, on what evidence, and what would change it.
    """
    from pilotage.views import why as view

    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        state = await app.find(rollout, to)
        glance = await app.store.glance(state.id)
        shown = view.view_of(state, await app.store.events(state.id), glance, app.clock.now())
        drawn = None if json or terminal.width < view.CHART_FROM else await _telling_chart(app, shown, state)
    if json:
        terminal.json(shown)
    else:
        terminal.show(view.draw(shown, terminal.width, zone=terminal.zone, chart=drawn))


async def _telling_chart(app: App, shown: WhyView, state: State) -> Chart | None:
    """Of the measure that decided, where the judge has spoken and its telemetry is still there."""
    from pilotage.usecases import charting

    if shown.verdict is None:
        return None
    found = await charting.charts(app.store, state, most=charting.QUICK)
    return found[0] if found else None


async def history(
    *,
    to: Environment = None,
    limit: Annotated[int, Parameter(name=["--limit", "-n"], help="So many at most.", show_default=True)] = 20,
    json: Json = False,
    common: Common = EVERY,
) -> None:
    """List the rollouts, the newest first."""
    from pilotage.views import history as view

    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        states = await app.store.rollouts(app.service, to, limit=max(limit, 1))
        shown = view.view_of(states, app.clock.now())
    if json:
        terminal.json(shown)
    else:
        terminal.show(view.draw(shown, terminal.width, zone=terminal.zone))


async def logs(
    of: str | None = None,
    /,
    *,
    to: Environment = None,
    lines: Annotated[
        int, Parameter(name=["--lines", "-n"], help="So many of the last, of each instance.", show_default=True)
    ] = 50,
    json: Json = False,
    common: Common = EVERY,
) -> None:
    """Show what instances wrote, also those that have ended.

    Parameters
    ----------
    of
        A rollout or an instance; all that run if not named.
    """
    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        found = await app.logs(of, to, max(lines, 1))
    if json:
        terminal.json({"instances": [{"instance": name, "log": text} for name, text in found]})
        return
    if not found:
        terminal.note("Nothing runs, and nothing is kept.")
    for place, (name, text) in enumerate(found):
        rows = [line(row) for row in text.splitlines()] or [line(span("(nothing)", Tone.DIM))]
        terminal.show([*([EMPTY] * bool(place)), line(span(f"── {name}", Tone.STRONG)), *rows])


async def doctor(*, json: Json = False, common: Common = EVERY) -> int:
    """Look over this machine, this folder and what runs.

    Says how to mend what is wrong; the exit code is 1 when something is.
    """
    from pilotage.views import findings as view

    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        shown = view.view_of(await app.diagnose())
    if json:
        terminal.json(shown)
    else:
        terminal.show(view.draw(shown, terminal.width))
    return ExitCode.DONE if shown.well else ExitCode.FAILED
