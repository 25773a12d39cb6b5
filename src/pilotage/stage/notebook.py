"""The store of one run: in memory, gone after it. Snapshots and checkpoints are for crashes, which do not
happen here; so they are not kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pilotage.core.environment import Environment, Glance
from pilotage.core.events import Event
from pilotage.core.judging import Snapshot
from pilotage.core.state import State
from pilotage.ports import Change
from pilotage.testing.store import MemoryStore

Heard = Callable[[State, tuple[Event, ...]], None]


class Notebook(MemoryStore):
    """``heard`` is told of every commit: the state after it, and its events."""

    def __init__(self, heard: Heard) -> None:
        super().__init__()
        self.heard = heard

    async def commit(self, *changes: Change, environment: Environment | None = None) -> None:
        await super().commit(*changes, environment=environment)
        for change in changes:
            self.heard(change.state, change.events)

    async def record(self, rollout: str, number: int, snapshot: Snapshot) -> None:
        """Not kept."""

    async def checkpoint(self, rollout: str, number: int, judge: dict[str, Any]) -> None:
        """Not kept."""

    async def put_glance(self, rollout: str, glance: Glance) -> None:
        """Not kept."""
