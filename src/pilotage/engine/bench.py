"""Feeds the judge with telemetry, keeps every snapshot, and brings the judge back after a crash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from pilotage.core import world
from pilotage.core.inputs import Inputs, nothing_heard
from pilotage.core.judging import JudgeSettings, Snapshot, Verdict
from pilotage.core.merging import without_latency
from pilotage.core.sight import sight
from pilotage.core.state import State, Status
from pilotage.core.telemetry import Reading
from pilotage.core.values import EVERYBODY
from pilotage.errors import Problem
from pilotage.judge import Judge
from pilotage.ports import Store

HISTORY = 3600
"""Readings of the old version alone that are kept at most."""
CHECKPOINT_EVERY = 60
"""Snapshots between two checkpoints: so many are fed again after a crash."""
MISSING_AFTER = timedelta(seconds=15)
OTHER_BUCKETS = "latency is counted in other buckets than when this rollout began: left out"

JudgeOf = Callable[[JudgeSettings], Judge]


@dataclass
class Seat:
    """One rollout's judge, what it has heard so far, and the readings from before any user."""

    judge: Judge
    inputs: Inputs
    sampled_at: datetime | None = None
    verdict: Verdict | None = None
    notes: tuple[str, ...] = ()
    """What could not be used of the last reading, and why."""
    missing_since: datetime | None = None
    """Since when the judge misses telemetry."""
    group: str = ""
    """Whose requests the last snapshot was of; empty: everybody's."""
    before: list[Reading] = field(default_factory=list)
    """The old version alone. Fed when users first see the new one: only then is their time known."""

    @property
    def bounds(self) -> tuple[float, ...]:
        """Of the buckets that the judge has heard of; the same ones in other buckets mean something else."""
        return self.inputs.latency_bounds

    def begin(self, planned: JudgeSettings, readings: Sequence[Reading], judge_of: JudgeOf) -> None:
        """Nothing was heard yet: the bounds that the telemetry has now hold from here on."""
        last = next((one.latency_bounds for one in reversed(readings) if one.latency_bounds), ())
        settings = planned.model_copy(update={"latency_bounds": planned.latency_bounds or last})
        self.judge, self.inputs = judge_of(settings), nothing_heard(settings)


class Recent(NamedTuple):
    """The last verdict that is fresh enough to act on, when its telemetry was read, and what it was made of."""

    verdict: Verdict | None = None
    read_at: datetime | None = None
    inputs: Inputs | None = None


