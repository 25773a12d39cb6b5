"""A parallel run: read its reconciliation report, and sign it off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pilotage.cli.options import EVERY, Common, Environment, Json, Reason, Rollout
from pilotage.cli.session import opened
from pilotage.cli.steer import steer
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode, PilotageError, Problem

if TYPE_CHECKING:
    from pilotage.core.state import State
    from pilotage.views.reconciliation import ReportView
    from pilotage.wiring import App

_LEAST_DIGITS = 8


async def report(
    rollout: Rollout = None,
    /,
    *,
    to: Environment = None,
    html: Annotated[
        Path | None, Parameter(help="Write it there as a page of its own, and nothing to the terminal.")
    ] = None,
    json: Json = False,
    common: Common = EVERY,
) -> None:
    """Show the reconciliation report of a parallel run.

    What was compared, what differs and where, what is noise; the recorded one, or how it stands now.
    """
    from pilotage.usecases.recordings import keep_text
    from pilotage.views import reconciliation as view

    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        shown = await _report(app, await app.find(rollout, to))
    if json:
        terminal.json(shown)
    elif html is not None:
        keep_text(view.page(shown), html)
        terminal.note(f"{html}: {shown.digest}")
    else:
        terminal.show(view.draw(shown, terminal.width))


async def sign_off(
    rollout: str,
    digest: Annotated[str, Parameter(help="Of the report that you have read; eight digits are enough.")],
    /,
    *,
    reason: Reason = "",
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Sign off the reconciliation report of a parallel run.

    The cut-over follows. Who signed exactly which report is kept in the record.
    """
    from pilotage.core.events import Order

    async with opened(common) as app:
        state = await app.find(rollout, None)
        meant = _whole(digest, await _report(app, state))
    return await steer(Order.SIGN_OFF, state.id, None, f"{meant} {reason}".strip(), common, as_json=json)


async def _report(app: App, state: State) -> ReportView:
    from pilotage.views import reconciliation as view

    glance = await app.store.glance(state.id)
    now = glance.router.mirrored if glance is not None and glance.router is not None else None
    shown = view.view_of(state, await app.store.events(state.id), now)
    if shown is None:
        raise PilotageError(_nothing(state), exit_code=ExitCode.USAGE)
    return shown


def _whole(digest: str, shown: ReportView) -> str:
    """The digest that is meant by its beginning; something else is sent as it is, and refused."""
    digits = digest.removeprefix("sha256:").lower()
    known = shown.digest.removeprefix("sha256:")
    return shown.digest if len(digits) >= _LEAST_DIGITS and known.startswith(digits) else digest


def _nothing(state: State) -> Problem:
    return Problem(
        code="report.none",
        what=f"{state.id} has no reconciliation report",
        why=f"its method is {state.plan.method}, or nothing has been compared yet",
        mend="a rollout with `method: parallel-run` makes one",
    )
