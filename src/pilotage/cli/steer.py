"""Steer: what a person may ask of a rollout under way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from pilotage.cli.options import EVERY, Common, Environment, Json, Reason, Rollout, Timeout
from pilotage.cli.session import opened, who
from pilotage.cli.terminal import Terminal
from pilotage.errors import ExitCode, PilotageError, Problem

if TYPE_CHECKING:
    from pilotage.core.events import Message, Order
    from pilotage.core.state import State
    from pilotage.wiring import App

HEARD_WITHIN = 10.0
"""Seconds to wait for a worker to take an order in."""
LOOK = 0.1


async def promote(
    rollout: Rollout = None,
    /,
    *,
    full: bool = False,
    to: Environment = None,
    reason: Reason = "",
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Let the current wait go on.

    A judge that does not know, a pause, an old version kept warm: whatever it waits for now.

    Parameters
    ----------
    full
        And all later waits too.
    """
    from pilotage.core.events import Order

    order = Order.PROMOTE_FULL if full else Order.PROMOTE
    return await steer(order, rollout, to, reason, common, as_json=json)


async def pause(
    rollout: Rollout = None,
    /,
    *,
    to: Environment = None,
    reason: Reason = "",
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Hold a rollout where it is.

    The judge goes on watching, and may still take it back.
    """
    from pilotage.core.events import Order

    return await steer(Order.PAUSE, rollout, to, reason, common, as_json=json)


async def resume(
    rollout: Rollout = None, /, *, to: Environment = None, json: Json = False, common: Common = EVERY
) -> int:
    """Let a paused rollout go on."""
    from pilotage.core.events import Order

    return await steer(Order.RESUME, rollout, to, "", common, as_json=json)


async def abort(
    rollout: Rollout = None,
    /,
    *,
    to: Environment = None,
    detach: Annotated[bool, Parameter(help="Do not watch the way back.")] = False,
    reason: Reason = "",
    give_up: Timeout = None,
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """End a rollout: everybody goes back to the old version.

    Only before it is promoted; `pilotage rollback` works at any time. Watches to the end.
    """
    from pilotage.cli import outcome
    from pilotage.cli.watching import duration, follow
    from pilotage.core.events import Order

    patience = duration(give_up)
    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        state = await app.find(rollout, to)
        await _heard(app, state, await app.order(state, Order.ABORT, by=who(), reason=reason))
        if detach:
            return await _told(app, state, Order.ABORT, terminal, as_json=json)
        ended = await follow(app, state.id, terminal, as_json=json, patience=patience)
    return outcome.exit_code_of_return(ended, restoring=False)


async def steer(
    order: Order, rollout: str | None, to: str | None, reason: str, common: Common, *, as_json: bool
) -> int:
    """Gives the order, waits until it is heard, and tells how it stands then."""
    terminal = Terminal(plain=common.no_color)
    async with opened(common) as app:
        state = await app.find(rollout, to)
        await _heard(app, state, await app.order(state, order, by=who(), reason=reason))
        return await _told(app, state, order, terminal, as_json=as_json)


async def _heard(app: App, state: State, message: Message) -> None:
    """Waits until a worker has taken the order in; PilotageError when it was refused, or nobody heard."""
    from pilotage.core.events import Heard, Refused

    time = asyncio.get_running_loop().time
    deadline = time() + HEARD_WITHIN
    while time() < deadline:
        events = await app.store.events(state.id, after=state.events)
        if any(isinstance(event, Heard) and event.upto >= message.number for event in events):
            for event in events:
                if isinstance(event, Refused) and event.message == message.order.value:
                    raise PilotageError(event.problem, exit_code=ExitCode.BLOCKED)
            return
        await asyncio.sleep(LOOK)
    raise PilotageError(_nobody(message), exit_code=ExitCode.TIMED_OUT)


def _nobody(message: Message) -> Problem:
    return Problem(
        code="order.not-heard",
        what=f"no worker has taken in the order to {message.order.value} within {HEARD_WITHIN:g} s",
        why="it is kept, and followed as soon as a worker works",
        mend="`pilotage doctor` says what is wrong with the worker; `pilotage worker` runs one here",
    )


async def _told(app: App, state: State, order: Order, terminal: Terminal, *, as_json: bool) -> int:
    from pilotage.views.rollout.making import headline

    after = await app.store.rollout(state.id)
    if as_json:
        terminal.json({"rollout": after.id, "order": order.value, "status": after.status.value})
    else:
        terminal.say(headline(after) + ".")
    return ExitCode.DONE
