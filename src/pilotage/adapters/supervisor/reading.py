"""From the files of a supervised directory and the living processes to a Status."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from pilotage.adapters.supervisor import files
from pilotage.adapters.supervisor.identity import Identity
from pilotage.adapters.supervisor.spec import State, Status

_SILENT = 30.0
"""Seconds without a heartbeat after which the last word of a supervisor is not believed any more."""


def read_status(directory: str) -> Status:
    """What is known now. A directory where nothing was ever ensured is stopped."""
    wanted = bool((files.read(directory, files.WANTED) or {}).get("running"))
    record = files.read(directory, files.STATUS) or {}
    child, supervisor = _living(record.get("child")), _living(record.get("supervisor"))
    state, detail = _verdict(record, wanted=wanted, child=child, supervisor=supervisor)
    return Status(
        state=state,
        pid=child,
        started_at=_instant(record.get("started_at")),
        restarts=record.get("restarts", 0),
        last_exit=record.get("last_exit"),
        detail=detail,
        since=_instant(record.get("since")) if state == record.get("state") else None,
        supervisor=supervisor,
    )


def _verdict(
    record: dict[str, Any], *, wanted: bool, child: int | None, supervisor: int | None
) -> tuple[State, str]:
    said = State(record.get("state", State.STOPPED))
    detail = str(record.get("detail", ""))
    if not wanted:
        ending = child is not None or (supervisor is not None and said is not State.STOPPED)
        return (State.STOPPING, "") if ending else (State.STOPPED, detail)
    if said is State.STOPPED:
        return State.STARTING, "its supervisor is starting"
    if said in (State.CRASHED, State.STOPPING):
        return said, detail
    if child is None:
        return (State.CRASHED, "it has just ended") if record.get("child") else (State.STARTING, detail)
    silent = time.monotonic() - record.get("beat", 0.0)
    if said is State.HEALTHY and silent > _SILENT:
        return State.UNHEALTHY, f"its supervisor has said nothing for {silent:.0f} s"
    return said, detail


def _living(pair: list[Any] | None) -> int | None:
    return pair[0] if pair and Identity(pair[0], pair[1]).alive else None


def _instant(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None
