"""Snapshots in, verdicts out: the values between telemetry and the judge.

The JSON of a Snapshot is also the public replay format (docs/judge.md).
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from pilotage.core.values import Duration, Frozen, Growing


class Arm(BaseModel):
    """Cumulative counters of one side. Any value may be None: not known now. Counters may restart.

    ``latency_bucket[i]`` counts answers up to the i-th bound; the last is +Inf.
    """

    model_config = ConfigDict(frozen=True, extra="allow", ser_json_inf_nan="constants")

    requests: float | None = None
    errors: float | None = None
    latency_bucket: tuple[float, ...] | None = None
    shards: tuple[Arm, ...] | None = None


class Snapshot(BaseModel):
    """One look at both sides. ``t`` is in seconds since the new version first got traffic (negative: before).

    ``weight`` is the share assigned to the new version, 0 … 1. An arm is None when it cannot be read, or is
    known not to be serving in earnest (the old version is down: its errors must not excuse the new one).
    """

    model_config = ConfigDict(frozen=True, extra="allow", ser_json_inf_nan="constants")

    t: float
    weight: float
    control: Arm | None
    canary: Arm | None
    epoch: str | None = None
    """Changes when the counters began anew, where the source can say so."""


class Kind(StrEnum):
    """What a measure's figures are, and so how they are compared."""

    COUNT = "count"
    """Events out of requests (or of another counter): errors, conversions, failed journeys."""
    RATE = "rate"
    """Events for each unit of share and time, however many requests there are: orders, messages."""
    GAUGE = "gauge"
    """A level at each look: CPU, memory."""
    MEAN = "mean"
    """The mean of one counter over another: seconds of CPU for each request, value of a basket."""


class Worse(StrEnum):
    MORE = "more"
    LESS = "less"


class Role(StrEnum):
    MUST = "must"
    """Takes back; and must be shown to be fine before the new version may go on."""
    GUARD = "guard"
    """Takes back; is not asked before the new version may go on."""
    WATCH = "watch"
    """Dry run: told, and decides nothing."""


class MeasureSettings(Frozen):
    """A measure beside errors and latency, from a field of both arms.

    Counts and rates: worse is what is shown to be beyond ``ratio`` times the old version's plus ``excess``, in
    the direction of ``worse``; fine is what is shown to be within ``pass_ratio`` and ``pass_excess``. Gauges
    and means: worse is a mean beyond ``ratio`` times the old version's. Ratios are at least 1 in either
    direction: 1.2 with ``worse: less`` is less than the old version's over 1.2. None: the kind's default.
    """

    kind: Kind
    of: str | None = None
    """The field of the arms; None: the measure's own name."""
    per: str = "requests"
    """Of counts and means: the counter below the line."""
    worse: Worse = Worse.MORE
    role: Role = Role.GUARD
    ratio: float | None = Field(default=None, ge=1)
    excess: float = Field(default=0.0, ge=0)
    pass_ratio: float | None = Field(default=None, ge=1)
    pass_excess: float | None = Field(default=None, ge=0)
    weight: float = Field(default=1.0, gt=0)
    """Its part of its group's budget for false rollbacks."""
    group: str = "measures"
    after: Duration = timedelta(0)
    """So long after the new version first got traffic it begins to count."""


class Slo(Frozen):
    """An objective with an error budget, held to by burn rates over two windows: a guard beside the comparison.

    ``objective`` is the fraction of requests that must succeed. It burns too fast when over both windows more
    than ``burn`` times the budget fails. Source: *The Site Reliability Workbook*, chapter 5.
    """

    objective: float = Field(gt=0, lt=1)
    burn: float = Field(default=14.4, gt=1)
    long: Duration = timedelta(hours=1)
    short: Duration = timedelta(minutes=5)
    role: Role = Role.GUARD
    """``guard``: takes back when the new version alone burns; ``watch``: told. Shared burning only holds."""


class OldFails(StrEnum):
    """Whether a new version may go on while the old one itself breaks the error limit."""

    HOLD = "hold"
    FIX = "fix"
    """It may, when it is shown to be no worse than the old one: it may be the repair."""


class AtHorizon(StrEnum):
    HOLD = "hold"
    ROLLBACK = "rollback"


