"""Telemetry of the model, as any source other than the router would have it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pilotage.core.judging import Arm
from pilotage.core.telemetry import Reading, Watched
from pilotage.errors import Problem
from pilotage.ports import Clock, TelemetryError
from pilotage.stage.users import Crossing


class Mirror:
    """A ports.TelemetrySource that knows what the router counts, and the declared measures of the model."""

    def __init__(self, router: Crossing, clock: Clock) -> None:
        self.router, self.clock = router, clock

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        return []

    async def read(self, watched: Watched) -> Reading:
        self.router.flow()
        if self.router.silent:
            raise TelemetryError(Problem(code="telemetry.no-answer", what="the source does not answer"))
        old = self._arm(watched.old.id) if watched.old is not None else None
        bounds = self.router.model.bounds
        return Reading(at=self.clock.now(), old=old, new=self._arm(watched.new.id), latency_bounds=bounds)

    async def history(self, watched: Watched, since: datetime, until: datetime) -> tuple[Reading, ...]:
        return ()

    async def close(self) -> None:
        """There is nothing to close."""

    def _arm(self, release: str) -> Arm | None:
        counted = self.router.counted.get(release)
        return None if counted is None else counted.arm()
