"""Services that send metrics with OpenTelemetry's own SDK, and requests made by hand."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

JSON = "application/json"
BEGAN = time.time() - 100
"""When the processes of points made by hand began."""


class Service:
    """One process of the shop, as OpenTelemetry sees it. ``flush`` sends what it has counted, now."""

    def __init__(
        self,
        port: int,
        version: str,
        instance: str | None = "a",
        *,
        delta: bool = False,
        exponential: int | None = None,
        token: str | None = None,
        bounds: Sequence[float] = (0.01, 0.1, 1.0),
    ) -> None:
        temporality = AggregationTemporality.DELTA if delta else AggregationTemporality.CUMULATIVE
        exporter = OTLPMetricExporter(
            endpoint=f"http://127.0.0.1:{port}/v1/metrics",
            compression=Compression.Gzip if delta else Compression.NoCompression,
            headers={} if token is None else {"Authorization": f"Bearer {token}"},
            preferred_temporality={Counter: temporality, Histogram: temporality},
            timeout=2,
        )
        self._reader = PeriodicExportingMetricReader(exporter, export_interval_millis=1e9)
        views = []
        if exponential is not None:
            aggregation = ExponentialBucketHistogramAggregation(max_size=exponential)
            views = [View(instrument_name="shop.seconds", aggregation=aggregation)]
        attributes = {"service.name": "shop", "service.version": version}
        attributes |= {} if instance is None else {"service.instance.id": instance}
        self._provider = MeterProvider(
            [self._reader], Resource(attributes), views=views, shutdown_on_exit=False
        )
        meter = self._provider.get_meter("shop")
        self.seconds = meter.create_histogram("shop.seconds", explicit_bucket_boundaries_advisory=bounds)
        self.orders = meter.create_counter("shop.orders")
        self.memory = meter.create_gauge("shop.memory")

    def answer(self, number: int, seconds: float = 0.05, status: int = 200) -> None:
        for _ in range(number):
            self.seconds.record(seconds, {"http.response.status_code": status})

    def flush(self) -> None:
        self._provider.force_flush(10_000)

    def forget(self) -> None:
        """As when the process is killed: nothing more is sent."""
        self._reader._shutdown = True
        self._reader._shutdown_event.set()


def point(
    value: float, at: float | None = None, start: float | None = None, **attributes: str
) -> dict[str, Any]:
    now = time.time()
    return {
        "asDouble": value,
        "timeUnixNano": str(int((now if at is None else at) * 1e9)),
        "startTimeUnixNano": str(int((BEGAN if start is None else start) * 1e9)),
        "attributes": [{"key": key, "value": {"stringValue": text}} for key, text in attributes.items()],
    }


def counters(version: str, points: Mapping[str, Sequence[dict[str, Any]]], **more: Any) -> dict[str, Any]:
    """A request in JSON: monotonic cumulative sums by name."""
    attributes = {"service.name": "shop", "service.version": version, "service.instance.id": "a"}
    sums = [
        {
            "name": name,
            "sum": {"aggregationTemporality": 2, "isMonotonic": True, **more, "dataPoints": list(those)},
        }
        for name, those in points.items()
    ]
    pairs = [{"key": key, "value": {"stringValue": text}} for key, text in attributes.items()]
    return {"resourceMetrics": [{"resource": {"attributes": pairs}, "scopeMetrics": [{"metrics": sums}]}]}


def post(
    port: int,
    body: bytes | dict[str, Any],
    kind: str = JSON,
    path: str = "/v1/metrics",
    zipped: bool = False,
    **headers: str,
) -> int:
    """The status."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    named = {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()}
    if zipped:
        data, named["Content-Encoding"] = gzip.compress(data), "gzip"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, data, named)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