class Bench:
    """All judges of one worker."""

    def __init__(self, store: Store, judge_of: JudgeOf = Judge) -> None:
        self._store = store
        self._judge_of = judge_of
        self._seats: dict[str, Seat] = {}

    def due(self, state: State, now: datetime) -> bool:
        """Whether this rollout's telemetry should be read now."""
        settings = state.plan.judge
        if settings is None or state.status is not Status.RUNNING or state.released:
            return False
        seat = self._seats.get(state.id)
        if seat is None or seat.sampled_at is None:
            return True
        elapsed = now - seat.sampled_at
        return elapsed >= settings.interval - timedelta(milliseconds=100) or elapsed < timedelta(0)

    async def begins(self, state: State) -> bool:
        """Whether nothing has been heard of this rollout yet: then its past is worth asking for."""
        seat = await self._seat(state)
        return seat.inputs.snapshots == 0 and seat.sampled_at is None

    def remember(self, state: State, past: Sequence[Reading]) -> None:
        """The old version's past, from before the first reading; heard before it, and kept like all."""
        earlier = [reading for reading in past if state.compared_at is None or reading.at < state.compared_at]
        self._seats[state.id].before = earlier[-HISTORY:]

    async def hear(self, state: State, reading: Reading, now: datetime, *, old_is_down: bool = False) -> None:
        """Feeds one reading; before any user sees the new version it is kept for later.

        ``old_is_down``: it is seen to be just now, and may not be recorded as sick yet.
        """
        seat = await self._seat(state)
        seat.sampled_at = now
        reading = reading.model_copy(update={"at": now})
        if state.compared_at is None:
            seat.before = [*seat.before[-HISTORY:], reading]
            return
        if seat.inputs.snapshots == 0:
            seat.begin(_settings(state), [*seat.before, reading], self._judge_of)
            await self._keep(state.id, seat)
        while seat.before:
            await self._feed(state, seat, make_snapshot(state, fitting(seat.before[0], seat.bounds)))
            del seat.before[0]
        usable = fitting(reading, seat.bounds)
        seat.notes = usable.notes[len(reading.notes) :]
        snapshot = make_snapshot(state, usable)
        if old_is_down:
            snapshot = snapshot.model_copy(update={"control": None})
        if seat.group and _group(snapshot) not in ("", seat.group):
            await self._feed(state, seat, between(snapshot))
        await self._feed(state, seat, snapshot)
        missing = seat.verdict is not None and bool(seat.verdict.missing)
        seat.missing_since = (seat.missing_since or now) if missing else None

    async def _feed(self, state: State, seat: Seat, snapshot: Snapshot) -> None:
        inputs = seat.inputs.and_then(snapshot)
        await self._store.record(state.id, inputs.snapshots, snapshot)
        seat.inputs, seat.verdict, seat.group = inputs, seat.judge.feed(snapshot), _group(snapshot)
        if inputs.snapshots % CHECKPOINT_EVERY == 0:
            await self._keep(state.id, seat)

    async def _keep(self, rollout: str, seat: Seat) -> None:
        memory = {
            "judge": seat.judge.dump(),
            "inputs": seat.inputs.model_dump(mode="json"),
            "group": seat.group,
        }
        await self._store.checkpoint(rollout, seat.inputs.snapshots, memory)

    def recent(self, state: State, now: datetime) -> Recent:
        seat, settings = self._seats.get(state.id), state.plan.judge
        if seat is None or settings is None or seat.sampled_at is None:
            return Recent()
        fresh = timedelta(0) <= now - seat.sampled_at <= 1.5 * settings.interval
        return Recent(seat.verdict, seat.sampled_at, seat.inputs) if fresh else Recent()

    def notes(self, rollout: str) -> tuple[str, ...]:
        """What the judge could not use of the last reading, and why."""
        seat = self._seats.get(rollout)
        return () if seat is None else seat.notes

    def trouble(self, rollout: str, now: datetime) -> list[Problem]:
        """Telemetry that has been missing for longer than a lost look: it holds, and somebody should know."""
        seat = self._seats.get(rollout)
        if seat is None or seat.missing_since is None or now - seat.missing_since < MISSING_AFTER:
            return []
        assert seat.verdict is not None
        what, mend = "telemetry is missing: holding", "see whether the sources of `telemetry` still count it"
        return [Problem(code="telemetry.missing", what=what, why="; ".join(seat.verdict.missing), mend=mend)]

    def forget(self, rollout: str) -> None:
        self._seats.pop(rollout, None)

    async def _seat(self, state: State) -> Seat:
        """This rollout's judge; after a crash as it was, from its checkpoint and the snapshots since."""
        if state.id not in self._seats:
            seat = await self._remembered(state.id, _settings(state))
            for _, snapshot in await self._store.snapshots(state.id, seat.inputs.snapshots):
                seat.judge.feed(snapshot)
                seat.inputs, seat.group = seat.inputs.and_then(snapshot), _group(snapshot)
            self._seats[state.id] = seat
        return self._seats[state.id]

    async def _remembered(self, rollout: str, planned: JudgeSettings) -> Seat:
        checkpoint = await self._store.last_checkpoint(rollout)
        memory = {} if checkpoint is None else checkpoint[1]
        settings = planned
        if "inputs" in memory:
            inputs = Inputs.model_validate(memory["inputs"])
            settings = inputs.settings(planned)
            # A dump of another version of Pilotage is of no use: all snapshots are there to be fed again.
            with suppress(ValueError):
                return Seat(Judge.load(settings, memory["judge"]), inputs, group=memory.get("group", ""))
        return Seat(self._judge_of(settings), nothing_heard(settings))


def _settings(state: State) -> JudgeSettings:
    settings = state.plan.judge
    assert settings is not None, "only a rollout with a judge is heard"
    return settings


def make_snapshot(state: State, reading: Reading) -> Snapshot:
    """One reading as the judge wants it. The old version counts only while it is well: what it fails while
    it is down must not excuse the new one."""
    live = state.plan.basis.live if state.plan.feature is None else state.plan.new
    well = live is not None and live.id not in state.sick
    assert state.compared_at is not None
    t = (reading.at - state.compared_at).total_seconds()
    snapshot = Snapshot(
        t=t,
        weight=state.compared_share / EVERYBODY if t >= 0 else 0.0,
        control=reading.old if well else None,
        canary=reading.new if t >= 0 else None,
        epoch=reading.epoch,
    )
    looks = sight(state.plan, world.exposure(state))
    if not looks.group or t < 0:
        return snapshot
    # Counters of other people: what they were before is nothing to subtract from.
    epoch = f"{reading.epoch} {looks.group}{' compared' if looks.compared else ''}"
    weight = looks.share / EVERYBODY if looks.compared else 1.0
    return snapshot.model_copy(update={"weight": weight, "epoch": epoch, "group": looks.group})


def between(snapshot: Snapshot) -> Snapshot:
    """A look just before this one, at which nobody saw the new version: what let it go on for another group
    says nothing about this one."""
    return Snapshot(t=snapshot.t - 0.001, weight=0.0, control=None, canary=None, epoch=snapshot.epoch)


def _group(snapshot: Snapshot) -> str:
    return str((snapshot.model_extra or {}).get("group", ""))


def fitting(reading: Reading, bounds: tuple[float, ...]) -> Reading:
    """Without its latency, when that was counted in other buckets than those the judge has heard of."""
    buckets = [arm.latency_bucket for arm in (reading.old, reading.new) if arm is not None]
    same = reading.latency_bounds in ((), bounds)
    if not bounds or (same and all(one is None or len(one) == len(bounds) + 1 for one in buckets)):
        return reading
    return without_latency(reading, OTHER_BUCKETS)