class JudgeSettings(Growing):
    """What counts as worse, and how sure to be. Rates and ratios are fractions (0.01 is one per cent).

    The new version is rolled back when it is shown to fail more than ``ratio`` times the old one's errors
    plus ``excess``; it may go on when it is shown to fail less than ``pass_ratio`` times plus ``pass_excess``.
    """

    added: ClassVar[tuple[str, ...]] = (
        "error_ratio_blind",
        "latency_slower",
        "measures",
        "weights",
        "traffic",
        "slos",
        "old_fails",
        "horizon",
        "at_horizon",
        "bake",
        "promote_share",
    )

    false_rollback: float = Field(default=0.01, gt=0, lt=0.5)
    """alpha: the chance, over a whole rollout, to take back a version that is not worse."""
    false_pass: float = Field(default=0.05, gt=0, lt=0.5)
    """beta: the chance to let a version go on that is worse than the pass margins."""
    error_ratio: float = Field(default=1.0, ge=1)
    error_ratio_blind: float = Field(default=1.1, ge=1)
    """The least ratio while nothing is known of the old version's single instances (``shards``)."""
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
    latency_slower: float = Field(default=0.1, ge=0, lt=10)
    """The fraction by which all answers may take longer before that counts (read off between the bounds)."""
    latency_margin: int = Field(default=0, ge=0)
    """Whole buckets by which the new version may be slower on top of that."""
    latency: bool = True
    latency_bounds: tuple[float, ...] = ()
    """Upper bounds of the buckets in seconds; empty: as the telemetry says."""
    warm_up: Duration = timedelta(seconds=60)
    interval: Duration = timedelta(seconds=1)
    minimum_requests: int = Field(default=100, ge=0)
    """On the new version, before it may go on."""
    measures: dict[str, MeasureSettings] = Field(default_factory=dict)
    """Measures beside errors and latency, by name."""
    weights: dict[str, float] = Field(default_factory=dict)
    """Parts of the budget for false rollbacks, by group: ``errors``, ``latency``, ``traffic``, ``disaster``,
    ``limit``, and the groups of ``measures``; what is not named has its default."""
    traffic: bool = True
    """Guard against a new version that swallows its requests: far fewer answers than its share of traffic."""
    slos: tuple[Slo, ...] = ()
    old_fails: OldFails = OldFails.HOLD
    horizon: Duration | None = None
    """When nothing is decided so long after the first traffic, wider margins decide (F16) …"""
    at_horizon: AtHorizon = AtHorizon.HOLD
    """… and if they do not either, this happens."""
    bake: Duration = timedelta(minutes=10)
    """How long after the first pass at ``promote_share``, no suspicion since, a pass is the last word."""
    promote_share: float = Field(default=0.25, ge=0, le=1)
    """The share of traffic at which a pass is the last word; below it is leave for the next step only (F9)."""


class Outcome(StrEnum):
    PASS = "pass"
    """It may go on to the next step."""
    FAIL = "fail"
    """It is worse: take it back."""
    UNDECIDED = "undecided"
    """Not known yet: hold."""


class Measure(Growing):
    """One measure's figures, for people: ``old`` and ``new`` are fractions of requests since the share of
    traffic last changed, so that both sides saw the same times in the same proportion.

    ``low`` … ``high`` is a 95 % confidence sequence for new/old (valid at every look; None: unbounded or
    unknown); ``limit`` is the ratio beyond which it counts as worse. ``against`` and ``for_`` are in 0 … 1:
    how far the evidence is towards taking back, and towards going on (1: reached).
    """

    added: ClassVar[tuple[str, ...]] = ("kind", "role")

    name: str
    kind: Kind = Kind.COUNT
    role: Role = Role.MUST
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


class Verdict(Growing):
    added: ClassVar[tuple[str, ...]] = ("missing", "last")

    outcome: Outcome
    why: tuple[str, ...] = ()
    """Sentences a person understands without statistics."""
    blame: tuple[str, ...] = ()
    """Names of the measures that decided."""
    missing: tuple[str, ...] = ()
    """Telemetry that should be there and is not, in words: it holds, and somebody should know."""
    last: bool = False
    """A pass that has lasted at ``promote_share`` or more: the last word, not only leave for the next step."""
    measures: tuple[Measure, ...] = ()
    requests_old: int = 0
    requests_new: int = 0

    @property
    def verdict(self) -> Literal["continue", "rollback", "promote"]:
        """In the words of the replay format: a pass that is not the last word goes on with the rollout."""
        if self.outcome is Outcome.FAIL:
            return "rollback"
        return "promote" if self.outcome is Outcome.PASS and self.last else "continue"


Arm.model_rebuild()
