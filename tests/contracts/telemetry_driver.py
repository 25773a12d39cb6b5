"""How the contract suite of telemetry moves the other side of a source. A new adapter adds one driver.

A driver is entered once a test: then the other side runs and shows nothing of either version. Its methods
return when a fresh look would see the change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from factories import make_release
from pilotage.core.release import Release
from pilotage.core.telemetry import Reading, Watched
from pilotage.ports import Site, TelemetrySource
from pilotage.testing.telemetry import FakeSource

Figures = Mapping[str, Any]
"""Fields of an arm as the other side should show them: {"requests": 1000, "conversions": 50}."""

OLD: Release = make_release("1.0")
NEW: Release = make_release("2.0")
WATCHED = Watched(service="shop", environment="production", new=NEW, old=OLD)
BOUNDS = (0.01, 0.1, 1.0)


class Driver:
    """One kind of source with its other side. Overridden: everything below that raises NotImplementedError,
    and the figures that it does not serve or the things that can not happen to it."""

    kind: ClassVar[type[Any]]
    serves: ClassVar[frozenset[str]] = frozenset({"requests", "errors", "latency_bucket", "conversions"})
    keeps_history: ClassVar[bool] = False
    tells_restarts: ClassVar[bool] = True
    """False for what has no counters to begin anew: rows in a table."""
    secret: ClassVar[str] = "tr0ub4dor-and-3"
    """What ``settings`` refer to; must never be seen in a Problem, a note or a reading."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the other side."""

    def settings(self) -> Mapping[str, Any]:
        """Of the source, with ``secret`` by reference where the adapter can have one."""
        raise NotImplementedError

    def misspelt(self) -> tuple[Mapping[str, Any], str]:
        """Settings with a key spelt wrongly, and how it is spelt rightly."""
        raise NotImplementedError

    def source(self) -> TelemetrySource:
        """A fresh one, as wiring makes it."""
        self.folder.mkdir(exist_ok=True, mode=0o700)
        made: TelemetrySource = self.kind(
            Site("shop", "production", self.folder, self.folder, dict(self.settings()))
        )
        return made

    async def show(self, old: Figures | None, new: Figures | None) -> None:
        """The other side counts this of both versions from now on; None: that version is not there."""
        raise NotImplementedError

    async def restart(self, old: Figures, new: Figures) -> None:
        """As a new process of the other side, with these smaller counts."""
        raise NotImplementedError

    async def go_down(self) -> None:
        """Nobody answers any more."""
        raise NotImplementedError

    async def fall_silent(self) -> None:
        """Somebody is there and never answers; the source's own patience is short in ``settings``."""
        raise NotImplementedError

    def nonsense(self) -> AsyncIterator[str]:
        """Step by step the other side shows ``requests`` of the new version (or everything) in a way that can
        not be used: says what it is each time."""
        raise NotImplementedError

    async def keep(self, past: Sequence[tuple[datetime, Figures]]) -> None:
        """The other side knows these figures of the old version at these times (seconds apart, in order)."""
        raise NotImplementedError


class FakeDriver(Driver):
    kind = FakeSource
    keeps_history = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._fake = FakeSource()
        self._fake.latency_bounds = BOUNDS
        self._fake.epoch = "first"

    def settings(self) -> Mapping[str, Any]:
        return {"name": "shop"}

    def misspelt(self) -> tuple[Mapping[str, Any], str]:
        return {"nmae": "shop"}, "name"

    def source(self) -> TelemetrySource:
        return self._fake

    async def show(self, old: Figures | None, new: Figures | None) -> None:
        self._fake.old, self._fake.new = old, new

    async def restart(self, old: Figures, new: Figures) -> None:
        await self.show(old, new)
        self._fake.epoch = "second"

    async def go_down(self) -> None:
        self._fake.down = True

    async def fall_silent(self) -> None:
        self._fake.silent = True

    async def nonsense(self) -> AsyncIterator[str]:
        for value in (float("nan"), float("inf"), -1, "many", True, [1], {}, 1e300, 10**400):
            self._fake.new = {"requests": value, "errors": 1}
            yield repr(value)

    async def keep(self, past: Sequence[tuple[datetime, Figures]]) -> None:
        readings: list[Reading] = []
        for at, figures in past:
            self._fake.old, self._fake.new = figures, None
            readings.append((await self._fake.read(WATCHED)).model_copy(update={"at": at}))
        self._fake.past = readings[::-1]
