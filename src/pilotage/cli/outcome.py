"""From the state of a rollout to the end of a command."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from pilotage.core.state import State, Status
from pilotage.core.steps import Retire
from pilotage.errors import ExitCode


def settled(state: State, *, until_retired: bool) -> bool:
    """Nothing more will be decided: it has ended, or is promoted and only keeps the old version warm."""
    if state.status.final:
        return True
    step = state.step
    return state.warm and not until_retired and isinstance(step, Retire) and bool(step.keep_warm)


def exit_code(state: State) -> ExitCode:
    """Of a command that wanted the new version out."""
    match state.status:
        case Status.SUCCEEDED:
            return ExitCode.DONE
        case Status.RUNNING:
            return ExitCode.DONE if state.warm else ExitCode.TIMED_OUT
        case Status.ROLLED_BACK:
            return ExitCode.ROLLED_BACK
        case Status.VOID:
            return ExitCode.BLOCKED
        case Status.ROLLING_BACK:
            return ExitCode.COULD_NOT_ROLL_BACK
        case Status.QUEUED:
            return ExitCode.TIMED_OUT
        case _:
            assert_never(state.status)


def exit_code_of_return(state: State, *, restoring: bool) -> ExitCode:
    """Of a command that wanted the old version back. ``restoring``: by a rollout of its own."""
    if not state.status.final and not state.warm:
        return ExitCode.COULD_NOT_ROLL_BACK
    if restoring:
        return (
            ExitCode.DONE
            if state.status in (Status.SUCCEEDED, Status.RUNNING)
            else ExitCode.COULD_NOT_ROLL_BACK
        )
    return ExitCode.DONE if state.status in (Status.ROLLED_BACK, Status.VOID) else ExitCode.BLOCKED


def late(now: datetime, deadline: datetime | None) -> bool:
    return deadline is not None and now >= deadline
