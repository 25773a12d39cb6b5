"""What the supervisor knows, as it stands in status.json.

Part of the supervisor process: standard library only, and little of that.
"""

from __future__ import annotations

import contextlib
import os
import time

from pilotage.adapters.supervisor import files
from pilotage.adapters.supervisor.identity import Identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RAN_WELL = 60.0
"""Seconds of running after which the next crash counts as the first."""


class Record:
    """Read at the start (a predecessor may have died), saved at every change."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._me = Identity.of(os.getpid())
        self._saved: dict[str, Any] = {}
        before = files.read(directory, files.STATUS) or {}
        self.state: str = before.get("state", "starting")
        self._since: float = before.get("since", time.time())
        self._detail: str = before.get("detail", "")
        self.child = _identity(before.get("child"))
        self._started_at: float | None = before.get("started_at")
        self._started_monotonic: float = before.get("started_monotonic", 0.0)
        self._restarts: int = before.get("restarts", 0)
        self._streak: int = before.get("streak", 0)
        self.last_exit: str | None = before.get("last_exit")
        self.runs: str = before.get("runs", "")
        """The fingerprint of the spec of the last child."""
        self._starts_again = bool(before.get("starts_again"))
        if self.state == "stopped":
            self.anew(self.runs)
            self.enter("starting", "")

    @property
    def changed(self) -> bool:
        return self._saved != self._value()

    def enter(self, state: str, detail: str) -> None:
        if state != self.state:
            self.state, self._since = state, time.time()
        self._detail = detail

    def anew(self, runs: str) -> None:
        """Another command, or one that was stopped on purpose: it starts without a past."""
        self.runs, self._restarts, self._streak, self.last_exit = runs, 0, 0, None
        self._starts_again = False

    def started(self, identity: Identity) -> None:
        """OSError when that cannot be stored: then the child must not begin."""
        self.child = identity
        self._started_at, self._started_monotonic = time.time(), time.monotonic()
        if self._starts_again:
            self._restarts += 1
        self.enter("starting", "")
        self._store()

    def crashed(self, how: str, now: float, first: float, most: float) -> float:
        """Seconds to wait before the next start."""
        if now - self._started_monotonic >= _RAN_WELL and self.child is not None:
            self._streak = 0
        delay = min(first * 2.0 ** min(self._streak, 30), most)
        self._streak += 1
        self._starts_again = True
        self.last_exit = how
        self.enter("crashed", f"{how}; restarting after {delay:g} s")
        return float(delay)

    def gone(self) -> None:
        """Nothing of the child lives any more."""
        self.child = None

    def forget(self) -> None:
        """The child did not come to life."""
        self.child = None
        self._started_monotonic = time.monotonic()

    def save(self) -> None:
        """If the disk lets us: a full one does, a read-only one leaves readers with a heartbeat that ages."""
        with contextlib.suppress(OSError):
            self._store()

    def _store(self) -> None:
        value = self._value()
        files.write_status(self._directory, {**value, "supervisor": _pair(self._me), "beat": time.monotonic()})
        self._saved = value

    def _value(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "since": self._since,
            "detail": self._detail,
            "child": _pair(self.child),
            "started_at": self._started_at,
            "started_monotonic": self._started_monotonic,
            "restarts": self._restarts,
            "streak": self._streak,
            "starts_again": self._starts_again,
            "last_exit": self.last_exit,
            "runs": self.runs,
        }


def _pair(identity: Identity | None) -> list[int | str] | None:
    return [identity.pid, identity.start] if identity else None


def _identity(pair: list[Any] | None) -> Identity | None:
    return Identity(int(pair[0]), str(pair[1])) if pair else None
