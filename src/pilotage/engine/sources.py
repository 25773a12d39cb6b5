"""Reads every source of telemetry of a rollout at once, and makes one reading of what they say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pilotage.core import figures
from pilotage.core.merging import Merger, merge_histories, router_reading
from pilotage.core.plan import ROUTER, Plan
from pilotage.core.routing import Telemetry
from pilotage.core.sight import Sight, sight
from pilotage.core.state import State
from pilotage.core.telemetry import Reading, Watched, of_variants
from pilotage.core.world import exposure
from pilotage.engine.asking import ask, ask_for_all, believable
from pilotage.errors import Problem
from pilotage.ports import Reach, TelemetrySource

PATIENCE = 5.0
"""Seconds that one look may take; longer ones would delay everything else about their rollout."""
REST = timedelta(seconds=30)
"""A source that let us wait for nothing is not asked again for so long."""
STALE = timedelta(seconds=60)
"""A source whose readings are all of one time for so long has nothing new to say."""
SKEW = timedelta(seconds=60)
HISTORY = timedelta(hours=1)
"""How much of the old version's past is asked for."""


Router = Awaitable[Telemetry | None]
"""The router's counters; None: they could not be read."""


@dataclass
class _Of:
    """One source of one rollout: what it is called, and how it has behaved."""

    name: str
    source: TelemetrySource | None
    """None: the router's own counters."""
    rests_until: datetime | None = None
    at: datetime | None = None
    """The time of its last reading by its own clock, and since when by ours it is that time."""
    since: datetime | None = None
    trouble: list[Problem] = field(default_factory=list)
    """Why its last reading could not be had."""


@dataclass
class _Desk:
    """The sources of one rollout."""

    watched: Watched
    sources: list[_Of]
    merger: Merger = field(default_factory=Merger)
    notes: tuple[str, ...] = ()


class Sources:
    """All sources of one worker's rollouts."""

    def __init__(self) -> None:
        self._desks: dict[str, _Desk] = {}

    async def read(self, state: State, reach: Reach, router: Router, now: datetime) -> Reading | None:
        """One look by all of them at once; ``router`` reads the router's counters, and is always awaited.

        None when nobody answers. What went wrong is in ``trouble`` until the next look.
        """
        desk, looks = self._desk(state, reach), sight(state.plan, exposure(state))
        asked = asyncio.ensure_future(router)
        readings = await asyncio.gather(*(_read(one, desk.watched, asked, now, looks) for one in desk.sources))
        await asked
        if all(reading is None for reading in readings):
            desk.notes = ()
            return None
        merged = desk.merger.merge(readings, now)
        desk.notes = merged.notes
        return merged

    async def history(self, state: State, reach: Reach, now: datetime) -> tuple[Reading, ...]:
        """The hour before ``now`` of the old version, as far as the sources know it."""
        desk = self._desk(state, reach)
        past = await asyncio.gather(*(_history(one, desk.watched, now) for one in desk.sources))
        return merge_histories(past)

    def trouble(self, rollout: str) -> list[Problem]:
        """Which figures can not be had now, and why."""
        desk = self._desks.get(rollout)
        return [] if desk is None else [problem for one in desk.sources for problem in one.trouble]

    def notes(self, rollout: str) -> tuple[str, ...]:
        """What was left out of the last look, and why."""
        desk = self._desks.get(rollout)
        return () if desk is None else desk.notes

    def forget(self, rollout: str) -> None:
        self._desks.pop(rollout, None)

    def _desk(self, state: State, reach: Reach) -> _Desk:
        if state.id not in self._desks:
            made = iter(reach.telemetry)
            sources = [
                _Of(one.kind, None if one.kind == ROUTER else next(made)) for one in state.plan.telemetry
            ]
            if state.plan.feature is not None:  # which the router knows nothing of
                sources = [one for one in sources if one.source is not None]
            self._desks[state.id] = _Desk(_watched(state.plan), sources)
        return self._desks[state.id]


def _watched(plan: Plan) -> Watched:
    if (feature := plan.feature) is not None:
        return of_variants(plan.service, plan.environment, plan.new, feature.off, feature.on)
    return Watched(service=plan.service, environment=plan.environment, new=plan.new, old=plan.basis.live)


async def _read(one: _Of, watched: Watched, router: Router, now: datetime, looks: Sight) -> Reading | None:
    if one.source is None:  # whoever has read the router tells its trouble
        telemetry = await router
        return None if telemetry is None else router_reading(telemetry, watched, now, looks)
    if one.rests_until is not None and now < one.rests_until:
        return None
    trouble: list[Problem] = []
    source, name = one.source, f"the telemetry source {one.name}"
    reading = await ask(lambda: source.read(watched), name, trouble, PATIENCE)
    if any(problem.code == "adapter.silent" for problem in trouble):
        one.rests_until = now + REST
    sound = bool(trouble) or believable((reading,), Reading, name, trouble)
    one.trouble = [_as_telemetry(problem) for problem in trouble]
    if reading is None or not sound:
        return None
    return _sound(one, reading, now)


def _sound(one: _Of, reading: Reading, now: datetime) -> Reading | None:
    """The reading with sound figures only; None when it has been the same one for long."""
    if reading.at != one.at or one.since is None or now < one.since:
        one.at, one.since = reading.at, now
    elif now - one.since > STALE:
        seconds = (now - one.since).total_seconds()
        what = f"the telemetry source {one.name} has shown nothing new for {seconds:.0f} s"
        mend = "see whether what it reads from still runs; until then its figures are not known"
        one.trouble = [Problem(code="telemetry.stale", what=what, mend=mend)]
        return None
    notes = list(reading.notes)
    if abs(now - reading.at) > SKEW:
        notes.append(f"its clock and ours are {abs(now - reading.at).total_seconds():.0f} s apart")
    cleaned = {
        "old": None if reading.old is None else figures.cleaned(reading.old, "the old version", notes),
        "new": None if reading.new is None else figures.cleaned(reading.new, "the new version", notes),
        "latency_bounds": figures.bounds(reading.latency_bounds, notes),
    }
    return reading.model_copy(update={**cleaned, "notes": tuple(f"{one.name}: {note}" for note in notes)})


async def _history(one: _Of, watched: Watched, now: datetime) -> Sequence[Reading]:
    if one.source is None:
        return ()
    source, name = one.source, f"the telemetry source {one.name}"
    trouble: list[Problem] = []
    past = await ask_for_all(Reading, lambda: source.history(watched, now - HISTORY, now), name, trouble)
    one.trouble += [_as_telemetry(problem) for problem in trouble]
    if past is None:
        return ()
    return _in_order([_of_old(reading) for reading in past], now)


def _of_old(reading: Reading) -> Reading:
    """Before the rollout there was only the old version, whatever is said."""
    old = None if reading.old is None else figures.cleaned(reading.old, "the old version", [])
    bounds = figures.bounds(reading.latency_bounds, [])
    return reading.model_copy(update={"old": old, "new": None, "latency_bounds": bounds, "notes": ()})


def _in_order(past: Sequence[Reading], now: datetime) -> list[Reading]:
    kept: list[Reading] = []
    for reading in past:
        if now - HISTORY <= reading.at < now and (not kept or reading.at > kept[-1].at):
            kept.append(reading)
    return kept


def _as_telemetry(problem: Problem) -> Problem:
    """``adapter.silent`` and ``adapter.broken`` under the name of what is missing because of it."""
    return problem.model_copy(update={"code": problem.code.replace("adapter.", "telemetry.")})
