"""A manifest exactly as it is written. The descriptions are the reference, and what editors show.

Nothing is merged or worked out here: that is model.py. Defaults are those of the core's own values.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from pilotage.core.judging import AtHorizon, JudgeSettings, Kind, OldFails, Role, Slo, Worse
from pilotage.core.notation import AmountText, DurationText, FractionText
from pilotage.core.plan import ROUTER
from pilotage.core.release import HealthCheck, Run
from pilotage.core.routing import Timeouts
from pilotage.core.steps import Check
from pilotage.core.values import Frozen
from pilotage.manifest import words
from pilotage.manifest.methods import MethodBlock
from pilotage.manifest.words import refuse

_ZERO = timedelta(0)
_HEALTH = HealthCheck()
_JUDGE = JudgeSettings()
_SLO = Slo(objective=0.999)
_TIMEOUTS = Timeouts()
_GRACE: timedelta = Run.model_fields["grace"].default
_WITHIN: timedelta = Check.model_fields["within"].default


class ArchiveBlock(Frozen):
    """An archive, and what it must be."""

    file: words.ArchiveFile = Field(
        description="A .tar, .tar.gz, .tar.xz or .zip, relative to the manifest; may hold {version}."
    )
    sha256: words.Sha256 | None = Field(
        default=None, description="Its digest, when it is known beforehand; any other file is refused."
    )


class ArtifactBlock(Frozen):
    """What is deployed: exactly one of three."""

    requirement: Annotated[tuple[words.Pin, ...], Field(min_length=1), words.One()] | None = Field(
        default=None,
        description="Python packages, each pinned with ==; installed into an environment of their own.",
        examples=["datasette=={version}"],
    )
    directory: words.FilePath | None = Field(
        default=None,
        description="A folder, relative to the manifest; copied by content.",
        examples=["build/{version}"],
    )
    archive: Annotated[ArchiveBlock, words.Short("file")] | None = Field(
        default=None,
        description="An archive file, relative to the manifest; unpacked.",
        examples=["dist/app-{version}.tar.gz"],
    )

    @model_validator(mode="after")
    def _one(self) -> ArtifactBlock:
        if len(self.model_fields_set) != 1:
            refuse(
                "artifact",
                "an artifact is exactly one of requirement, directory and archive",
                "keep one of them" if self.model_fields_set else "add one of them",
            )
        return self


class HealthBlock(Frozen):
    """How an instance shows that it is well: it answers 2xx or 3xx."""

    path: words.HttpPath = Field(default=_HEALTH.path, description="Where to ask, with GET.")
    interval: DurationText = Field(default=_HEALTH.interval, gt=_ZERO, description="How often.")
    timeout: DurationText = Field(
        default=_HEALTH.timeout, gt=_ZERO, description="How long one answer may take."
    )
    within: DurationText = Field(
        default=_HEALTH.within,
        gt=_ZERO,
        description="How long a fresh instance may take to its first good answer.",
    )
    failures: words.Whole = Field(
        default=_HEALTH.failures, ge=1, description="So many bad answers in a row make it unhealthy."
    )


class RunPatch(Frozen):
    """How one instance runs. Texts may hold {host}, {port}, {root}, {version}, {instance} and {folder}."""

    command: words.Command | None = Field(
        default=None,
        description="A list of words, or one text that is split like a shell would (no shell runs).",
    )
    environment: dict[words.Variable, str] = Field(
        default_factory=dict,
        description="Variables. Values are texts. No secrets. PORT is set to {port} anyway.",
    )
    health: Annotated[HealthBlock, words.Short("path")] = Field(
        default=HealthBlock(), description="The health check, or just its path."
    )
    grace: DurationText = Field(
        default=_GRACE, description="From the request to stop (SIGTERM) to the end by force (SIGKILL)."
    )


class RunBlock(RunPatch):
    command: words.Command = Field(
        description="A list of words, or one text that is split like a shell would (no shell runs)."
    )


class CheckBlock(Frozen):
    """One request to the preview address before any user sees the new version."""

    name: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="What people call it; else its path."
    )
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = Field(
        default="GET", description="Its method."
    )
    path: words.HttpPath = Field(description="Where to.")
    headers: dict[words.HeaderName, words.HeaderValue] = Field(
        default_factory=dict, description="Headers of the request. No secrets."
    )
    body: str | None = Field(default=None, description="Body of the request.")
    status: words.Whole = Field(default=200, ge=100, le=599, description="The status that must come back.")
    contains: str | None = Field(default=None, description="A text that must be in the answer.")
    within: DurationText = Field(default=_WITHIN, gt=_ZERO, description="How long the answer may take.")


class VersionBlock(Frozen):
    """What is different for one version."""

    artifact: ArtifactBlock | None = Field(default=None, description="Replaces the artifact as a whole.")
    run: RunPatch | None = Field(default=None, description="Merged over the service's, key by key.")


class ErrorsBlock(Frozen):
    """When the new version's errors are too many. The judge takes back what is shown to be above the first
    pair, and lets go on what is shown to be below the second."""

    ratio: words.Number = Field(
        default=_JUDGE.error_ratio, ge=1, description="Times the old version's errors …"
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
    margin: words.Whole = Field(
        default=_JUDGE.latency_margin, ge=0, description="Histogram buckets by which slower does not count."
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
        default=_JUDGE.bake, description="How long a pass must last at `promote_share` to be the last word."
    )
    promote_share: FractionText = Field(
        default=_JUDGE.promote_share,
        description="The share of traffic from which a pass can be the last word.",
    )


class TimeoutsBlock(Frozen):
    """The router's time-outs; 0s: none."""

    upstream_idle: DurationText = Field(
        default=_TIMEOUTS.upstream_idle,
        gt=_ZERO,
        description="When idle connections to instances are closed: half the server's keep-alive or less.",
    )
    request: DurationText = Field(default=_TIMEOUTS.request, description="One whole request.")
    stream_idle: DurationText = Field(
        default=_TIMEOUTS.stream_idle, description="A stream on which nothing moves."
    )
    connect: DurationText = Field(default=_TIMEOUTS.connect, gt=_ZERO, description="Connecting to an instance.")


