"""Running instances, as a target reports them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pilotage.core.routing import Address
from pilotage.core.values import Frozen, Instant
from pilotage.errors import Problem


class Phase(StrEnum):
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    """Runs, but its health check fails."""
    CRASHED = "crashed"
    """Not running now; a restart is due after a back-off."""
    STOPPING = "stopping"
    STOPPED = "stopped"


class Instance(Frozen):
    """One instance of a release. ``id`` is unique in an environment: ``<release id>.<number>``."""

    id: str
    release: str
    number: int
    address: Address
    phase: Phase
    pid: int | None = None
    restarts: int = 0
    since: Instant | None = None
    """When it entered its phase."""
    detail: str = ""
    """Why it is not healthy: exit status, the health check's answer; with the last lines of its log."""

    @property
    def healthy(self) -> bool:
        return self.phase is Phase.HEALTHY

    @property
    def exists(self) -> bool:
        return self.phase is not Phase.STOPPED


class Preparation(Frozen):
    """How far an artifact is. Done when ``digest`` is set; failed when ``problem`` is set."""

    release: str
    digest: str | None = None
    problem: Problem | None = None
    progress: str = ""


def of_release(instances: Iterable[Instance], release: str) -> tuple[Instance, ...]:
    """Those of one release that exist, by number."""
    mine = (instance for instance in instances if instance.release == release and instance.exists)
    return tuple(sorted(mine, key=lambda instance: instance.number))
