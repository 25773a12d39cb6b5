"""The settings of the source ``otlp``."""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase
from ipaddress import ip_address
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from pilotage.adapters.telemetry.ledger import Labels, Rules
from pilotage.adapters.telemetry.placeholders import APART
from pilotage.adapters.telemetry.secret import Secret
from pilotage.core.notation import DurationText
from pilotage.core.routing import Address
from pilotage.core.values import Frozen

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Metric(Frozen):
    """A metric by its name. ``where``: attributes that its points must have; ``*`` stands for any letters."""

    metric: Annotated[str, Field(min_length=1)]
    where: dict[str, str] = Field(default_factory=dict)
    absent: Literal["unknown", "zero"] = "unknown"
    """Of a version that is heard: ``zero`` when the points only come once something happens."""

    def fits(self, labels: Labels) -> bool:
        named = dict(labels)
        if named.get("__name__") != self.metric:
            return False
        return all(key in named and fnmatchcase(named[key], wanted) for key, wanted in self.where.items())


def _short(value: Any) -> Any:
    return {"metric": value} if isinstance(value, str) else value


def _address(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError("an address is an IP address with a port: 127.0.0.1:4318")
    return {"host": host.strip("[]"), "port": int(port)}


MetricText = Annotated[Metric, BeforeValidator(_short)]


class Settings(Frozen):
    """``version`` and ``service``: what the attributes of a version's processes say, with placeholders."""

    listen: Annotated[Address, BeforeValidator(_address)] = Address(host="127.0.0.1", port=4318)
    token: Secret | None = None
    version: str = "{version}"
    version_attribute: str = "service.version"
    service: str | None = "{service}"
    instance_attribute: str = "service.instance.id"
    requests: MetricText | None = None
    errors: MetricText | None = None
    latency_bucket: MetricText | None = None
    counters: dict[Name, MetricText] = Field(default_factory=dict)
    gauges: dict[Name, MetricText] = Field(default_factory=dict)
    latency_unit: Literal["seconds", "milliseconds"] = "seconds"
    latency_bounds: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    shards: bool = False
    """Whether the old version's instances are told in two halves."""
    interval: DurationText = timedelta(seconds=60)
    """Between two exports of a process."""
    stale: DurationText | None = None

    @model_validator(mode="after")
    def _sound(self) -> Settings:
        if not self.counted() and not self.gauges and self.latency_bucket is None:
            raise ValueError("nothing is asked for: give requests, errors, latency_bucket, counters or gauges")
        own = {"requests", "errors", "latency_bucket", "shards"}
        if own & {*self.counters, *self.gauges} or self.counters.keys() & self.gauges.keys():
            raise ValueError(
                "the names of counters and gauges differ, also from requests, errors, latency_bucket"
            )
        if not any(f"{{{name}}}" in self.version for name in APART):
            raise ValueError("`version` needs {version} or {release}, to tell the two versions apart")
        if not _loopback(self.listen.host) and self.token is None:
            raise ValueError("beyond this machine it listens only with a `token` (by reference)")
        if not 0.1 <= self.interval.total_seconds() <= 3600:
            raise ValueError("interval is from 100ms to 1h")
        return self

    def counted(self) -> dict[str, Metric]:
        plain = {"requests": self.requests, "errors": self.errors}
        return {name: one for name, one in plain.items() if one is not None} | self.counters

    def fields(self) -> dict[str, Metric]:
        latency = {} if self.latency_bucket is None else {"latency_bucket": self.latency_bucket}
        return self.counted() | latency | self.gauges

    def stale_seconds(self) -> float:
        return self.stale.total_seconds() if self.stale else 2.5 * self.interval.total_seconds()

    def unit(self) -> float:
        return 1.0 if self.latency_unit == "seconds" else 0.001

    def bounds(self) -> tuple[float, ...] | None:
        """In the histograms' own unit."""
        if self.latency_bounds is None:
            return None
        return tuple(sorted(bound / self.unit() for bound in self.latency_bounds))

    def rules(self) -> dict[str, Rules]:
        stale = self.stale_seconds()
        return {
            name: Rules(stale, gone=max(300.0, 2 * stale), zero=one.absent == "zero")
            for name, one in self.fields().items()
        }


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
