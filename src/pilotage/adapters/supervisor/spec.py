"""What a supervisor is asked to run, and what it says about it."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic import Field

from pilotage.core.release import HealthCheck
from pilotage.core.routing import Address
from pilotage.core.values import Duration, Frozen, Instant


class HealthProbe(Frozen):
    """Where the health check knocks. ``address.host`` is numeric, or ``localhost``."""

    address: Address
    check: HealthCheck = HealthCheck()


class Spec(Frozen):
    """One command and how to keep it running. A change of command, environment or cwd restarts it."""

    command: tuple[str, ...] = Field(min_length=1)
    environment: dict[str, str] = Field(default_factory=dict)
    """Added to the minimal one that is inherited (PATH, HOME, LANG, TZ, TMPDIR and the like)."""
    cwd: str
    grace: Duration = timedelta(seconds=10)
    """From the stop signal to SIGKILL."""
    backoff_first: Duration = timedelta(milliseconds=200)
    backoff_most: Duration = timedelta(seconds=30)
    """The wait before a restart doubles from first to most; first again after 60 s of running."""
    health: HealthProbe | None = None
    """None: running is healthy."""
    stop_signal: str = Field(default="SIGTERM", pattern=r"^SIG[A-Z0-9]+$")

    def plain(self) -> dict[str, Any]:
        """As stored in spec.json, for a reader without pydantic: durations in seconds, the health probe flat.

        ``fingerprint`` is of what cannot change without a restart.
        """
        starts = [self.command, sorted(self.environment.items()), self.cwd]
        return {
            "fingerprint": hashlib.sha256(json.dumps(starts).encode()).hexdigest(),
            "command": list(self.command),
            "environment": dict(self.environment),
            "cwd": self.cwd,
            "grace": self.grace.total_seconds(),
            "backoff_first": self.backoff_first.total_seconds(),
            "backoff_most": self.backoff_most.total_seconds(),
            "stop_signal": self.stop_signal,
            "health": _plain_probe(self.health) if self.health else None,
        }


def _plain_probe(probe: HealthProbe) -> dict[str, Any]:
    return {
        "host": probe.address.host,
        "port": probe.address.port,
        "path": probe.check.path,
        "interval": probe.check.interval.total_seconds(),
        "timeout": probe.check.timeout.total_seconds(),
        "within": probe.check.within.total_seconds(),
        "failures": probe.check.failures,
    }


class State(StrEnum):
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    CRASHED = "crashed"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Status(Frozen):
    """What is known of the command now."""

    state: State
    pid: int | None = None
    """Of the living child; None when there is none."""
    started_at: Instant | None = None
    restarts: int = 0
    last_exit: str | None = None
    """How the last child ended: ``exit 1``, ``SIGKILL``; None before the first end."""
    detail: str = ""
    since: Instant | None = None
    """When it entered its state; None when that was only now found out."""
    supervisor: int | None = None
    """The supervisor's pid; None when it is dead or has ended."""
