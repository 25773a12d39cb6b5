"""The settings of the source ``prometheus``."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pilotage.adapters.telemetry.ledger import Falls, Rules
from pilotage.adapters.telemetry.prometheus import promql
from pilotage.adapters.telemetry.secret import Secret
from pilotage.core.notation import DurationText
from pilotage.core.values import Frozen

COLLECTED_BY = ("job", "prometheus", "prometheus_replica", "replica", "monitor")


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it begins with http:// or https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("no user and password in an address: give `basic` or `bearer` by reference")
    if parts.query or parts.fragment:
        raise ValueError("an address without ? and #: /api/v1/… is added to it")
    return url.rstrip("/")


def _counted(query: str) -> str:
    if found := promql.trouble(query, cumulative=True):
        raise ValueError(found)
    return query


def _level(query: str) -> str:
    if found := promql.trouble(query, cumulative=False):
        raise ValueError(found)
    return query


def _plain(query: str) -> str:
    if found := promql.trouble(query, cumulative=False, apart=False):
        raise ValueError(found)
    return query


class Counter(Frozen):
    """A counter: a selector of its series, or an expression."""

    query: Annotated[str, AfterValidator(_counted)]
    absent: Literal["unknown", "zero"] = "unknown"
    """Of a version that is seen: ``zero`` when the series only appears once something happens."""


def _short(value: Any) -> Any:
    return {"query": value} if isinstance(value, str) else value


CounterText = Annotated[Counter, BeforeValidator(_short)]
Level = Annotated[str, AfterValidator(_level)]
FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Basic(Frozen):
    """HTTP basic authentication."""

    user: str
    password: Secret


class Settings(Frozen):
    """``interval``: between two scrapes. ``stale``: without a sample for so long a series is missing."""

    url: Annotated[str, AfterValidator(_web_address)]
    requests: CounterText | None = None
    errors: CounterText | None = None
    latency_bucket: Annotated[str, AfterValidator(_counted)] | None = None
    counters: dict[FieldName, CounterText] = Field(default_factory=dict)
    gauges: dict[FieldName, Level] = Field(default_factory=dict)
    started: Annotated[str, AfterValidator(_plain)] | None = None
    """Series whose values are the times (Unix seconds) at which others with the same labels began."""
    latency_unit: Literal["seconds", "milliseconds"] = "seconds"
    latency_bounds: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    shards: str | None = None
    """The label by which the old version's instances are split in two halves."""
    collected_by: tuple[str, ...] = COLLECTED_BY
    interval: DurationText = timedelta(seconds=15)
    stale: DurationText | None = None
    timeout: DurationText = timedelta(seconds=4)
    """For one whole look; the engine waits no longer than five seconds."""
    bearer: Secret | None = None
    basic: Basic | None = None
    ca: Annotated[str, Field(pattern=r"^/")] | None = None
    """A file with the certificates to trust, instead of the machine's own."""

    @model_validator(mode="after")
    def _sound(self) -> Settings:
        if not self.counted() and not self.gauges and self.latency_bucket is None:
            raise ValueError("nothing is asked for: give requests, errors, latency_bucket, counters or gauges")
        taken = [*self.counted(), *self.gauges]
        if {"requests", "errors", "latency_bucket", "shards"} & {*self.counters, *self.gauges}:
            raise ValueError(
                "requests, errors, latency_bucket and shards are no names for other counters or gauges"
            )
        if len(set(taken)) < len(taken):
            raise ValueError("a counter and a gauge have the same name")
        if self.bearer is not None and self.basic is not None:
            raise ValueError("only one of bearer and basic")
        if not 0.1 <= self.interval.total_seconds() <= 3600:
            raise ValueError("interval is from 100ms to 1h")
        if not 0.1 <= self.timeout.total_seconds() <= 4.5:
            raise ValueError("timeout is from 100ms to 4500ms")
        return self

    def counted(self) -> dict[str, Counter]:
        plain = {"requests": self.requests, "errors": self.errors}
        return {name: one for name, one in plain.items() if one is not None} | self.counters

    def queries(self) -> dict[str, str]:
        """Of all fields, by their names in an arm."""
        latency = {} if self.latency_bucket is None else {"latency_bucket": self.latency_bucket}
        return {name: one.query for name, one in self.counted().items()} | latency | self.gauges

    def stale_seconds(self) -> float:
        return self.stale.total_seconds() if self.stale else 4 * self.interval.total_seconds()

    def unit(self) -> float:
        return 1.0 if self.latency_unit == "seconds" else 0.001

    def bounds(self) -> tuple[float, ...] | None:
        """In the histograms' own unit."""
        if self.latency_bounds is None:
            return None
        return tuple(sorted(bound / self.unit() for bound in self.latency_bounds))

    def rules(self) -> dict[str, Rules]:
        zero = {name for name, one in self.counted().items() if one.absent == "zero"}
        stale = self.stale_seconds()
        return {
            name: Rules(
                stale=stale,
                gone=max(300.0, 2 * stale),
                falls=Falls.UNKNOWN if promql.sums(query) else Falls.RESTART,
                aside=frozenset(self.collected_by),
                zero=name in zero,
            )
            for name, query in self.queries().items()
        }
