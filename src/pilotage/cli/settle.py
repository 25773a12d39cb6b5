"""Settle: a person says what became of a hook of which nobody knows, or that has failed."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from pilotage.cli.options import EVERY, Common, Environment, Json, Reason, Rollout
from pilotage.cli.steer import steer
from pilotage.errors import ExitCode, PilotageError, Problem


async def settle(
    rollout: Rollout = None,
    /,
    *,
    done: Annotated[bool, Parameter(help="What it was to do is done: go on.")] = False,
    again: Annotated[bool, Parameter(help="It was not done: run it once more.")] = False,
    to: Environment = None,
    reason: Reason = "",
    json: Json = False,
    common: Common = EVERY,
) -> int:
    """Say what became of a hook.

    When nobody saw how it ended, or it has failed: nothing that must not be done twice is done twice by itself.
    """
    from pilotage.core.events import Order

    if done == again:
        raise PilotageError(_which(), exit_code=ExitCode.USAGE)
    order = Order.HOOK_DONE if done else Order.HOOK_AGAIN
    return await steer(order, rollout, to, reason, common, as_json=json)


def _which() -> Problem:
    return Problem(
        code="settle.which",
        what="say either --done or --again",
        mend="`pilotage why` shows what it wrote; look whether it was done",
    )
