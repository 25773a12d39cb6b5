"""The source ``otlp``: it listens from the first look until it is closed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pilotage.adapters.telemetry.book import LATENCY, Book, Found, shortened
from pilotage.adapters.telemetry.ledger import Fate, Labels
from pilotage.adapters.telemetry.otlp.settings import Metric, Settings
from pilotage.adapters.telemetry.placeholders import fill, of_one
from pilotage.adapters.telemetry.settings import problems_with
from pilotage.core.release import Release
from pilotage.core.telemetry import Reading, Watched
from pilotage.errors import Problem
from pilotage.ports import Site, TelemetryError

if TYPE_CHECKING:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    from pilotage.adapters.telemetry.otlp.arrivals import Arrivals
    from pilotage.adapters.telemetry.otlp.receiver import Receiver


class OtlpSource:
    """What arrives is kept for all versions; the book is about the rollout that is watched."""

    def __init__(self, site: Site) -> None:
        self._settings = Settings.model_validate(dict(site.settings))
        self._wanted = frozenset(metric.metric for metric in self._settings.fields().values())
        self._lock = threading.Lock()
        self._opened = 0.0
        self._arrivals: Arrivals | None = None
        self._receiver: Receiver | None = None
        self._watched: Watched | None = None
        self._book = self._fresh_book()
        self._epoch = ""

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        return problems_with(Settings, settings, "otlp") + _missing_library()

    async def read(self, watched: Watched) -> Reading:
        arrivals = await asyncio.to_thread(self._listen)
        if watched != self._watched:
            self._watched, self._book, self._epoch = watched, self._fresh_book(), uuid4().hex[:12]
        with self._lock:
            now = time.monotonic()
            self._check_heard(arrivals, now)
            old = self._found(arrivals, watched, watched.old)
            new = self._found(arrivals, watched, watched.new)
            notes = arrivals.notes()
            self._book.take(now, old, new)
            entry = self._book.close(now, lambda labels: Fate.ENDED if arrivals.ended(labels) else Fate.UNKNOWN)
        return Reading(
            at=datetime.now(UTC),
            old=entry.old,
            new=entry.new,
            epoch=self._epoch,
            latency_bounds=entry.bounds,
            notes=shortened([*notes, *entry.notes]),
        )

    async def history(self, watched: Watched, since: datetime, until: datetime) -> tuple[Reading, ...]:
        """None: nobody sends the past. But it listens from now on."""
        await asyncio.to_thread(self._listen)
        return ()

    async def close(self) -> None:
        receiver, self._receiver, self._arrivals = self._receiver, None, None
        if receiver is not None:
            await asyncio.to_thread(receiver.stop)

    def _listen(self) -> Arrivals:
        if self._arrivals is None or self._receiver is None:
            if problems := _missing_library():
                raise TelemetryError(*problems)
            from pilotage.adapters.telemetry.otlp.arrivals import Arrivals
            from pilotage.adapters.telemetry.otlp.receiver import Receiver

            token, stale = self._settings.token, self._settings.stale_seconds()
            arrivals = Arrivals(stale=stale, gone=max(300.0, 2 * stale))
            receiver = Receiver(
                self._settings.listen,
                lambda request: self._take(arrivals, request),
                lambda: None if token is None else token.read(),
            )
            receiver.start()
            self._arrivals, self._receiver, self._opened = arrivals, receiver, time.monotonic()
        return self._arrivals

    def _take(self, arrivals: Arrivals, request: ExportMetricsServiceRequest) -> None:
        from pilotage.adapters.telemetry.otlp.points import points

        with self._lock:
            found = points(request, self._wanted, self._settings.unit())
            arrivals.take(found, time.monotonic(), time.time())

    def _check_heard(self, arrivals: Arrivals, now: float) -> None:
        """Somebody must have sent something lately, or have been given the time for it."""
        stale = self._settings.stale_seconds()
        silent = now - max(self._opened, self._opened if arrivals.heard is None else arrivals.heard)
        if silent > stale:
            problem = Problem(
                code="telemetry.no-answer",
                what=f"nobody has sent metrics to {self._settings.listen} for {silent:.0f} s",
                mend="see OTEL_EXPORTER_OTLP_METRICS_ENDPOINT and the export interval of the services",
            )
            raise TelemetryError(problem)

    def _found(self, arrivals: Arrivals, watched: Watched, release: Release | None) -> Found:
        if release is None:
            return Found()
        settings, mine = self._settings, self._identity(watched, release)

        def fits(metric: Metric) -> Callable[[Labels], bool]:
            return lambda labels: mine <= labels and metric.fits(labels)

        latency = settings.fields().get(LATENCY)
        return Found(
            counters={name: arrivals.counts(fits(metric)) for name, metric in settings.counted().items()},
            latency=None if latency is None else arrivals.histograms(fits(latency)),
            gauges={name: arrivals.levels(fits(metric)) for name, metric in settings.gauges.items()},
        )

    def _identity(self, watched: Watched, release: Release) -> Labels:
        """The attributes that the processes of this release have."""
        values = of_one(watched, release)
        pairs = {self._settings.version_attribute: self._settings.version}
        if self._settings.service is not None:
            pairs["service.name"] = self._settings.service
        return frozenset((key, fill(text, values)) for key, text in pairs.items())

    def _fresh_book(self) -> Book:
        settings = self._settings
        halves = settings.instance_attribute if settings.shards else None
        return Book(settings.rules(), settings.bounds(), settings.unit(), halves)


def _missing_library() -> list[Problem]:
    try:
        found = find_spec("opentelemetry.proto") is not None
    except ModuleNotFoundError:
        found = False
    if found:
        return []
    return [
        Problem(
            code="telemetry.library",
            what="the telemetry source otlp needs the package opentelemetry-proto",
            mend="pip install 'pilotage[otlp]'",
        )
    ]
