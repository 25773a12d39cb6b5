"""The service as a rehearsal takes it to be: traffic by hour, errors, latency, times, users."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import erf, log, sqrt
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from pilotage.core.notation import AmountText, DurationText, FractionText, parse_rate
from pilotage.core.traffic import Traffic
from pilotage.core.values import Frozen
from pilotage.rehearsal.fault import Fault, FaultText

HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0)
"""Seconds: the buckets in which answers are counted where no recording has its own."""
Z99 = 2.3263478740408408
"""The 99 % quantile of the standard normal distribution."""


def _rate(value: Any) -> Any:
    return parse_rate(value) if isinstance(value, str) else value


Rate = Annotated[float, BeforeValidator(_rate), Field(gt=0)]


class Latency(Frozen):
    """How long answers take: log-normal, through these two."""

    median: DurationText = Field(default=timedelta(milliseconds=50), description="Half of them are quicker.")
    p99: DurationText = Field(default=timedelta(milliseconds=500), description="One in a hundred is slower.")

    @model_validator(mode="after")
    def _order(self) -> Self:
        if not timedelta(0) < self.median < self.p99:
            raise ValueError("the median must be more than nothing, and less than p99")
        return self

    def slower_than(self, seconds: float) -> float:
        """The fraction of answers that take longer."""
        median, p99 = self.median.total_seconds(), self.p99.total_seconds()
        z = log(seconds / median) / (log(p99 / median) / Z99)
        return 0.5 * (1.0 - erf(z / sqrt(2.0)))


class ServiceModel(Frozen):
    """What the file of ``--model`` may say. What it does not say is taken from elsewhere, and said so."""

    requests: Rate | None = Field(
        default=None, description="Requests of all users together, if they are the same at all hours."
    )
    by_hour: tuple[Rate, ...] = Field(
        default=(),
        description="Requests by hour in UTC instead: 24 rates, from midnight; or 168, from Monday's midnight.",
    )
    weekend: float = Field(
        default=1.0, gt=0, description="Times as much traffic on Saturdays and Sundays, with 24 rates."
    )
    errors: FractionText | None = Field(default=None, lt=1, description="The share of requests that fails now.")
    latency: Latency | None = Field(default=None, description="How long answers take now.")
    users: int | None = Field(default=None, ge=1, description="Different people in all who use it.")
    starts: DurationText = Field(
        default=timedelta(seconds=5), description="From starting an instance until it is healthy."
    )
    prepares: DurationText = Field(
        default=timedelta(seconds=30), description="From a release's beginning until its artifact is ready."
    )
    stops: DurationText = Field(
        default=timedelta(seconds=2), description="From asking an instance to stop until it has."
    )
    hooks: DurationText = Field(
        default=timedelta(seconds=10), description="From beginning a hook or a migration until it has ended."
    )
    answers: DurationText = Field(
        default=timedelta(minutes=30), description="Until a person answers, where the plan waits for one."
    )
    measures: dict[str, AmountText] = Field(
        default_factory=dict,
        description="Declared measures of the judge, on both versions: of requests, a second, or a level.",
    )
    faults: tuple[FaultText, ...] = Field(
        default=(), description="What goes wrong, in words: `errors x5 after 2h`."
    )

    @field_validator("by_hour")
    @classmethod
    def _hours(cls, rates: tuple[float, ...]) -> tuple[float, ...]:
        if len(rates) not in (0, 24, 168):
            raise ValueError(f"these are {len(rates)} rates: write 24, or 168 for a whole week")
        return rates

    @model_validator(mode="after")
    def _once(self) -> Self:
        if self.requests is not None and self.by_hour:
            raise ValueError("say `requests` or `by_hour`, not both")
        return self


class Service(Frozen):
    """The model with nothing left open. Rates are a second, times in seconds; ``told`` says whence what is."""

    rates: tuple[float, ...] = Field(min_length=168, max_length=168)
    """By hour of the week, from Monday's midnight in UTC."""
    errors: float
    bounds: tuple[float, ...]
    slow: tuple[float, ...]
    """The fraction of answers above each bound."""
    latency: Latency | None
    """None: as recorded, known at the bounds only."""
    users: int
    starts: float
    prepares: float
    stops: float
    hooks: float = 10.0
    answers: float
    measures: dict[str, float]
    faults: tuple[Fault, ...] = ()
    told: tuple[str, ...] = ()

    @property
    def traffic(self) -> Traffic:
        """The same for the planner, which knows no hours: the mean of the week."""
        return Traffic(
            requests=sum(self.rates) / len(self.rates),
            errors=self.errors,
            slow=self.slow,
            bounds=self.bounds,
            measures={name: rate for name, rate in self.measures.items() if 0.0 <= rate <= 1.0},
            source="the mean of the model",
        )

    def requests_between(self, begin: datetime, since: float, until: float) -> float:
        """Expected requests of all users from one second until another after ``begin``."""
        offset = begin.weekday() * DAY + begin.hour * HOUR + begin.minute * 60 + begin.second
        return sum(self.rates[hour] * seconds for hour, seconds in _hours(since + offset, until + offset))


def _hours(since: float, until: float) -> Iterator[tuple[int, float]]:
    """(hour of the week, seconds in it); of many weeks each hour once."""
    weeks = int((until - since) // WEEK)
    if weeks:
        yield from ((hour, weeks * HOUR) for hour in range(168))
        since += weeks * WEEK
    while since < until:
        end = min(until, (since // HOUR + 1) * HOUR)
        yield int(since // HOUR) % 168, end - since
        since = end


def week_of(model: ServiceModel, usual: float) -> tuple[float, ...]:
    """168 rates; ``usual`` where the model says none."""
    if len(model.by_hour) == 168:
        return model.by_hour
    day = model.by_hour or (model.requests or usual,) * 24
    return tuple(rate * (model.weekend if weekday >= 5 else 1.0) for weekday in range(7) for rate in day)


__all__ = ["BOUNDS", "Latency", "Service", "ServiceModel", "week_of"]
