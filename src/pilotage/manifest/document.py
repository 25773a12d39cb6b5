"""A manifest exactly as it is written. The descriptions are the reference, and what editors show.

Nothing is merged or worked out here: that is model.py. Defaults are those of the core's own values.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from pilotage.core.notation import DurationText, FractionText
from pilotage.core.plan import ROUTER
from pilotage.core.release import HealthCheck, Run
from pilotage.core.routing import Timeouts
from pilotage.core.shorthand import One, Short
from pilotage.core.steps import Check
from pilotage.core.values import Frozen
from pilotage.core.windows import StartText, WindowText
from pilotage.dossier.policy import Policy
from pilotage.manifest import words
from pilotage.manifest.hook_blocks import DatabaseBlock, HookBlock
from pilotage.manifest.judge_blocks import JudgeBlock
from pilotage.manifest.methods import MethodBlock
from pilotage.manifest.words import refuse

_ZERO = timedelta(0)
_HEALTH = HealthCheck()
_TIMEOUTS = Timeouts()
_GRACE: timedelta = Run.model_fields["grace"].default
_WITHIN: timedelta = Check.model_fields["within"].default


class ArchiveBlock(Frozen):
    """An archive, and what it must be."""

    file: words.ArchiveFile = Field(
        description="A .tar, .tar.gz, .tar.xz or .zip, relative to the manifest; may hold {version}."
    )
    sha256: words.Sha256 | None = Field(
        default=None,
        description="What its digest must be: 64 hex digits, or a file of `sha256sum` that holds it "
        "(.sha256, .sha256sum, SHA256SUMS; may hold {version}). Any other archive is refused.",
        examples=["dist/app-{version}.tar.gz.sha256"],
    )


class ArtifactBlock(Frozen):
    """What is deployed: exactly one of three."""

    requirement: Annotated[tuple[words.Pin, ...], Field(min_length=1), One()] | None = Field(
        default=None,
        description="Python packages, each pinned with ==; installed into an environment of their own.",
        examples=["datasette=={version}"],
    )
    directory: words.FilePath | None = Field(
        default=None,
        description="A folder, relative to the manifest; copied by content.",
        examples=["build/{version}"],
    )
    archive: Annotated[ArchiveBlock, Short("file")] | None = Field(
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
    health: Annotated[HealthBlock, Short("path")] = Field(
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


class FlagsBlock(Frozen):
    """Where the service's feature flags are. All other keys are the adapter's own settings."""

    model_config = ConfigDict(extra="allow")

    kind: str = Field(
        default="file", description="The adapter; `file` wants a `path`, relative to the manifest."
    )
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
    target: Annotated[TargetBlock, Short("kind")] = Field(
        default=TargetBlock(), description="What runs the instances, or just its kind."
    )
    router: RouterBlock = Field(description="What decides which version serves a request.")
    telemetry: Annotated[
        tuple[Annotated[TelemetryBlock, Short("kind")], ...], Field(min_length=1), words.OneOrMany()
    ] = Field(
        default=(TelemetryBlock(kind=ROUTER),),
        description="Where the judge's figures come from; one source or several: the first that knows a figure "
        "has it.",
    )
    flags: FlagsBlock | None = Field(
        default=None, description="Where feature flags are, for the method feature-flag."
    )
    start: StartText | None = Field(
        default=None,
        description="Nothing of a release begins before: a day, a time, and its zone or offset.",
        examples=["2026-12-01T02:00 Europe/Berlin"],
    )
    windows: Annotated[tuple[WindowText, ...], One()] = Field(
        default=(),
        description="When exposure may grow: one of these must be open, by the clock on the wall of its zone. "
        "Going back waits for none.",
        examples=["Mon-Thu 09:00-16:00 Europe/Berlin"],
    )
    strategy: MethodBlock | None = Field(
        default=None, description="Replaces the service's strategy as a whole."
    )
    judge: JudgeBlock = Field(default=JudgeBlock(), description="Merged over the service's, key by key.")
    readiness: Policy | None = Field(default=None, description="Over the service's, key by key.")
    hooks: tuple[HookBlock, ...] | None = Field(
        default=None, description="Replaces the service's hooks as a whole."
    )
    database: DatabaseBlock | None = Field(
        default=None, description="Replaces the service's database as a whole."
    )
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
    checks: tuple[Annotated[CheckBlock, Short("path")], ...] = Field(
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
    hooks: tuple[HookBlock, ...] = Field(
        default=(),
        description="Programs that are run once in every rollout; those of one moment in this order.",
    )
    database: DatabaseBlock | None = Field(
        default=None, description="How the database is changed with a release; without it, it is not."
    )
    judge: JudgeBlock = Field(default=JudgeBlock(), description="What counts as worse, and how sure to be.")
    readiness: Policy | None = Field(
        default=None,
        description="What open items of the release file do to a start; without it and without such a file "
        "nothing is asked.",
    )
    environments: dict[words.Name, EnvironmentBlock] = Field(min_length=1, description="Where releases run.")
