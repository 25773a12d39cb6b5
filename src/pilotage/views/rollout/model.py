"""What there is to see of a rollout."""

from __future__ import annotations

from enum import StrEnum

from pilotage.core.comparing import Reconciliation
from pilotage.core.events import Cause
from pilotage.core.fleet import Phase
from pilotage.core.judging import Kind, Outcome, Role
from pilotage.core.state import Status
from pilotage.core.values import Duration, Frozen, Instant
from pilotage.errors import Problem
from pilotage.views.story import Moment


class Mark(StrEnum):
    DONE = "done"
    CURRENT = "current"
    NEXT = "next"
    LEFT = "left"
    """It was under way when the rollout turned back."""
    SKIPPED = "skipped"


class StepView(Frozen):
    number: int
    title: str
    kind: str
    mark: Mark
    back: bool = False
    """Of the way back."""
    took: Duration | None = None
    """So far, for the current one."""
    at_least: Duration | None = None
    """Only where the step waits on purpose."""
    note: str = ""


class TrafficView(Frozen):
    """One version's part of the traffic. Shares are parts per million."""

    version: str
    release: str
    new: bool
    set: int | None
    """What the current step asks for."""
    confirmed: int | None
    """What the router has confirmed."""
    requests: int | None = None
    """Since the rollout began."""
    failed: int | None = None
    p50: float | None = None
    """Seconds."""
    p95: float | None = None


class MeasureView(Frozen):
    """``old`` and ``new`` are in the measure's own unit (counts: fractions of requests); ``low`` … ``high`` is
    new/old with 95 % confidence."""

    name: str
    kind: Kind = Kind.COUNT
    role: Role = Role.MUST
    old: float | None
    new: float | None
    low: float | None
    high: float | None
    limit: float | None
    ceiling: float | None
    """The absolute limit of ``new``, where there is no old version to compare with."""
    towards_rollback: float
    """0 … 1: how far the evidence is."""
    towards_passing: float
    missing: str
    blamed: bool


class JudgeView(Frozen):
    outcome: Outcome
    last: bool = False
    """A pass that is the last word, not only leave for the next step."""
    why: tuple[str, ...]
    missing: tuple[str, ...] = ()
    """Telemetry that should be there and is not."""
    left_out: tuple[str, ...] = ()
    """Telemetry that could not be used, and why."""
    measures: tuple[MeasureView, ...]
    requests_old: int
    requests_new: int


class InstanceView(Frozen):
    id: str
    version: str
    new: bool
    number: int
    address: str
    phase: Phase
    age: Duration | None
    """In this phase."""
    restarts: int
    detail: str


class NextView(Frozen):
    """What it waits for. ``at``: when that is known."""

    what: str
    at: Instant | None = None
    then: str = ""
    person: bool = False
    """A person has to do something."""


class Figures(Frozen):
    """The summary. None: it has not come to that."""

    took: Duration | None = None
    """From its start to its end, or so far."""
    exposed_at: Instant | None = None
    to_verdict: Duration | None = None
    """From the first user on the new version to the verdict: turned back, or the last pass."""
    to_rollback: Duration | None = None
    """From the verdict until the router confirmed that no user reaches the new version."""
    users_served: int | None = None
    """By the router on its main address, since the rollout began."""
    users_failed: int | None = None
    judged_requests_new: int | None = None
    judged_requests_old: int | None = None


class RolloutView(Frozen):
    id: str
    service: str
    environment: str
    method: str
    old: str | None
    new: str
    status: Status
    headline: str
    """The status in one sentence."""
    cause: Cause | None
    why: tuple[str, ...]
    by: str
    created: Instant
    finished: Instant | None
    warm_until: Instant | None
    """The old version is ready until then."""
    steps: tuple[StepView, ...]
    traffic: tuple[TrafficView, ...]
    judge: JudgeView | None
    compared: Reconciliation | None = None
    """Of a parallel run: how the comparison stands, or how it ended."""
    instances: tuple[InstanceView, ...]
    problem: Problem | None
    next: NextView | None
    way_back: str
    figures: Figures
    timeline: tuple[Moment, ...]
    seen_at: Instant | None
    """When a worker last looked at its world."""
    unwatched: Duration | None
    """So long no worker has looked although one should; None: all is well."""
