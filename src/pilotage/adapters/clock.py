"""A clock that does not jump: wall time when it was first asked, and from then on time as it passes.

Holds, time-outs and leases must not end because somebody set the machine's clock. The anchor (this boot's
identity, its uptime and the wall time then) is kept in the state folder, so that commands and workers agree
and a restarted worker goes on with the same time. A new boot takes a new anchor.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

AGREE = 2.0
"""Seconds that wall time and anchored time may differ before a new anchor is taken at an idle moment."""


class SteadyClock:
    """``now()`` in UTC, steady within one boot of the machine."""

    def __init__(self, anchor: Path) -> None:
        self._anchor = anchor
        self._seen = _identity(anchor)
        self._wall, self._uptime = self._read() or self._write()

    def now(self) -> datetime:
        """By the anchor that counts now: a worker that waits must follow when a command takes a new one."""
        if (identity := _identity(self._anchor)) != self._seen:
            self._seen = identity
            self._wall, self._uptime = self._read() or (self._wall, self._uptime)
        return self._wall + timedelta(seconds=uptime() - self._uptime)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def drift(self) -> float:
        """Seconds by which the machine's wall clock is ahead of ours (negative: behind)."""
        return (datetime.now(UTC) - self.now()).total_seconds()

    def set_right(self) -> None:
        """Follow the wall clock again. Only while no rollout is unfinished."""
        if abs(self.drift()) > AGREE:
            self._wall, self._uptime = self._write()

    def _read(self) -> tuple[datetime, float] | None:
        try:
            kept = json.loads(self._anchor.read_text())
            if kept["boot"] != boot():
                return None
            return datetime.fromisoformat(kept["wall"]), float(kept["uptime"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _write(self) -> tuple[datetime, float]:
        wall, up = datetime.now(UTC), uptime()
        text = json.dumps({"boot": boot(), "wall": wall.isoformat(), "uptime": up})
        fresh = self._anchor.with_name(f"{self._anchor.name}.{os.getpid()}")
        try:
            fresh.write_text(text)
            fresh.replace(self._anchor)
        except OSError:
            # A read-only state folder is told by the store; the clock alone is no reason to stop.
            fresh.unlink(missing_ok=True)
        return wall, up


def _identity(anchor: Path) -> tuple[int, int] | None:
    """What changes with every anchor."""
    try:
        found = anchor.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def uptime() -> float:
    """Seconds since boot, sleep included where the system can say."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def boot() -> str:
    """What tells this boot of the machine from another."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"unknown-{os.uname().nodename}"
