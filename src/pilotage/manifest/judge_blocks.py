"""The ``judge`` of a manifest exactly as it is written, part of document.py."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from pilotage.core.judging import AtHorizon, JudgeSettings, Kind, OldFails, Role, Slo, Worse
from pilotage.core.notation import AmountText, DurationText, FractionText
from pilotage.core.values import Frozen
from pilotage.manifest import words

_ZERO = timedelta(0)
_JUDGE = JudgeSettings()
_SLO = Slo(objective=0.999)


class ErrorsBlock(Frozen):
    """When the new version's errors are too many. The judge takes back what is shown to be above the first
    pair, and lets go on what is shown to be below the second."""

    ratio: words.Number = Field(
        default=_JUDGE.error_ratio, ge=1, description="Times the old version's errors …"
    )
    ratio_blind: words.Number = Field(
        default=_JUDGE.error_ratio_blind,
        ge=1,
        description="The least ratio while the telemetry tells nothing of the old version's single instances.",
    )
    excess: FractionText = Field(
        default=_JUDGE.error_excess, lt=1, description="… plus this share of requests."
    )
    pass_ratio: words.Number = Field(
        default=_JUDGE.error_pass_ratio, ge=1, description="Times the old version's …"
    )
    pass_excess: FractionText = Field(default=_JUDGE.error_pass_excess, lt=1, description="… plus this share.")
    limit: FractionText = Field(
        default=_JUDGE.error_limit,
        gt=0,
        lt=1,
        description="The limit where no old version serves to compare with.",
    )


class LatencyBlock(Frozen):
    """When the new version is too slow."""

    ratio: words.Number = Field(
        default=_JUDGE.latency_ratio,
        ge=1,
        description="How much more often it may be slower than the old one's p50 … p99.9, or it is taken back.",
    )
    pass_ratio: words.Number = Field(
        default=_JUDGE.latency_pass_ratio, ge=1, description="Below this it may go on."
    )
    excess: FractionText = Field(
        default=_JUDGE.latency_excess, lt=1, description="This share of requests may be slower on top of that."
    )
    pass_excess: FractionText = Field(
        default=_JUDGE.latency_pass_excess, lt=1, description="This share on top of that."
    )
    slower: FractionText = Field(
        default=_JUDGE.latency_slower,
        lt=10,
        description="All answers may take this much longer before that counts, as far as the buckets tell.",
    )
    margin: words.Whole = Field(
        default=_JUDGE.latency_margin,
        ge=0,
        description="Whole histogram buckets by which slower does not count either.",
    )
    bounds: words.Bounds = Field(
        default=_JUDGE.latency_bounds,
        description="Upper bounds of the buckets in seconds, without the last, +Inf; as the telemetry says if "
        "not given.",
    )


class MeasureBlock(Frozen):
    """A measure beside errors and latency: a figure of both versions that is declared here. It counts as worse
    when it is shown to be beyond ratio times the old version's plus excess, and as fine when it is shown to be
    within the pass margins."""

    kind: Kind | None = Field(
        default=None,
        description="`count`: events out of requests; `rate`: events over time and share; `gauge`: a level; "
        "`mean`: one counter over another. Required, here or in the service's judge.",
    )
    of: words.Figure | None = Field(default=None, description="The figure's name; that of the measure.")
    per: words.Figure = Field(
        default="requests", description="Of counts and means: the counter below the line."
    )
    worse: Worse = Field(default=Worse.MORE, description="In which direction it is worse.")
    role: Role = Field(
        default=Role.GUARD,
        description="`must`: takes back, and must be shown to be fine before the version may go on; `guard`: "
        "takes back; `watch`: is only told.",
    )
    ratio: words.Number | None = Field(
        default=None,
        ge=1,
        description="Times the old version's, or with `worse: less` the old version's divided by it; the "
        "kind's own if not given.",
    )
    excess: AmountText = Field(default=0.0, ge=0, description="On top of that: a share, or for rates a number.")
    pass_ratio: words.Number | None = Field(default=None, ge=1, description="Within this it is fine …")
    pass_excess: AmountText | None = Field(default=None, ge=0, description="… on top of that.")
    weight: words.Number = Field(
        default=1.0, gt=0, description="Its part of its group's budget for false rollbacks."
    )
    group: words.Figure = Field(default="measures", description="Whose budget it shares.")
    after: DurationText = Field(
        default=_ZERO, description="So long after the new version's first traffic it begins to count."
    )


class SloBlock(Frozen):
    """An objective with an error budget: a guard beside the comparison, by burn rates over two windows."""

    objective: FractionText = Field(
        gt=0, lt=1, description="The share of requests that must succeed.", examples=["99.9%"]
    )
    burn: words.Number = Field(
        default=_SLO.burn, gt=1, description="So many times the budget, over both windows, is too fast."
    )
    long: DurationText = Field(default=_SLO.long, gt=_ZERO, description="The long window.")
    short: DurationText = Field(default=_SLO.short, gt=_ZERO, description="The short window.")
    role: Literal[Role.GUARD, Role.WATCH] = Field(
        default=Role.GUARD,
        description="`guard`: takes back when the new version alone burns; `watch`: is told.",
    )


class JudgeBlock(Frozen):
    """What counts as worse, and how sure to be."""

    false_rollback: FractionText = Field(
        default=_JUDGE.false_rollback,
        gt=0,
        lt=0.5,
        description="Chance, over a whole rollout, to take back a version that is not worse.",
    )
    false_pass: FractionText = Field(
        default=_JUDGE.false_pass,
        gt=0,
        lt=0.5,
        description="Chance to let a version go on that is worse than the pass margins.",
    )
    errors: ErrorsBlock = Field(default=ErrorsBlock(), description="The margins for errors.")
    latency: Annotated[LatencyBlock | None, words.OrOff()] = Field(
        default=LatencyBlock(), description="The margins for latency; false: latency is not judged."
    )
    warm_up: DurationText = Field(
        default=_JUDGE.warm_up, description="How long the new version's first requests do not count."
    )
    interval: DurationText = Field(
        default=_JUDGE.interval, gt=_ZERO, description="How often the counters are read."
    )
    minimum_requests: words.Whole = Field(
        default=_JUDGE.minimum_requests, ge=0, description="Requests on the new version before it may go on."
    )
    measures: dict[words.Figure, MeasureBlock] = Field(
        default_factory=dict, description="Measures beside errors and latency, by name."
    )
    weights: dict[words.Figure, Annotated[words.Number, Field(gt=0)]] = Field(
        default_factory=dict,
        description="Parts of the budget for false rollbacks, by group: errors, latency, traffic, disaster, "
        "limit and the groups of measures.",
    )
    traffic: words.Truth = Field(
        default=_JUDGE.traffic, description="Guard against a version that swallows its requests."
    )
    slos: tuple[SloBlock, ...] = Field(default=(), description="Objectives with error budgets.")
    old_fails: OldFails = Field(
        default=_JUDGE.old_fails,
        description="While the old version itself is above the error limit: `hold`, or let a `fix` go on that "
        "is shown to be no worse.",
    )
    horizon: Annotated[DurationText, Field(gt=_ZERO)] | None = Field(
        default=None,
        description="When nothing is decided so long after the first traffic, wider margins decide …",
    )
    at_horizon: AtHorizon = Field(
        default=_JUDGE.at_horizon, description="… and if they do not either: `hold` or `rollback`."
    )
    bake: DurationText = Field(
        default=_JUDGE.bake,
        description="How long after the first pass at `promote_share` one is the last word.",
    )
    promote_share: FractionText = Field(
        default=_JUDGE.promote_share,
        description="The share of traffic from which a pass can be the last word.",
    )
