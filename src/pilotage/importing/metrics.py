"""Metrics and their thresholds: sources of telemetry, and measures of the judge.

The other tools compare a figure of the new version with a fixed threshold, look by look. Pilotage counts the
series behind the figure for both versions and compares them; so the query is kept and its `rate` is not needed,
and a fixed threshold is kept only where Pilotage has one: for the share of requests that fail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, assert_never

from pilotage.importing import promql
from pilotage.importing.draft import Draft, share
from pilotage.importing.fields import Field
from pilotage.importing.ledger import Ledger
from pilotage.importing.reading import is_computed

OWN = (
    "errors",
    "latency",
    "traffic",
    "disaster",
    "limit",
    "requests",
    "latency_bucket",
    "shards",
    "conversions",
)
_HALF = 0.5
_ERRORS_NAMED = re.compile(r"success|error|fail|5xx|availab", re.IGNORECASE)
_ERRORS_TOLD = re.compile(r"5|internal|unknown|error|fail", re.IGNORECASE)
_URL = "http://127.0.0.1:9090"
_NOT_COUNTER = "write the counters behind it by hand: docs/telemetry/prometheus.md"
_ROUTER = {"kind": "router"}
_APART = (
    "series of the new and the old version must differ in the label `version`; let the service or the scrape "
    "configuration set it, or write another label"
)
_RELATIVE = "judge.measures says by how much a version may be worse than the old one; docs/judge.md"


@dataclass(frozen=True, slots=True)
class Bound:
    """Fine while the figure is at most (``worse == "more"``) or at least (``"less"``) the limit."""

    worse: str
    limit: float


@dataclass(frozen=True, slots=True)
class Metric:
    """``query`` as it is asked, what is known filled in; ``thresholds``: the fields of ``bound``."""

    name: str
    query: str
    asked: Field
    address: Field | None = None
    url: str | None = None
    bound: Bound | None = None
    thresholds: tuple[Field, ...] = ()


def prometheus(ledger: Ledger, draft: Draft, metric: Metric) -> None:
    """One metric that Prometheus is asked for."""
    try:
        if is_computed(metric.query):
            raise promql.NotUnderstood("parts of it are only known in the cluster")
        found = promql.counted(metric.query)
    except promql.NotUnderstood as reason:
        ledger.lost(metric.asked, f"no counter can be taken from it: {reason}", _NOT_COUNTER)
        ledger.lost(metric.address, "nothing is asked there", "see the query")
        _no_threshold(ledger, metric)
        return
    url = _address(ledger, draft, metric)
    _take(ledger, draft, metric, found, _source(draft, url))


def success_rate(ledger: Ledger, draft: Draft, thresholds: tuple[Field, ...], least: float) -> None:
    """A share of requests that must not fail."""
    allowed = 1.0 - least
    if not 0.0 < allowed < _HALF:
        for one in thresholds:
            why = f"a share of {share(max(allowed, 0.0))} failed requests is no limit that the judge can hold"
            ledger.lost(one, why, "write judge.errors.limit, more than 0% and less than 50%")
        return
    known = draft.get("judge", "slos")
    if known and known[0]["objective"] != share(1 - allowed / 2):
        for one in thresholds:
            ledger.lost(one, "there is one limit of failed requests already", "add it to judge.slos by hand")
        return
    note = f"{share(allowed)} failed requests, as the metric's threshold had it: where no old version serves …"
    draft.put("judge", "errors", "limit", value=share(allowed), note=note)
    slo = {"objective": share(1 - allowed / 2), "burn": 2, "long": "5m", "short": "1m"}
    note = f"… and beside the comparison: twice the budget of {share(allowed / 2)} is {share(allowed)}"
    named = draft.put("judge", "slos", value=[slo], note=note)
    for one in thresholds:
        why = "the judge also compares with the old version, and finds much less than this"
        ledger.translated(one, f"{named}, judge.errors.limit", why)


def _address(ledger: Ledger, draft: Draft, metric: Metric) -> str:
    url = metric.url or (metric.address.text if metric.address else None) or ""
    fine = re.fullmatch(r"https?://[A-Za-z0-9.\[\]:_-]+(?:/[!-~]*)?", url) and not set("?#@") & set(url)
    if fine and not (metric.address and metric.address.secret):
        if metric.address:
            ledger.translated(metric.address, "telemetry[].url")
        return url.rstrip("/")
    if metric.address:
        why = "it is no address that can be asked, or holds what looks like a secret"
        ledger.lost(metric.address, why, "write telemetry.url; user and password go by reference")
    where = "the url of your Prometheus"
    draft.note("environment", "telemetry", note=f"FILL IN: {where}")
    ledger.fill[f"{draft.named('environment', 'telemetry')}[].url"] = where
    return _URL


def _source(draft: Draft, url: str) -> dict[str, Any]:
    sources = draft.get("environment", "telemetry")
    if sources is None:
        sources = []
        draft.put("environment", "telemetry", value=sources)
    for one in sources:
        if one.get("url") == url:
            found: dict[str, Any] = one
            return found
    made: dict[str, Any] = {"kind": "prometheus", "url": url}
    sources.append(made)
    return made


def finish(draft: Draft) -> None:
    """The router counts what no other source does; a source that is asked for nothing is left out."""
    sources = draft.get("environment", "telemetry")
    if sources is None:
        return
    asked = [one for one in sources if one.keys() - {"kind", "url"}]
    complete = any({"requests", "errors", "latency_bucket"} <= one.keys() for one in asked)
    if asked:
        draft.data["environment"]["telemetry"] = asked if complete else [*asked, _ROUTER]
    else:
        del draft.data["environment"]["telemetry"]


def _take(ledger: Ledger, draft: Draft, metric: Metric, found: promql.Counted, source: dict[str, Any]) -> None:
    bound = _bound_of_shape(metric.bound, found)
    match found.shape:
        case promql.Fraction():
            _fraction(ledger, draft, metric, found.shape, bound, source)
        case promql.Quantile(bucket=bucket):
            _quantile(ledger, draft, metric, bucket, source)
        case promql.Mean(above, below):
            names = {f"{_figure(metric.name)}_above": above, f"{_figure(metric.name)}_below": below}
            _measure(ledger, draft, metric, bound, names, source, kind="mean")
        case promql.Counter(counter):
            _measure(ledger, draft, metric, bound, {_figure(metric.name): counter}, source, kind="rate")
        case promql.Level(gauge):
            _measure(ledger, draft, metric, bound, {_figure(metric.name): gauge}, source, kind="gauge")
        case _:
            assert_never(found.shape)
    if found.or_nothing:
        draft.note(
            "environment", "telemetry", note=f"{metric.name}: missing data held for a number; now it holds"
        )


def _bound_of_shape(bound: Bound | None, found: promql.Counted) -> Bound | None:
    """Of ``shape`` instead of ``offset + scale * shape``."""
    if bound is None or not found.scale:
        return None
    worse = bound.worse if found.scale > 0 else {"more": "less", "less": "more"}[bound.worse]
    return Bound(worse, (bound.limit - found.offset) / found.scale)


def _fraction(
    ledger: Ledger,
    draft: Draft,
    metric: Metric,
    shape: promql.Fraction,
    bound: Bound | None,
    source: dict[str, Any],
) -> None:
    """A share of requests: of those that succeed when less is worse, else of those that fail."""
    good = bound is not None and bound.worse == "less"
    part, whole = (shape.rest if good else shape.part), shape.whole
    if "errors" in source or not _of_errors(metric.name, shape):
        name = _figure(metric.name)
        turned = Bound("more", bound.limit) if bound is not None else None
        figures = {name: part, f"{name}_of": whole}
        _measure(ledger, draft, metric, turned, figures, source, kind="count")
        return
    source["requests"] = str(promql.with_version(whole))
    source["errors"] = {"query": str(promql.with_version(part)), "absent": "zero"}
    _query_kept(ledger, draft, metric, "requests and errors", whole, part)
    if bound is None:
        _no_threshold(ledger, metric)
    else:
        success_rate(ledger, draft, metric.thresholds, bound.limit if good else 1.0 - bound.limit)


def _of_errors(name: str, shape: promql.Fraction) -> bool:
    """Whether the name of the metric, or what its part is told by, speaks of failed requests."""
    apart = " ".join(matcher.value for matcher in {*shape.part.matchers} - {*shape.whole.matchers})
    return bool(_ERRORS_NAMED.search(name) or _ERRORS_TOLD.search(apart))


def _quantile(
    ledger: Ledger, draft: Draft, metric: Metric, bucket: promql.Selector, source: dict[str, Any]
) -> None:
    asked = str(promql.with_version(bucket))
    if source.get("latency_bucket", asked) != asked:
        _twice(ledger, metric, "latencies")
        return
    source["latency_bucket"] = asked
    if re.search(r"(?:_ms|milliseconds)(?:_bucket)?$", bucket.metric):
        source["latency_unit"] = "milliseconds"
    _query_kept(ledger, draft, metric, "latency_bucket", bucket)
    for one in metric.thresholds:
        why = "latencies are compared with the old version's, p50 to p99.9; there is no fixed limit for them"
        ledger.lost(one, why, "judge.latency says by how much the new version may be slower")


def _measure(
    ledger: Ledger,
    draft: Draft,
    metric: Metric,
    bound: Bound | None,
    figures: dict[str, promql.Selector],
    source: dict[str, Any],
    *,
    kind: str,
) -> None:
    name = _figure(metric.name)
    if draft.get("judge", "measures", name) is not None:
        _twice(ledger, metric, name)
        return
    group = "gauges" if kind == "gauge" else "counters"
    for figure, selector in figures.items():
        source.setdefault(group, {})[figure] = str(promql.with_version(selector))
    measure: dict[str, Any] = {"kind": kind}
    if kind == "mean":
        measure |= {"of": f"{name}_above", "per": f"{name}_below"}
    if kind == "count":
        measure["per"] = f"{name}_of"
    if bound is not None:
        measure["worse"] = bound.worse
    else:
        measure["role"] = "watch"
    draft.put("judge", "measures", name, value=measure)
    _query_kept(ledger, draft, metric, f"{group} and judge.measures.{name}", *figures.values())
    _no_threshold(ledger, metric)


def _query_kept(ledger: Ledger, draft: Draft, metric: Metric, where: str, *selectors: promql.Selector) -> None:
    added = not all(any("{version}" in matcher.value for matcher in one.matchers) for one in selectors)
    why = "the series are counted for both versions; without rate() and sums"
    if added:
        why += '; version="{version}" is added to tell them apart'
        draft.note("environment", "telemetry", note=f"FILL IN: {_APART}")
        ledger.fill[draft.named("environment", "telemetry")] = _APART
    ledger.translated(metric.asked, f"telemetry[].{where}", why)


def _no_threshold(ledger: Ledger, metric: Metric) -> None:
    for one in metric.thresholds:
        ledger.lost(one, "the judge compares with the old version, it has no fixed limit for this", _RELATIVE)


def _twice(ledger: Ledger, metric: Metric, what: str) -> None:
    why = f"another metric gives {what} already"
    ledger.lost(metric.asked, why, "decide which of the two the judge should hear")
    for one in metric.thresholds:
        ledger.lost(one, why, "see its query")


def _figure(name: str) -> str:
    """A name as sources of telemetry have them, that is none of the judge's own."""
    figure = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:50] or "metric"
    return f"metric_{figure}" if figure in OWN or not figure[0].isalpha() else figure
