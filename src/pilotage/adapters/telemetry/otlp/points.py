"""From OpenTelemetry's messages to points: one number or histogram of one series at one time. Pure.

Sources: OpenTelemetry, *Metrics Data Model* and ``opentelemetry/proto/metrics/v1/metrics.proto``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from math import inf
from typing import Any, NamedTuple

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as pb

from pilotage.adapters.telemetry.histograms import Classic, Exponential
from pilotage.adapters.telemetry.ledger import Labels

Value = float | Classic | Exponential
_NANO = 1e-9
LEAST_SCALE, MOST_SCALE = -10, 20
"""Scales that the data model speaks of; others would be beyond a float."""


class Kind(StrEnum):
    CUMULATIVE = "cumulative"
    """It counts since ``start``."""
    DELTA = "delta"
    """It counts from ``start`` to ``at``."""
    LEVEL = "level"
    """A gauge, or a sum that may fall."""


class Point(NamedTuple):
    labels: Labels
    """Attributes of the resource and of the point, and the metric as ``__name__``."""
    kind: Kind
    start: float | None
    """Unix seconds of the sender, as ``at``."""
    at: float
    value: Value
    ended: bool
    """The sender says that it has no value any more."""


def points(request: ExportMetricsServiceRequest, wanted: frozenset[str], unit: float) -> Iterator[Point]:
    """All points of the wanted metrics. ``unit``: seconds that one unit of the histograms is."""
    for resource in request.resource_metrics:
        own = _attributes(resource.resource.attributes)
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                if metric.name in wanted:
                    yield from _of(metric, own, unit)


def _of(metric: pb.Metric, own: dict[str, str], unit: float) -> Iterator[Point]:
    data = getattr(metric, metric.WhichOneof("data") or "", None)
    for point in getattr(data, "data_points", ()):
        value = _value(point, unit)
        if value is None:
            continue
        labels = own | {
            (f"point.{key}" if key in own else key): text for key, text in _attributes(point.attributes).items()
        }
        yield Point(
            labels=frozenset((labels | {"__name__": metric.name}).items()),
            kind=_kind(data),
            start=point.start_time_unix_nano * _NANO if point.start_time_unix_nano else None,
            at=point.time_unix_nano * _NANO,
            value=value,
            ended=bool(point.flags & pb.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK),
        )


def _kind(data: Any) -> Kind:
    if isinstance(data, pb.Gauge) or (isinstance(data, pb.Sum) and not data.is_monotonic):
        return Kind.LEVEL
    delta = data.aggregation_temporality == pb.AGGREGATION_TEMPORALITY_DELTA
    return Kind.DELTA if delta else Kind.CUMULATIVE


def _value(point: Any, unit: float) -> Value | None:
    match point:
        case pb.NumberDataPoint():
            return float(point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)
        case pb.HistogramDataPoint():
            return _classic(point)
        case pb.ExponentialHistogramDataPoint():
            return _exponential(point, unit)
        case _:
            return None  # a summary: quantiles can not be added


def _classic(point: pb.HistogramDataPoint) -> Classic:
    bounds = (*point.explicit_bounds, inf)
    if len(point.bucket_counts) != len(bounds):  # a histogram without buckets has only its count
        return Classic({inf: float(point.count)})
    cumulative, so_far = {}, 0.0
    for bound, count in zip(bounds, point.bucket_counts, strict=True):
        so_far += count
        cumulative[bound] = so_far
    return Classic(cumulative)


def _exponential(point: pb.ExponentialHistogramDataPoint, unit: float) -> Exponential | None:
    """OpenTelemetry's bucket i is (base^i, base^(i+1)]; ours goes by its upper bound."""
    if not LEAST_SCALE <= point.scale <= MOST_SCALE:
        return None
    first = point.positive.offset + 1
    buckets = {first + place: float(n) for place, n in enumerate(point.positive.bucket_counts) if n}
    low = float(point.zero_count + sum(point.negative.bucket_counts))
    return Exponential(point.scale, buckets, low, point.zero_threshold, unit)


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, str]:
    return {pair.key: _text(pair.value) for pair in pairs}


def _text(value: AnyValue) -> str:
    match value.WhichOneof("value"):
        case "bool_value":
            return "true" if value.bool_value else "false"
        case "array_value":
            return json.dumps([_text(one) for one in value.array_value.values])
        case "string_value" | "int_value" | "double_value" as kind:
            return str(getattr(value, kind))
        case _:
            return ""