class TargetBlock(Frozen):
    """What runs the instances. All other keys are the adapter's own settings."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(default="process", description="The adapter.")
    __pydantic_extra__: dict[str, Any]


class RouterBlock(Frozen):
    """What decides which version serves a request. All other keys are the adapter's own settings."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(default="envoy", description="The adapter.")
    listen: words.ListenAddress = Field(description="Where users come in.")
    preview: words.ListenAddress | None = Field(
        default=None, description="A second address that always shows the new version, before any user sees it."
    )
    timeouts: TimeoutsBlock = Field(default=TimeoutsBlock(), description="Time-outs.")
    __pydantic_extra__: dict[str, Any]


class TelemetryBlock(Frozen):
    """Where figures for the judge come from. All other keys are the adapter's own settings."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(description="The adapter; `router`: the router's own counters, without settings.")
    __pydantic_extra__: dict[str, Any]


class ExpectBlock(Frozen):
    """What traffic is to be expected. For planning only: it changes no plan and no verdict."""

    requests: words.Rate = Field(description="Requests of all users together.", examples=["100/s", "30/min"])
    errors: FractionText = Field(
        lt=1, description="The share of them that fails as it is now; 0% if none does.", examples=["0.5%"]
    )


class EnvironmentBlock(Frozen):
    """Where releases run."""

    instances: words.Whole = Field(default=1, ge=1, le=1000, description="How many instances of a version.")
    target: Annotated[TargetBlock, words.Short("kind")] = Field(
        default=TargetBlock(), description="What runs the instances, or just its kind."
    )
    router: RouterBlock = Field(description="What decides which version serves a request.")
    telemetry: Annotated[
        tuple[Annotated[TelemetryBlock, words.Short("kind")], ...], Field(min_length=1), words.OneOrMany()
    ] = Field(
        default=(TelemetryBlock(kind=ROUTER),),
        description="Where the judge's figures come from; one source or several: the first that knows a figure "
        "has it.",
    )
    strategy: MethodBlock | None = Field(
        default=None, description="Replaces the service's strategy as a whole."
    )
    judge: JudgeBlock = Field(default=JudgeBlock(), description="Merged over the service's, key by key.")
    expect: ExpectBlock | None = Field(
        default=None,
        description="What traffic is to be expected, so that `plan` can tell what the judge will see; without "
        "it, as the last rollouts had it.",
    )


class Document(Frozen):
    """How one service is rolled out."""

    service: words.Name = Field(description="Its name.", examples=["catalogue"])
    artifact: ArtifactBlock = Field(description="What is deployed.")
    run: RunBlock = Field(description="How one instance runs.")
    checks: tuple[Annotated[CheckBlock, words.Short("path")], ...] = Field(
        default=(),
        description="Requests that must succeed before any user sees the new version; or just paths.",
    )
    versions: dict[words.Version, VersionBlock] = Field(
        default_factory=dict, description="Exceptions for single versions."
    )
    strategy: MethodBlock | None = Field(
        default=None,
        description="How a new version is brought to the users; canary with its defaults if not given.",
    )
    judge: JudgeBlock = Field(default=JudgeBlock(), description="What counts as worse, and how sure to be.")
    environments: dict[words.Name, EnvironmentBlock] = Field(min_length=1, description="Where releases run.")
