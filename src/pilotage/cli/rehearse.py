"""Rehearse: what would happen to whom, in simulated time, before anything is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pilotage.cli import faults as telling
from pilotage.cli.options import EVERY, Common, Environment, Json
from pilotage.cli.practise import PLAYED, Real, check_alone, practise
from pilotage.cli.session import opened
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode

if TYPE_CHECKING:
    from pilotage.rehearsal.fault import Fault
    from pilotage.rehearsal.model import ServiceModel
    from pilotage.usecases.rehearsing import Script
    from pilotage.views.rehearsal import RehearsalView


@Parameter(name="*")
@dataclass(frozen=True)
class Service:
    """What the service is like; what is not said is taken from the manifest, or from recorded telemetry."""

    model: Annotated[
        Path | None, Parameter(metavar="FILE", help="What the service is like, as YAML (docs/rehearsal.md).")
    ] = None
    requests: Annotated[
        str | None, Parameter(metavar="RATE", help="Requests of all users at all hours: 100/s, 30/min.")
    ] = None
    errors: Annotated[
        str | None, Parameter(metavar="SHARE", help="The share of requests that fails now: 0.2%.")
    ] = None
    users: Annotated[int | None, Parameter(metavar="NUMBER", help="Different people who use it.")] = None
    from_: Annotated[
        str | None,
        Parameter(
            name="--from", metavar="VERSION", help="As if this version ran there now, with nothing else."
        ),
    ] = None


@Parameter(name="*")
@dataclass(frozen=True)
class Playing:
    """What goes wrong, and how often it is tried."""

    fault: Annotated[
        list[str] | None,
        Parameter(
            metavar="WORDS", negative=(), help="What goes wrong in every run: 'errors x5 after 2h'; repeatable."
        ),
    ] = None
    random: Annotated[bool, Parameter(help="Some more things go wrong, drawn by the seed.")] = False
    worse: Annotated[
        list[str] | None,
        Parameter(
            metavar="WORDS",
            negative=(),
            help="A way to be worse, tried in runs of its own; repeatable. If none is named: errors x2, "
            "errors x5, outage.",
        ),
    ] = None
    runs: Annotated[int, Parameter(metavar="NUMBER", help="Of each way to be worse; 0: none.")] = 10
    seed: Annotated[int, Parameter(metavar="NUMBER", help="The same seed is the same rehearsal.")] = 0
    begin: Annotated[
        str | None,
        Parameter(metavar="TIME", help="As if begun then (2026-03-02T09:00); the coming Monday at 9:00 UTC."),
    ] = None


@Parameter(name="*")
@dataclass(frozen=True)
class Pictures:
    """Where it is written, beside the terminal."""

    html: Annotated[Path | None, Parameter(metavar="FILE", help="Write a page with its picture.")] = None
    svg: Annotated[Path | None, Parameter(metavar="FILE", help="Write the picture alone.")] = None


UNSAID, AS_USUAL, NOWHERE = Service(), Playing(), Pictures()


async def rehearse(
    version: str,
    /,
    *,
    to: Environment = None,
    service: Service = UNSAID,
    playing: Playing = AS_USUAL,
    pictures: Pictures = NOWHERE,
    real: Real = PLAYED,
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Play a release in simulated time, or really take it back.

    The plan runs through the real engine and judge against a model of the service: who would see the new
    version when, what a worse one would do until it is taken back, what it takes if all is well. Seconds for
    weeks. The exit code is 5 when, with nothing going wrong, the plan does not come to its end.

    With --really it is released in the environment (--in staging) and taken back by the ordinary way; whether
    everything is as it was before, and in how many seconds, is kept as evidence (`pilotage evidence`).

    Parameters
    ----------
    version
        What would be released.
    """
    from pilotage.rehearsal.outcome import Ending
    from pilotage.usecases.expecting import expected
    from pilotage.usecases.rehearsing import rehearsed
    from pilotage.views import foresight
    from pilotage.views.rehearsal import view_of

    check_alone(real)
    if real.really:
        return await practise(version, to, real, json=json, common=common)
    terminal = Terminal(plain=common.no_color)
    said = _model(service)
    async with opened(common, need_manifest=True) as app:
        assert app.manifest is not None
        plan = await app.plan_as_if(to, version, service.from_)
        manifest = app.manifest.environment(plan.environment).expected()
        model = await expected(app.store, plan, said, manifest)
        script = _script(playing, model.faults, app.clock.now())
        found = await rehearsed(plan, model, script)
    sees = foresight.view_of(*found.foreseen) if found.foreseen else None
    view = view_of(found.rehearsal, plan, sees)
    _show(view, pictures, terminal, as_json=json)
    stuck = not script.faults and view.ending is not Ending.SUCCEEDED
    return ExitCode.BLOCKED if stuck else ExitCode.DONE


def _model(service: Service) -> ServiceModel:
    """What the file says, and over it what the options say."""
    from pilotage.core.notation import parse_fraction, parse_rate
    from pilotage.manifest.rehearsal_file import load_model
    from pilotage.rehearsal.model import ServiceModel

    found = ServiceModel() if service.model is None else load_model(service.model)
    changes: dict[str, object] = {}
    try:
        if service.requests is not None:
            changes |= {"requests": parse_rate(service.requests), "by_hour": ()}
        if service.errors is not None:
            changes["errors"] = parse_fraction(service.errors)
    except ValueError as error:
        raise telling.usage(str(error)) from None
    if service.users is not None:
        changes["users"] = service.users
    return found.model_copy(update=changes) if changes else found


def _script(playing: Playing, modelled: tuple[Fault, ...], now: datetime) -> Script:
    from pilotage.usecases.rehearsing import WORSE, Script, coming_monday, drawn

    faults = (*modelled, *map(_fault, playing.fault or ()))
    if playing.random:
        faults = (*faults, *drawn(playing.seed))
    if playing.runs < 0:
        raise telling.usage(f"{playing.runs} runs can not be played", "--runs 0 plays the plan once")
    named = tuple(_fault(one) for one in playing.worse) if playing.worse else WORSE
    return Script(
        faults=faults,
        worse=tuple((one,) for one in named) if playing.runs else (),
        seed=playing.seed,
        runs=playing.runs,
        begin=coming_monday(now) if playing.begin is None else _time(playing.begin),
    )


def _fault(words: str) -> Fault:
    from pilotage.rehearsal.fault import FORMS, parse_fault

    try:
        found: Fault = parse_fault(words)
    except ValueError as error:
        raise telling.usage(str(error).split(": write")[0], f"write {FORMS}") from None
    return found


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise telling.usage(f"{text} is no time", "write it like 2026-03-02T09:00") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _show(view: RehearsalView, pictures: Pictures, terminal: Terminal, *, as_json: bool) -> None:
    from pilotage.usecases.recordings import keep_text
    from pilotage.views.rehearsal import draw, page, svg

    if pictures.html is not None:
        keep_text(page(view), pictures.html)
    if pictures.svg is not None:
        keep_text(svg(view), pictures.svg)
    if as_json:
        terminal.json(view)
        return
    terminal.show(draw(view, terminal.width))
    for path in (pictures.html, pictures.svg):
        if path is not None:
            terminal.note(f"Wrote {path}.")
