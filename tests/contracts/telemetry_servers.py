"""Drivers of the sources that have real servers on their other side."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing
from copy import deepcopy
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "adapters" / "telemetry"))

from otlp_bench import counters, point, post
from postgresql_bench import PostgreSql
from prometheus_bench import Prometheus
from servers import binary, until
from telemetry_driver import BOUNDS, Driver, Figures

from pilotage.adapters.telemetry.otlp.source import OtlpSource
from pilotage.adapters.telemetry.prometheus.source import PrometheusSource
from pilotage.adapters.telemetry.sql.source import SqlSource
from ports import free_port


class PrometheusDriver(Driver):
    kind = PrometheusSource
    keeps_history = True
    tells_restarts = False
    """They are counted over: tests/adapters/telemetry/test_prometheus.py."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server = Prometheus(folder.with_name("prometheus"))

    async def __aenter__(self) -> Self:
        self._exporter = self._server.exporter("shop")
        self._server.__enter__()
        self._server.scraped()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    def settings(self) -> Mapping[str, Any]:
        return {
            "url": self._server.url,
            "requests": 'shop_requests_total{version="{version}"}',
            "errors": 'shop_errors_total{version="{version}"}',
            "latency_bucket": 'shop_seconds_bucket{version="{version}"}',
            "counters": {"conversions": 'shop_orders_total{version="{version}"}'},
            "interval": "1s",
            "timeout": "2s",
        }

    def misspelt(self) -> tuple[Mapping[str, Any], str]:
        return {**self.settings(), "intervall": "1s"}, "interval"

    async def show(self, old: Figures | None, new: Figures | None) -> None:
        begun = time.monotonic()
        lines = [line for version, arm in (("1.0", old), ("2.0", new)) for line in _metrics(version, arm or {})]
        self._exporter.write("\n".join(lines))
        self._server.scraped()
        _rested(begun)

    async def go_down(self) -> None:
        begun = time.monotonic()
        self._server.stop()
        _rested(begun)

    async def fall_silent(self) -> None:
        begun = time.monotonic()
        os.kill(self._server.pid, signal.SIGSTOP)
        _rested(begun)

    async def nonsense(self) -> AsyncIterator[str]:
        for value in ("NaN", "+Inf", "-1", "1e300"):
            await self.show(None, {"requests": value, "errors": 1})
            yield value

    async def keep(self, past: Sequence[tuple[datetime, Figures]]) -> None:
        lines = sorted(
            f"{line} {at.timestamp():.0f}" for at, figures in past for line in _metrics("1.0", figures)
        )
        text = self._server.folder / "past.txt"
        text.write_text("\n".join([*lines, "# EOF", ""]))
        self._server.stop()
        tool, data = binary("promtool", "prometheus"), str(self._server.folder / "data")
        command = [tool, "tsdb", "create-blocks-from", "openmetrics", str(text), data]
        subprocess.run(command, check=True, capture_output=True)
        self._server.start()


def _metrics(version: str, figures: Figures) -> list[str]:
    names = {"requests": "requests_total", "errors": "errors_total", "conversions": "orders_total"}
    lines = [
        f'shop_{names[name]}{{version="{version}"}} {value}' for name, value in figures.items() if name in names
    ]
    buckets = zip([*map(str, BOUNDS), "+Inf"], figures.get("latency_bucket", ()), strict=False)
    return [*lines, *(f'shop_seconds_bucket{{version="{version}",le="{le}"}} {n}' for le, n in buckets)]


def _rested(begun: float) -> None:
    """Until an answer from before ``begun`` is not used again."""
    until(lambda: time.monotonic() - begun > 1 / 3 + 0.05)


