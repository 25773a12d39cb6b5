"""Snapshots in, verdicts out: the values between telemetry and the judge.

The JSON of a Snapshot is also the public replay format (docs/judge.md).
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from pilotage.core.values import Duration, Frozen


class Arm(BaseModel):
    """Cumulative counters of one side. Any value may be None: not known now. Counters may restart.

    ``latency_bucket[i]`` counts answers up to the i-th bound; the last is +Inf.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    requests: float | None = None
    errors: float | None = None
    latency_bucket: tuple[float, ...] | None = None
    shards: tuple[Arm, ...] | None = None


class Snapshot(BaseModel):
    """One look at both sides. ``t`` is in seconds since the new version first got traffic (negative: before).

    ``weight`` is the share assigned to the new version, 0 … 1. An arm is None when it cannot be read, or is
    known not to be serving in earnest (the old version is down: its errors must not excuse the new one).
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    t: float
    weight: float
    control: Arm | None
    canary: Arm | None
    epoch: str | None = None
    """Changes when the counters began anew, where the source can say so."""


class JudgeSettings(Frozen):
    """What counts as worse, and how sure to be. Rates and ratios are fractions (0.01 is one per cent).

    The new version is rolled back when it is shown to fail more than ``ratio`` times the old one's errors
    plus ``excess``; it may go on when it is shown to fail less than ``pass_ratio`` times plus ``pass_excess``.
    """

    false_rollback: float = Field(default=0.01, gt=0, lt=0.5)
    """alpha: the chance, over a whole rollout, to take back a version that is not worse."""
    false_pass: float = Field(default=0.05, gt=0, lt=0.5)
    """beta: the chance to let a version go on that is worse than the pass margins."""
    error_ratio: float = Field(default=1.1, ge=1)
    error_excess: float = Field(default=0.0001, ge=0, lt=1)
    error_pass_ratio: float = Field(default=1.5, ge=1)
    error_pass_excess: float = Field(default=0.0005, ge=0, lt=1)
    error_limit: float = Field(default=0.05, gt=0, lt=1)
    """The absolute guard, used alone where there is no old version to compare with (after a full switch)."""
    latency_ratio: float = Field(default=1.1, ge=1)
    """How much more often the new version may be slower than the old one's p50 … p99.9."""
    latency_pass_ratio: float = Field(default=1.5, ge=1)
    latency_excess: float = Field(default=0.0005, ge=0, lt=1)
    latency_pass_excess: float = Field(default=0.005, ge=0, lt=1)
    """Fractions of requests that may be slower on top of the ratios: with bounds that (nearly) no request of
    the old version exceeds, a ratio alone would take back for a few slow requests and never let go on."""
    latency_margin: int = Field(default=1, ge=0)
    """Buckets by which the new version may be slower before that counts."""
    latency: bool = True
    latency_bounds: tuple[float, ...] = ()
    """Upper bounds of the buckets in seconds; empty: as the telemetry says."""
    warm_up: Duration = timedelta(seconds=60)
    interval: Duration = timedelta(seconds=1)
    minimum_requests: int = Field(default=100, ge=0)
    """On the new version, before it may go on."""


class Outcome(StrEnum):
    PASS = "pass"
    """It may go on to the next step."""
    FAIL = "fail"
    """It is worse: take it back."""
    UNDECIDED = "undecided"
    """Not known yet: hold."""


class Measure(Frozen):
    """One measure's figures, for people: ``old`` and ``new`` are fractions of requests since the share of
    traffic last changed, so that both sides saw the same times in the same proportion.

    ``low`` … ``high`` is a 95 % confidence sequence for new/old (valid at every look; None: unbounded or
    unknown); ``limit`` is the ratio beyond which it counts as worse. ``against`` and ``for_`` are in 0 … 1:
    how far the evidence is towards taking back, and towards going on (1: reached).
    """

    name: str
    old: float | None = None
    new: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    ceiling: float | None = None
    """An absolute limit for ``new``, where there is nothing to compare with."""
    against: float = 0.0
    for_: float = 0.0
    missing: str = ""
    """What is missing for a decision, in words: ``about 3 400 more requests``."""


class Verdict(Frozen):
    outcome: Outcome
    why: tuple[str, ...] = ()
    """Sentences a person understands without statistics."""
    blame: tuple[str, ...] = ()
    """Names of the measures that decided."""
    measures: tuple[Measure, ...] = ()
    requests_old: int = 0
    requests_new: int = 0


Arm.model_rebuild()
