"""Feeds the judge with telemetry, keeps every snapshot, and brings the judge back after a crash."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from pilotage.core.inputs import Inputs, nothing_heard
from pilotage.core.judging import Arm, JudgeSettings, Snapshot, Verdict
from pilotage.core.routing import Counters, Telemetry
from pilotage.core.state import State, Status
from pilotage.core.values import EVERYBODY
from pilotage.judge import Judge
from pilotage.ports import Store

HISTORY = 3600
"""Readings of the old version alone that are kept at most."""
CHECKPOINT_EVERY = 60
"""Snapshots between two checkpoints: so many are fed again after a crash."""


@dataclass
class Seat:
    """One rollout's judge, what it has heard so far, and the readings from before any user."""

    judge: Judge
    inputs: Inputs
    sampled_at: datetime | None = None
    verdict: Verdict | None = None
    before: list[tuple[datetime, Telemetry]] = field(default_factory=list)
    """The old version alone. Fed when users first see the new one: only then is their time known."""


class Recent(NamedTuple):
    """The last verdict that is fresh enough to act on, when its telemetry was read, and what it was made of."""

    verdict: Verdict | None = None
    read_at: datetime | None = None
    inputs: Inputs | None = None


class Bench:
    """All judges of one worker."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seats: dict[str, Seat] = {}

    def due(self, state: State, now: datetime) -> bool:
        """Whether this rollout's telemetry should be read now."""
        settings = state.plan.judge
        if settings is None or state.status is not Status.RUNNING or state.warm:
            return False
        seat = self._seats.get(state.id)
        if seat is None or seat.sampled_at is None:
            return True
        elapsed = now - seat.sampled_at
        return elapsed >= settings.interval - timedelta(milliseconds=100) or elapsed < timedelta(0)

    async def hear(
        self, state: State, telemetry: Telemetry, now: datetime, *, old_is_down: bool = False
    ) -> None:
        """Feeds one reading of the router; before any user sees the new version it is kept for later.

        ``old_is_down``: it is seen to be just now, and may not be recorded as sick yet.
        """
        settings = state.plan.judge
        assert settings is not None
        seat = await self._seat(state, settings, telemetry)
        seat.sampled_at = now
        if state.exposed_at is None:
            seat.before = [*seat.before[-HISTORY:], (now, telemetry)]
            return
        while seat.before:
            at, earlier = seat.before[0]
            await self._feed(state, seat, make_snapshot(state, earlier, at))
            del seat.before[0]
        snapshot = make_snapshot(state, telemetry, now)
        if old_is_down:
            snapshot = snapshot.model_copy(update={"control": None})
        await self._feed(state, seat, snapshot)

    async def _feed(self, state: State, seat: Seat, snapshot: Snapshot) -> None:
        if seat.inputs.snapshots == 0:
            await self._keep(state.id, seat)  # the bounds that the telemetry has now hold from here on
        inputs = seat.inputs.and_then(snapshot)
        await self._store.record(state.id, inputs.snapshots, snapshot)
        seat.inputs, seat.verdict = inputs, seat.judge.feed(snapshot)
        if inputs.snapshots % CHECKPOINT_EVERY == 0:
            await self._keep(state.id, seat)

    async def _keep(self, rollout: str, seat: Seat) -> None:
        memory = {"judge": seat.judge.dump(), "inputs": seat.inputs.model_dump(mode="json")}
        await self._store.checkpoint(rollout, seat.inputs.snapshots, memory)

    def recent(self, state: State, now: datetime) -> Recent:
        seat, settings = self._seats.get(state.id), state.plan.judge
        if seat is None or settings is None or seat.sampled_at is None:
            return Recent()
        fresh = timedelta(0) <= now - seat.sampled_at <= 1.5 * settings.interval
        return Recent(seat.verdict, seat.sampled_at, seat.inputs) if fresh else Recent()

    def forget(self, rollout: str) -> None:
        self._seats.pop(rollout, None)

    async def _seat(self, state: State, settings: JudgeSettings, telemetry: Telemetry) -> Seat:
        """This rollout's judge; after a crash as it was, from its checkpoint and the snapshots since."""
        if state.id not in self._seats:
            seat = await self._remembered(state.id, settings, telemetry.latency_bounds)
            for _, snapshot in await self._store.snapshots(state.id, seat.inputs.snapshots):
                seat.judge.feed(snapshot)
                seat.inputs = seat.inputs.and_then(snapshot)
            self._seats[state.id] = seat
        return self._seats[state.id]

    async def _remembered(self, rollout: str, planned: JudgeSettings, bounds: tuple[float, ...]) -> Seat:
        checkpoint = await self._store.last_checkpoint(rollout)
        memory = {} if checkpoint is None else checkpoint[1]
        bounds = planned.latency_bounds or bounds
        if "inputs" in memory:
            inputs = Inputs.model_validate(memory["inputs"])
            bounds = inputs.latency_bounds
            # A dump of another version of Pilotage is of no use: all snapshots are there to be fed again.
            with suppress(ValueError):
                return Seat(Judge.load(inputs.settings(planned), memory["judge"]), inputs)
        settings = planned.model_copy(update={"latency_bounds": bounds})
        return Seat(Judge(settings), nothing_heard(settings))


def make_snapshot(state: State, telemetry: Telemetry, now: datetime) -> Snapshot:
    """One reading as the judge wants it. The old version counts only while it is well: what it fails while
    it is down must not excuse the new one."""
    live, new = state.plan.basis.live, state.plan.new.id
    well = live is not None and live.id not in state.sick
    assert state.exposed_at is not None
    t = (now - state.exposed_at).total_seconds()
    return Snapshot(
        t=t,
        weight=state.shares.get(new, 0) / EVERYBODY if t >= 0 else 0.0,
        control=_arm(telemetry.counters.get(live.id)) if live is not None and well else None,
        canary=_arm(telemetry.counters.get(new)) if t >= 0 else None,
        epoch=telemetry.epoch,
    )


def _arm(counters: Counters | None) -> Arm | None:
    if counters is None:
        return None
    return Arm(
        requests=counters.requests, errors=counters.errors, latency_bucket=counters.latency_bucket or None
    )
