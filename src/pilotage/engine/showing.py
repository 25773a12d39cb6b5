"""Leaves a look at a rollout's world for those who watch, about once a second. Never history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pilotage.core.environment import Glance
from pilotage.core.routing import Telemetry
from pilotage.core.state import State
from pilotage.core.turn import Seen
from pilotage.ports import Store

EVERY = timedelta(seconds=0.9)


@dataclass
class _Shown:
    """One rollout's last look, and the router's counters: the last reading and what was there before."""

    at: datetime | None = None
    read_at: datetime | None = None
    reading: Telemetry | None = None
    baseline: Telemetry | None = None
    glance: Glance | None = None


class Showcase:
    """All looks of one worker."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shown: dict[str, _Shown] = {}

    def wants_reading(self, rollout: str, now: datetime) -> bool:
        """A first reading as the baseline; then one every moment, also while nobody is served."""
        shown = self._of(rollout)
        return shown.reading is None or _passed(shown.read_at, now)

    def keep(self, rollout: str, reading: Telemetry, now: datetime) -> None:
        """Remembers a reading; a release that the router does not know any more keeps its last counts."""
        shown = self._of(rollout)
        last = shown.reading
        if last is not None and last.epoch == reading.epoch:
            reading = reading.model_copy(update={"counters": {**last.counters, **reading.counters}})
        shown.reading, shown.read_at = reading, now

    async def show(self, state: State, seen: Seen, now: datetime, notes: tuple[str, ...] = ()) -> None:
        """``notes``: what was left out of the telemetry, and why."""
        shown = self._of(state.id)
        if not _passed(shown.at, now):
            return
        if shown.at is None:
            kept = await self._store.glance(state.id)
            shown.baseline = kept.baseline if kept else None
        shown.at = now
        reading = shown.reading
        shown.baseline = shown.baseline or reading
        shown.glance = Glance(
            at=now,
            instances=seen.instances or (),
            router=seen.router,
            telemetry=reading.since(shown.baseline) if reading else None,
            baseline=shown.baseline,
            verdict=seen.verdict,
            notes=notes,
        )
        await self._store.put_glance(state.id, shown.glance)

    async def close(self, state: State, reading: Telemetry | None, now: datetime) -> None:
        """The last look, with the final counts; then this rollout is forgotten."""
        shown = self._of(state.id)
        if reading is not None:
            self.keep(state.id, reading, now)
        if shown.glance is not None and shown.reading is not None:
            counted = shown.reading.since(shown.baseline)
            last = shown.glance.model_copy(update={"at": now, "telemetry": counted})
            await self._store.put_glance(state.id, last)
        self._shown.pop(state.id, None)

    def _of(self, rollout: str) -> _Shown:
        return self._shown.setdefault(rollout, _Shown())


def _passed(last: datetime | None, now: datetime) -> bool:
    return last is None or not timedelta(0) <= now - last < EVERY
