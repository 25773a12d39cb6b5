"""From answers of the HTTP API to samples and histograms. Pure.

Source: Prometheus documentation, *HTTP API*, "Expression query result formats", also for native histograms:
buckets are ``[boundary rule, lower, upper, count]``, those without a count are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import inf, isnan, log2, nan
from typing import Any, NamedTuple

from pilotage.adapters.telemetry.histograms import (
    MOST_SCHEMA,
    Classic,
    Counts,
    Exponential,
    Histogram,
    schema_of,
)
from pilotage.adapters.telemetry.ledger import Labels, Sample

BOUND = "le"


class Answer(NamedTuple):
    """``kind``: vector, matrix, scalar or string; ``result`` as it came. ``notes``: warnings and infos."""

    kind: str
    result: Any
    notes: tuple[str, ...] = ()


class _Point(NamedTuple):
    labels: Labels
    at: float
    value: float
    native: Mapping[str, Any] | None


def counters(answer: Answer) -> list[Sample]:
    """A native histogram counts as its count. ValueError: not as the API promises."""
    return [Sample(point.labels, point.at, (point.value,)) for point in _points(answer)]


def histograms(answer: Answer, unit: float, notes: list[str]) -> list[Histogram]:
    """Native ones, or classic ones put together from their series by ``le``."""
    found: list[Histogram] = []
    classic: dict[tuple[Labels, float], dict[float, float]] = defaultdict(dict)
    for point in _points(answer):
        if point.native is not None:
            counts = _native(point.native, unit)
            if counts is None:
                notes.append("latency_bucket: a native histogram with bounds of its own: left out")
            else:
                found.append(Histogram(point.labels, point.at, counts))
            continue
        bound = _number(dict(point.labels).get(BOUND, "nan"))
        whole = frozenset(pair for pair in point.labels if pair[0] != BOUND)
        if isnan(bound):
            notes.append("latency_bucket: series without a bound (`le`): left out")
        elif bound in classic[whole, point.at]:
            notes.append(f"latency_bucket: two series with le={bound:g}: not known which one counts")
            classic[whole, point.at][inf] = nan
        else:
            classic[whole, point.at][bound] = point.value
    return found + _whole(classic, notes)


def at_times(answer: Answer) -> list[tuple[Labels, float]]:
    """Series without their names, and their values: times."""
    unnamed = (
        (frozenset(pair for pair in p.labels if pair[0] != "__name__"), p.value) for p in _points(answer)
    )
    return [(labels, value) for labels, value in unnamed if not isnan(value)]


def _whole(classic: Mapping[tuple[Labels, float], Mapping[float, float]], notes: list[str]) -> list[Histogram]:
    found = []
    for (labels, at), cumulative in classic.items():
        rising = [count for _, count in sorted(cumulative.items())]
        if inf not in cumulative:
            notes.append("latency_bucket: buckets without le=+Inf: left out")
        elif any(isnan(count) for count in rising) or rising != sorted(rising):
            continue  # NaN: stale; a torn scrape: the next one is whole
        else:
            found.append(Histogram(labels, at, Classic(cumulative)))
    return found


def _points(answer: Answer) -> Iterator[_Point]:
    try:
        if answer.kind == "scalar":
            yield _Point(frozenset(), float(answer.result[0]), _number(answer.result[1]), None)
            return
        if answer.kind not in ("vector", "matrix"):
            raise ValueError(f"it answered with a {answer.kind}")
        for series in answer.result:
            yield from _series(series)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"not as the API promises: {type(error).__name__}") from error


def _series(series: Mapping[str, Any]) -> Iterator[_Point]:
    labels = frozenset((str(key), str(value)) for key, value in series["metric"].items())
    single: Sequence[Any] = [series["value"]] if "value" in series else series.get("values", ())
    for at, value in single:
        yield _Point(labels, float(at), _number(value), None)
    native: Sequence[Any] = [series["histogram"]] if "histogram" in series else series.get("histograms", ())
    for at, histogram in native:
        yield _Point(labels, float(at), _number(histogram["count"]), histogram)


def _native(histogram: Mapping[str, Any], unit: float) -> Counts | None:
    """None when its buckets are not exponential."""
    low, threshold, schema = 0.0, 0.0, None
    rest: list[tuple[float, float]] = []
    for _, lower, upper, count in histogram.get("buckets") or ():
        least, most, number = _number(lower), _number(upper), _number(count)
        if least <= 0:
            low, threshold = low + number, max(threshold, most)
        else:
            rest.append((most, number))
            found = schema_of(least, most)
            if (found is None and most < inf) or schema not in (None, found):
                return None
            schema = found if found is not None else schema
    finest = MOST_SCHEMA if schema is None else schema
    buckets = {_index(most, finest): number for most, number in rest}
    return Exponential(finest, buckets, low, threshold, unit)


def _index(upper: float, schema: int) -> int:
    return round(log2(upper) * 2.0**schema) if upper < inf else 1 << 62


def _number(text: Any) -> float:
    return float(text)