class OtlpDriver(Driver):
    """A service that sends every 50 ms what it was told to show, as requests made by hand."""

    kind = OtlpSource
    tells_restarts = False
    """They are counted over: tests/adapters/telemetry/test_otlp.py."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._port = free_port()
        self._token = folder.with_name("token")
        self._token.write_text(self.secret)
        self._shown: list[dict[str, Any]] = []
        self._sending: asyncio.Task[None] | None = None
        self._sent = 0

    async def __aenter__(self) -> Self:
        self._sending = asyncio.create_task(self._send())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.go_down()

    def settings(self) -> Mapping[str, Any]:
        return {
            "listen": f"127.0.0.1:{self._port}",
            "requests": "shop.requests",
            "errors": "shop.errors",
            "latency_bucket": "shop.seconds",
            "counters": {"conversions": "shop.conversions"},
            "token": {"file": str(self._token)},
            "stale": "2s",
        }

    def misspelt(self) -> tuple[Mapping[str, Any], str]:
        return {**self.settings(), "lisen": "127.0.0.1:1"}, "listen"

    def source(self) -> OtlpSource:
        """It listens from its first look, or when the past is asked for: so that ``show`` reaches it."""
        made = super().source()
        assert isinstance(made, OtlpSource)
        made._listen()
        return made

    async def show(self, old: Figures | None, new: Figures | None) -> None:
        both = (("1.0", old), ("2.0", new))
        await self._put([_request(version, arm) for version, arm in both if arm is not None])

    async def _put(self, requests: list[dict[str, Any]]) -> None:
        """Returns when all of it was sent at least once."""
        self._shown = requests
        wanted = self._sent + 2
        while self._sent < wanted:
            await asyncio.sleep(0.01)

    async def go_down(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])
        self._silence = time.monotonic()
        while time.monotonic() - self._silence < 2.1:
            await asyncio.sleep(0.05)

    fall_silent = go_down

    async def nonsense(self) -> AsyncIterator[str]:
        for value in ("NaN", "Infinity", -1, 1e300):
            await self._put([_request("2.0", {"requests": value, "errors": 1})])
            yield str(value)

    async def _send(self) -> None:
        headers = {"Authorization": f"Bearer {self.secret}"}
        while True:
            for request in [*self._shown]:
                stamped = _stamped(request)
                await asyncio.to_thread(post, self._port, stamped, **headers)
            self._sent += 1
            await asyncio.sleep(0.05)


def _request(version: str, figures: Figures) -> dict[str, Any]:
    sums = {f"shop.{name}": [point(value)] for name, value in figures.items() if name != "latency_bucket"}
    request = counters(version, sums)
    if cumulative := figures.get("latency_bucket"):
        counts = [later - before for before, later in pairwise([0, *cumulative])]
        shown = point(0) | {
            "count": str(cumulative[-1]),
            "bucketCounts": list(map(str, counts)),
            "explicitBounds": BOUNDS,
        }
        del shown["asDouble"]
        data = {"aggregationTemporality": 2, "dataPoints": [shown]}
        metrics = request["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
        metrics.append({"name": "shop.seconds", "histogram": data})
    return request


def _stamped(request: dict[str, Any]) -> dict[str, Any]:
    """As of now."""
    copy = deepcopy(request)
    for metric in copy["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
        for one in (metric.get("sum") or metric["histogram"])["dataPoints"]:
            one["timeUnixNano"] = str(time.time_ns())
    return copy


class SqliteDriver(Driver):
    kind = SqlSource
    serves = frozenset({"requests", "errors", "conversions"})
    tells_restarts = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._file = folder.with_name("shop.db")
        self._locked: sqlite3.Connection | None = None

    async def __aenter__(self) -> Self:
        self._do("create table figures (version text, requests, errors, conversions)")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._locked is not None:
            self._locked.close()

    def settings(self) -> Mapping[str, Any]:
        return {**self._where(), **QUERY}

    def _where(self) -> Mapping[str, Any]:
        return {"sqlite": str(self._file)}

    def misspelt(self) -> tuple[Mapping[str, Any], str]:
        return {**self.settings(), "querry": ""}, "query"

    async def show(self, old: Figures | None, new: Figures | None) -> None:
        rows = [
            f"('{version}', {', '.join(str(arm.get(name, 'null')) for name in COLUMNS)})"
            for version, arm in (("1.0", old), ("2.0", new))
            if arm is not None
        ]
        insert = [f"insert into figures values {', '.join(rows)}"] if rows else []
        self._do("delete from figures", *insert)

    async def go_down(self) -> None:
        self._file.unlink()

    async def fall_silent(self) -> None:
        """Somebody else has the file for himself."""
        self._locked = sqlite3.connect(self._file, isolation_level=None)
        self._locked.execute("begin exclusive")

    async def nonsense(self) -> AsyncIterator[str]:
        for value in ("'many'", "9e999", "-1", "1e300"):
            await self.show(None, {"requests": value, "errors": 1})
            yield value

    def _do(self, *statements: str) -> None:
        with closing(sqlite3.connect(self._file)) as database, database:
            for one in statements:
                database.execute(one)


COLUMNS = ("requests", "errors", "conversions")
QUERY: Mapping[str, Any] = {
    "query": "select requests, errors, conversions from figures where version = :version",
    "counters": list(COLUMNS),
    "interval": "0s",
    "timeout": "1s",
}


class PostgreSqlDriver(SqliteDriver):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server = PostgreSql(self.secret)
        self._words = folder.with_name("words")
        self._words.write_text(self._server.words)

    async def __aenter__(self) -> Self:
        self._server.__enter__()
        types = ", ".join(f"{name} double precision" for name in COLUMNS)
        self._do(f"create table figures (version text, {types})")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    def _where(self) -> Mapping[str, Any]:
        return {"postgresql": {"file": str(self._words)}}

    async def go_down(self) -> None:
        self._server.stop()

    async def fall_silent(self) -> None:
        self._server.pause()

    async def nonsense(self) -> AsyncIterator[str]:
        for value in ("'NaN'", "'Infinity'", "-1", "1e300"):
            await self.show(None, {"requests": value, "errors": 1})
            yield value

    def _do(self, *statements: str) -> None:
        self._server.run(*statements)


SERVERS = {
    "prometheus": pytest.param(PrometheusDriver, marks=pytest.mark.real),
    "otlp": pytest.param(OtlpDriver, marks=pytest.mark.real),
    "sqlite": SqliteDriver,
    "postgresql": pytest.param(PostgreSqlDriver, marks=pytest.mark.real),
}
