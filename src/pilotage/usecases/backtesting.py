"""Tries a setting of the judge on the past: releases that were, and releases that are pretended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from pilotage.core.judging import JudgeSettings, Kind, Snapshot
from pilotage.core.notation import show_duration
from pilotage.core.plan import ROUTER, Plan
from pilotage.core.release import Release
from pilotage.core.state import State
from pilotage.core.telemetry import Reading, Watched
from pilotage.errors import PilotageError, Problem
from pilotage.judge.backtest import (
    Case,
    Judged,
    Permission,
    Windows,
    case_of,
    judged,
    permissions,
    tried,
    windows,
)
from pilotage.judge.latency import choose
from pilotage.judge.margins import Margin, Read, margin
from pilotage.judge.pretend import Counts, Fields, Moment, Ramp, Regression, history
from pilotage.judge.worsen import planting
from pilotage.ports import Reach, Store

Progress = Callable[[int, int], None]
"""Told (done, of) after each release that was judged."""
BEFORE = 600.0
"""Seconds of history before a pretend release, where there are so many: the judge learns from them."""
MOST = 40


@dataclass(frozen=True)
class Source:
    """One stretch of telemetry; ``ended`` is how its rollout really ended, where it was one."""

    name: str
    snapshots: Sequence[Snapshot]
    ended: str = ""


@dataclass(frozen=True)
class Past:
    """A release that was, judged anew."""

    name: str
    judged: Judged
    ended: str


@dataclass(frozen=True)
class Trial:
    """What to try. ``most``: pretend releases of a kind at most; ``instances`` of the service, for margins."""

    settings: JudgeSettings
    ramp: Ramp
    seed: int = 1
    most: int = MOST
    instances: int | None = None


@dataclass(frozen=True)
class Report:
    """What came of it. ``by_instances``: pretend releases split instances, not requests."""

    past: tuple[Past, ...]
    cases: tuple[Case, ...]
    permissions: tuple[Permission, ...]
    margins: tuple[Margin, ...]
    by_instances: bool | None
    """None: no pretend releases were made."""
    releases: int
    seconds: float
    """Of history that pretend releases were cut from."""
    notes: tuple[str, ...]


def backtest(sources: Sequence[Source], trial: Trial, progress: Progress = lambda done, of: None) -> Report:
    """The same sources, trial and seed give the same report. PilotageError when there is nothing to judge."""
    if not any(source.snapshots for source in sources):
        raise PilotageError(_nothing())
    fields = Fields.of(trial.settings)
    histories = [tuple(history(source.snapshots, fields)) for source in sources]
    released = [source for source in sources if any(look.weight > 0.0 for look in source.snapshots)]
    places = _places(histories, trial)
    moments = [moment for place in places for moment in place.moments]
    plan = planting(moments, trial.settings, trial.ramp)
    kinds: tuple[Regression | None, ...] = (None, *plan.regressions) if places else ()
    releases = sum([len(place.starts) for place in places])
    counter = _Counter(progress, len(released) + releases * len(kinds))
    past = [
        Past(source.name, next(counter.each([judged(source.snapshots, trial.settings)])), source.ended)
        for source in released
    ]
    cases: list[Case] = []
    allowed: tuple[Permission, ...] = ()
    for number, kind in enumerate(kinds):
        rng = Random(f"{trial.seed} {number}")  # of its own, so that one kind more changes no other
        found = list(counter.each(tried(places, kind, trial.settings, trial.ramp, BEFORE, rng)))
        cases.append(case_of("healthy" if kind is None else kind.name, kind, found))
        allowed = permissions(found) if kind is None else allowed
    return Report(
        tuple(past),
        tuple(cases),
        allowed,
        tuple(_margins(histories, trial)),
        all(place.by_instances for place in places) if places else None,
        releases,
        sum([moment.seconds for moment in moments]),
        tuple(_notes(places, histories, trial, plan.missing if places else ())),
    )


class _Counter:
    def __init__(self, progress: Progress, of: int) -> None:
        self.progress, self.of, self.done = progress, of, 0

    def each(self, results: Iterable[Judged]) -> Iterator[Judged]:
        for one in results:
            self.done += 1
            self.progress(self.done, self.of)
            yield one


def _places(histories: Sequence[tuple[Moment, ...]], trial: Trial) -> list[Windows]:
    """Where pretend releases begin, ``most`` in all; a short history gives what it has."""
    places, left = [], trial.most
    for moments in histories:
        place = windows(moments, trial.ramp, BEFORE)
        if not place.starts:
            place = windows(moments, trial.ramp, 0.0)
            place = Windows(place.moments, place.starts[-1:])
        place = Windows(place.moments, place.starts[:left])
        left -= len(place.starts)
        if place.starts:
            places.append(place)
    return places


def _margins(histories: Sequence[tuple[Moment, ...]], trial: Trial) -> Iterator[Margin]:
    """For errors, for latency at the bounds that the judge would ask, and for declared counts."""
    moments = [moment for one in histories for moment in one]
    width = max([len(moment.parts) for moment in moments], default=0)
    if width < 2:
        return
    count = trial.instances or width
    stands_for = max(1.0, count / width)
    for name, read in _reads(moments, trial.settings):
        found = margin(name, moments, read, new=count, old=count, stands_for=stands_for)
        if found is not None:
            yield found


def _reads(moments: Sequence[Moment], settings: JudgeSettings) -> Iterator[tuple[str, Read]]:
    yield "errors", lambda counts: (counts.requests, counts.errors)
    if settings.latency:
        yield from _latency_reads(moments, settings)
    for name, one in settings.measures.items():
        if one.kind is Kind.COUNT:
            yield name, _counted(one.of or name, one.per)


def _latency_reads(moments: Sequence[Moment], settings: JudgeSettings) -> Iterator[tuple[str, Read]]:
    parts = [part.answers for moment in moments for part in moment.parts if part.answers]
    if not parts or len({len(one) for one in parts}) > 1:
        return
    seen = list(accumulate(sum(values) for values in zip(*parts, strict=True)))
    if seen[-1] > 0.0:
        edges = choose(seen, settings.latency_margin, bounds=settings.latency_bounds)
        yield from [(edge.name, _slower_than(edge.old)) for edge in edges]


def _counted(field: str, per: str) -> Read:
    def read(counts: Counts) -> tuple[float, float]:
        whole = counts.requests if per == "requests" else counts.counted.get(per, 0.0)
        return whole, counts.counted.get(field, 0.0)

    return read


def _slower_than(bucket: int) -> Read:
    def read(counts: Counts) -> tuple[float, float]:
        return sum(counts.answers), sum(counts.answers[bucket + 1 :])

    return read


def _notes(
    places: Sequence[Windows], histories: Sequence[tuple[Moment, ...]], trial: Trial, missing: Sequence[str]
) -> Iterator[str]:
    """What a reader must know to judge the figures."""
    if not places:
        length = show_duration(timedelta(seconds=trial.ramp.length))
        yield f"no history is long enough for a pretend release of {length}: --length makes them shorter"
    elif not all(place.by_instances for place in places):
        yield (
            "optimistic: no single instances are known (shards), so each request was dealt to one of the two "
            "by chance, which hides whatever differs between instances"
        )
    else:
        yield "one half of the instances plays the new version: pretend releases have half the traffic or less"
        if any(len(moment.parts) < 4 for place in places for moment in place.moments):
            yield "with fewer than four instances the judge can not compare the old version's with each other"
    if sum([len(place.starts) for place in places]) >= trial.most:
        yield f"only the first {trial.most} pretend releases were made: --most makes more"
    yield from [f"not planted: {one}" for one in missing]
    if not any(len(moment.parts) >= 2 for one in histories for moment in one):
        yield "no margins are suggested: that needs telemetry of single instances (shards)"


def of_readings(name: str, readings: Sequence[Reading]) -> Source:
    """What a source of telemetry knows of one version, as the history of it alone."""
    if not readings:
        return Source(name, ())
    end = readings[-1].at
    return Source(
        name,
        [
            Snapshot(
                t=(one.at - end).total_seconds(),
                weight=0.0,
                control=one.old if one.old is not None else one.new,
                canary=None,
                epoch=one.epoch,
            )
            for one in readings
        ],
    )


async def from_environment(
    reach: Reach, plan: Plan, release: Release, since: datetime, until: datetime
) -> list[Source]:
    """The history of the live release, from every source of the environment that keeps one.

    PilotageError when none does, or one does not answer.
    """
    watched = Watched(service=plan.service, environment=plan.environment, new=release, old=release)
    kinds = [spec.kind for spec in plan.telemetry if spec.kind != ROUTER]
    found = []
    for kind, source in zip(kinds, reach.telemetry, strict=True):
        found.append(of_readings(kind, await source.history(watched, since, until)))
    if not any(source.snapshots for source in found):
        raise PilotageError(_no_history(plan, kinds))
    return found


async def from_rollouts(store: Store, states: Iterable[State]) -> list[Source]:
    """What the judges of these rollouts heard, those that heard anything."""
    found = []
    for state in states:
        looks = [look for _, look in await store.snapshots(state.id)]
        if looks:
            found.append(Source(state.id, looks, state.status.value))
    return found


def _nothing() -> Problem:
    return Problem(
        code="recording.none",
        what="there is no telemetry to try this on",
        mend="name recordings, release something, or read history: --to ENVIRONMENT --since 7d",
    )


def _no_history(plan: Plan, kinds: Sequence[str]) -> Problem:
    why = (
        f"{' and '.join(kinds)} knew nothing of the live release then"
        if kinds
        else "its only source of telemetry is the router, which keeps no history"
    )
    return Problem(
        code="telemetry.no-history",
        what=f"there is no history of {plan.service} in {plan.environment}",
        why=why,
        mend="without --since the telemetry of past rollouts is used",
    )
