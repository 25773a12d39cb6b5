"""Rehearse --really: a rollback, done in a real environment; and what was shown so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from pilotage.cli import faults
from pilotage.cli.options import EVERY, Common, Json, Yes
from pilotage.cli.session import opened, who
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode

if TYPE_CHECKING:
    from pilotage.core.plan import Plan
    from pilotage.usecases.practising import Ground, Terms
    from pilotage.wiring import App


@Parameter(name="*")
@dataclass(frozen=True)
class Real:
    """With --really."""

    really: Annotated[
        bool,
        Parameter(help="Release it in a real environment, take it back, and keep whether all was as before."),
    ] = False
    until: Annotated[
        Literal["promoted", "exposed"],
        Parameter(help="With --really: take it back when promoted, or as soon as users could see it."),
    ] = "promoted"
    valid: Annotated[str, Parameter(metavar="TIME", help="With --really: how long it is believed (14d).")] = (
        "30d"
    )
    out_within: Annotated[
        str,
        Parameter(metavar="TIME", help="With --really: take it back after so long, and it has failed."),
    ] = "30m"
    in_production: Annotated[bool, Parameter(help="With --really: also where real users may be.")] = False
    yes: Yes = False


PLAYED = Real()


async def practise(version: str, to: str | None, real: Real, *, json: bool, common: Common) -> int:
    """Releases, takes back, looks, keeps the statement. 0: it has passed; 1: it has failed."""
    from pilotage.usecases.practising import check_plan, practised
    from pilotage.views.evidence import draw_one, view_of
    from pilotage.views.plan import draw
    from pilotage.views.plan import view_of as planned

    terminal, terms = Terminal(plain=common.no_color), _terms(real)
    async with opened(common, need_manifest=True) as app:
        assert app.manifest is not None
        plan = await app.plan(to, version)
        known = await app.known(plan.environment)
        others = [name for name in app.manifest.environments if name != plan.environment]
        check_plan(plan, known, others, in_production=real.in_production)
        if not json:
            terminal.show(draw(planned(plan), terminal.width))
            terminal.say()
        question = f"Really release it in {plan.environment}, and take it back?"
        if not real.yes and not json and terminal.interactive and not terminal.ask(question):
            terminal.say("Nothing was started.")
            return ExitCode.DONE
        statement = await practised(_ground(app, plan), plan, terms, terminal.note)
        view = view_of(statement, app.clock.now())
    if json:
        terminal.json(view)
    else:
        terminal.show(draw_one(view, terminal.width))
    return ExitCode.DONE if statement.passed else ExitCode.FAILED


async def evidence(*, json: Json = False, common: Common = EVERY) -> None:
    """List what was rehearsed for real, and whether it still holds.

    `pilotage rehearse VERSION --really` makes it; a big-bang is refused without.
    """
    from pilotage.views.evidence import draw, view_of

    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        services = {app.service} if app.service else {one.service for one in await app.store.environments()}
        kept = [one for service in sorted(services) for one in await app.store.statements(service)]
        views = [view_of(one, app.clock.now()) for one in sorted(kept, key=lambda one: one.at, reverse=True)]
    if json:
        terminal.json([view.model_dump(mode="json") for view in views])
    elif views:
        terminal.show(draw(views, terminal.width))
    else:
        terminal.say("Nothing was rehearsed for real: `pilotage rehearse VERSION --really --in staging`.")


def _terms(real: Real) -> Terms:
    from pilotage.cli.watching import duration
    from pilotage.core.evidence import Reach
    from pilotage.usecases.practising import Terms

    valid, out = duration(real.valid), duration(real.out_within)
    assert valid is not None
    assert out is not None
    until = Reach.WHOLE if real.until == "promoted" else Reach.EXPOSED
    return Terms(by=who(), until=until, valid=valid, out_within=out)


def _ground(app: App, plan: Plan) -> Ground:
    from pilotage.usecases.practising import Ground

    reason = f"rehearsal of the way back from {plan.new.version}"
    return Ground(
        store=app.store,
        clock=app.clock,
        reach=app.reach_of(plan),
        start=lambda: app.release(plan, by=who(), reason=reason, rehearses=True),
        back=lambda: app.rollback(plan.environment, by=who(), reason=reason),
        call_worker=app.ensure_worker,
    )


def check_alone(real: Real) -> None:
    """Its options mean nothing to a rehearsal that only plays."""
    if not real.really and real != PLAYED:
        raise faults.usage("--until, --valid, --out-within, --in-production and --yes need --really")
