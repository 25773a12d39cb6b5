"""The source ``prometheus``: series of both versions by PromQL, counted in a ledger of our own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

from pilotage.adapters.telemetry.book import Book, Entry, certain, shortened
from pilotage.adapters.telemetry.ledger import Fate, Labels
from pilotage.adapters.telemetry.prometheus import answers, promql
from pilotage.adapters.telemetry.prometheus.answers import Answer
from pilotage.adapters.telemetry.prometheus.asking import Refused, Server
from pilotage.adapters.telemetry.prometheus.finding import began, begun, both
from pilotage.adapters.telemetry.prometheus.past import by_step, chunks
from pilotage.adapters.telemetry.prometheus.settings import Settings
from pilotage.adapters.telemetry.settings import problems_with
from pilotage.core.telemetry import Reading, Watched
from pilotage.errors import Problem
from pilotage.ports import Site

SKEW = 2.0
"""Seconds by which two clocks may differ before it is told."""
MOST_ASKED = 50
"""Silent series that are asked for by name."""
PAST = 12.0
"""Seconds in which all of the past must be told."""
LONGEST_REST = 5.0
"""Seconds for which an answer is used again, at most."""

_Whole = TypeVar("_Whole")


class PrometheusSource:
    """One book for the rollout that is watched. Between two scrapes there is nothing new to ask for."""

    def __init__(self, site: Site) -> None:
        self._settings = Settings.model_validate(dict(site.settings))
        self._server = Server(self._settings)
        self._turn = asyncio.Lock()
        self._watch: _Watch | None = None

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        return problems_with(Settings, settings, "prometheus")

    async def read(self, watched: Watched) -> Reading:
        async with self._turn:
            watch = self._watching(watched)
            if watch.last is None or time.monotonic() - watch.looked > self._rest():
                look = self._in_time(self._look(watch), self._settings.timeout.total_seconds())
                watch.last, watch.looked = await look, time.monotonic()
            return watch.last.model_copy(update={"at": datetime.now(UTC)})

    async def history(self, watched: Watched, since: datetime, until: datetime) -> tuple[Reading, ...]:
        async with self._turn:
            return await self._in_time(self._past(self._watching(watched), since, until), PAST)

    async def close(self) -> None:
        await self._server.close()

    async def _in_time(self, call: Awaitable[_Whole], seconds: float) -> _Whole:
        try:
            async with asyncio.timeout(seconds):
                return await call
        except TimeoutError:
            raise self._server.silent(seconds) from None

    def _rest(self) -> float:
        return min(self._settings.interval.total_seconds() / 3, LONGEST_REST)

    def _watching(self, watched: Watched) -> _Watch:
        if self._watch is None or self._watch.watched != watched:
            self._watch = _Watch(watched, self._book(self._settings.bounds()))
        return self._watch

    def _book(self, bounds: tuple[float, ...] | None) -> Book:
        settings = self._settings
        return Book(settings.rules(), bounds, settings.unit(), settings.shards)

    async def _look(self, watch: _Watch) -> Reading:
        now, notes = await self._clock()

        async def ask(query: str) -> Answer:
            return await self._server.query(query, now)

        async def ask_series(query: str) -> Answer:
            if promql.is_selector(query):
                seen = self._settings.stale_seconds() + self._settings.interval.total_seconds()
                query = promql.of_the_last(query, seen)
            return await ask(query)

        old, new = await both(self._settings, watch.watched, ask_series, notes)
        starts = await began(self._settings, watch.watched, ask, notes)
        watch.book.take(now, begun(old, starts), begun(new, starts))
        fates = await self._fates(watch.book.overdue(now), now)
        entry = watch.book.close(now, lambda labels: fates.get(labels, Fate.UNKNOWN))
        return _reading(entry, watch.epoch, datetime.now(UTC), notes)

    async def _clock(self) -> tuple[float, list[str]]:
        """The server's time, and what is to be said about it."""
        before = time.time()
        now = await self._server.now()
        after = time.time()
        skew = now - (before + after) / 2
        if abs(skew) <= SKEW + (after - before):
            return now, []
        way = "ahead of" if skew > 0 else "behind"
        return now, [f"the server's clock is {abs(skew):.0f} s {way} ours: ages are told by its own"]

    async def _fates(self, overdue: set[Labels], now: float) -> dict[Labels, Fate]:
        """Of silent series: whether the target does not answer, shows old samples, or has them no longer."""
        targets = {labels: target for labels in overdue if (target := _target(labels)) is not None}
        jobs = sorted({job for job, _ in targets.values()})
        if not jobs:
            return {}
        there = " or ".join(promql.exactly(labels) for labels in sorted(targets, key=sorted)[:MOST_ASKED])
        try:
            down, old = await asyncio.gather(
                self._server.query(f"up{{{promql.any_of('job', jobs)}}} == 0", now),
                self._server.query(there, now),
            )
            silent = {_target(sample.labels) for sample in answers.counters(down)}
            shown = [sample.labels for sample in answers.counters(old)]
        except (Refused, ValueError):
            return {}
        return {
            labels: Fate.MISSING if target in silent or any(labels <= one for one in shown) else Fate.ENDED
            for labels, target in targets.items()
        }

    async def _past(self, watch: _Watch, since: datetime, until: datetime) -> tuple[Reading, ...]:
        before = time.time()
        now, notes = await self._clock()
        skew = now - before if notes else 0.0
        step = self._settings.interval.total_seconds()
        book, epoch = self._book(watch.book.bounds), f"past-{uuid4().hex[:12]}"
        found: list[Reading] = []
        for start, end in chunks(since.timestamp() + skew, min(until.timestamp() + skew, now), step):

            async def ask(query: str, start: float = start, end: float = end) -> Answer:
                return await self._server.query_range(query, start, end, step)

            old, new = await both(self._settings, watch.watched, ask, notes)
            for at, then_old, then_new in by_step(old, new):
                book.take(at, then_old, then_new)
                entry = book.close(at, certain)
                found.append(_reading(entry, epoch, datetime.fromtimestamp(at - skew, UTC), []))
        watch.book.bounds = watch.book.bounds or book.bounds
        known = [one for one in found if one.old is not None or one.new is not None]
        if known:
            known[-1] = known[-1].model_copy(update={"notes": shortened([*notes, *known[-1].notes])})
        return tuple(known)


@dataclass
class _Watch:
    """What is kept for one rollout."""

    watched: Watched
    book: Book
    epoch: str = field(default_factory=lambda: uuid4().hex[:12])
    last: Reading | None = None
    looked: float = 0.0


def _reading(entry: Entry, epoch: str, at: datetime, notes: Sequence[str]) -> Reading:
    said = shortened([*notes, *entry.notes])
    return Reading(at=at, old=entry.old, new=entry.new, epoch=epoch, latency_bounds=entry.bounds, notes=said)


def _target(labels: Labels) -> tuple[str, str] | None:
    """(job, instance) of a series; None when it has lost them on its way."""
    named = dict(labels)
    return (named["job"], named["instance"]) if {"job", "instance"} <= named.keys() else None
