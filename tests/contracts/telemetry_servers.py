"""Drivers of the sources that have real servers on their other side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "adapters" / "telemetry"))

from prometheus_bench import Prometheus
from servers import binary, until
from telemetry_driver import BOUNDS, Driver, Figures

from pilotage.adapters.telemetry.prometheus.source import PrometheusSource


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


SERVERS = {
    "prometheus": pytest.param(PrometheusDriver, marks=pytest.mark.real),
}
