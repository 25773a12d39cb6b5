"""A source of telemetry in memory that passes the same contract suite as the real ones, with knobs."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pilotage.core import figures
from pilotage.core.telemetry import Reading, Watched
from pilotage.errors import Problem
from pilotage.ports import Site, TelemetryError

SETTINGS = ("name",)


class FakeSource:
    """Knobs, all of them plain attributes:

    ``old``, ``new``   what it knows of each version, as raw fields; None: nothing
    ``epoch``          changes when its counters began anew
    ``latency_bounds`` of ``latency_bucket``
    ``past``           what ``history`` has, in any order
    ``down``           every call raises TelemetryError
    ``silent``         no call is answered within ``patience`` seconds
    ``now``            its clock
    ``asked``          how often it was read, ``closed`` whether it was closed
    """

    def __init__(self, site: Site | None = None) -> None:
        self.site = site
        self.old: Mapping[str, object] | None = None
        self.new: Mapping[str, object] | None = None
        self.epoch: str | None = None
        self.latency_bounds: tuple[float, ...] = ()
        self.past: list[Reading] = []
        self.down = False
        self.silent = False
        self.patience = 0.01
        self.asked = 0
        self.closed = False

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        return [
            Problem(
                code="telemetry.unknown-setting",
                what=f"the fake source has no setting `{key}`",
                mend=f"did you mean `{near[0]}`?" if near else None,
            )
            for key in settings
            if key not in SETTINGS
            for near in [difflib.get_close_matches(key, SETTINGS, n=1)]
        ]

    async def read(self, watched: Watched) -> Reading:
        self.asked += 1
        await self._reach()
        notes: list[str] = []
        old = figures.arm(self.old, "the old version", notes) if self.old and watched.old else None
        new = figures.arm(self.new, "the new version", notes) if self.new else None
        return Reading(
            at=self.now(),
            old=old,
            new=new,
            epoch=self.epoch,
            latency_bounds=self.latency_bounds,
            notes=tuple(notes),
        )

    async def history(self, watched: Watched, since: datetime, until: datetime) -> tuple[Reading, ...]:
        await self._reach()
        kept = [reading for reading in self.past if since <= reading.at <= until]
        return tuple(sorted(kept, key=lambda reading: reading.at))

    async def close(self) -> None:
        self.closed = True

    async def _reach(self) -> None:
        if self.silent:
            await asyncio.sleep(self.patience)
        if self.silent or self.down:
            raise TelemetryError(Problem(code="telemetry.no-answer", what="the fake source is out of reach"))
