"""Everything that can happen to a rollout. Events are the only thing that is ever stored as history.

Old events are read for ever: never rename or remove a kind or a field, only add with a default.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from pilotage.core.comparing import Reconciliation
from pilotage.core.hooks import Outcome
from pilotage.core.inputs import Inputs
from pilotage.core.judging import Verdict
from pilotage.core.plan import Plan
from pilotage.core.readiness import Readiness
from pilotage.core.routing import Routing
from pilotage.core.values import Duration, Frozen, Instant
from pilotage.errors import Problem

PILOTAGE = "pilotage"
"""Who did it when no person did."""


class Ending(StrEnum):
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled-back"
    VOID = "void"
    """Never begun: neutral, not failed."""


class Cause(StrEnum):
    """Why a rollout turned back."""

    JUDGED = "judged"
    """The judge showed the new version to be worse."""
    UNHEALTHY = "unhealthy"
    """The new version did not become healthy, or died."""
    FAILED = "failed"
    """A step could not be done: a check, an artifact, the router's refusal, a time-out."""
    UNDECIDED = "undecided"
    """The judge did not know in time, and the plan says to go back then."""
    DIFFERENT = "different"
    """Its answers to the same requests were shown to differ from the old version's."""
    CHOSEN = "chosen"
    """An A/B test chose the old version."""
    ASKED = "asked"
    """A person asked for it."""
    SUPERSEDED = "superseded"
    """A newer release took its place."""


class _Event(Frozen):
    at: Instant
    by: str = PILOTAGE


class Created(_Event):
    kind: Literal["created"] = "created"
    plan: Plan
    digest: str
    queued_behind: str | None = None
    reason: str = ""
    readiness: Readiness | None = None
    """How everything stood that is asked before a start; None: nothing was asked."""


class Started(_Event):
    """The environment is ours."""

    kind: Literal["started"] = "started"


class StepFinished(_Event):
    """The step at ``index`` of the forward steps, or of the way back, holds in the world."""

    kind: Literal["step-finished"] = "step-finished"
    index: int
    back: bool = False
    note: str = ""
    inputs: Inputs | None = None
    """Of the verdict that let a judge's step go on."""


class Intended(_Event):
    """Written before an effect: this worker is about to make it so (``key`` names what, ``value`` how)."""

    kind: Literal["intended"] = "intended"
    key: str
    value: str
    told: str
    """The same for people: ``start 0.65.5 instances 1, 2``."""


class Done(_Event):
    """The effect's own side accepted it. That it holds is another matter: see StepFinished and Exposed."""

    kind: Literal["done"] = "done"
    key: str
    value: str


class Failed(_Event):
    """The effect could not be made; it is tried again after a back-off."""

    kind: Literal["failed"] = "failed"
    key: str
    problem: Problem


class Prepared(_Event):
    kind: Literal["prepared"] = "prepared"
    release: str
    digest: str


class Checked(_Event):
    """One attempt at all checks of a Verify step. ``failures``: check name → what was wrong."""

    kind: Literal["checked"] = "checked"
    release: str
    failures: dict[str, str] = Field(default_factory=dict)
    passed: int = 0


class Exposed(_Event):
    """Confirmed by the router and seen by a probe: this routing is in effect (parts per million by release)."""

    kind: Literal["exposed"] = "exposed"
    shares: dict[str, int]
    groups: dict[str, int] = Field(default_factory=dict)
    """Groups that see the new version whatever the split, each with its share of them."""
    revision: str
    first: bool = False
    """Users see the new version for the first time in this rollout."""


class DriftSeen(_Event):
    """The router showed something else than what was confirmed; it is mended."""

    kind: Literal["drift-seen"] = "drift-seen"
    wanted: str
    seen: str | None


class Ramped(_Event):
    """Read back: this flag is so now, on for ``share`` of the users."""

    kind: Literal["ramped"] = "ramped"
    flag: str
    share: int
    revision: str
    first: bool = False
    """Users have the feature for the first time in this rollout."""


class FlagDrifted(_Event):
    """The flag was something else than what was confirmed; it is mended."""

    kind: Literal["flag-drifted"] = "flag-drifted"
    flag: str
    wanted: str
    seen: str


class HealthLost(_Event):
    kind: Literal["health-lost"] = "health-lost"
    release: str
    detail: str = ""


class HealthRegained(_Event):
    kind: Literal["health-regained"] = "health-regained"
    release: str


class Judged(_Event):
    """Recorded when the outcome changes, or when it decides."""

    kind: Literal["judged"] = "judged"
    verdict: Verdict
    inputs: Inputs | None = None
    """What it was made of; None in what was recorded before this was kept."""


class Reconciled(_Event):
    """The report of a parallel run, as it is to be signed off (or as it ended the run)."""

    kind: Literal["reconciled"] = "reconciled"
    report: Reconciliation
    digest: str


class SignedOff(_Event):
    """A person has signed off the report of that digest."""

    kind: Literal["signed-off"] = "signed-off"
    digest: str
    reason: str = ""


class DrainStarted(_Event):
    kind: Literal["drain-started"] = "drain-started"
    instances: tuple[str, ...]


class DrainEnded(_Event):
    """Nothing was in flight any more, or the time was over (``left`` requests and streams were cut)."""

    kind: Literal["drain-ended"] = "drain-ended"
    instances: tuple[str, ...]
    left: int = 0


class Paused(_Event):
    kind: Literal["paused"] = "paused"
    reason: str = ""


class Resumed(_Event):
    kind: Literal["resumed"] = "resumed"


class Continued(_Event):
    """A person let the current wait go on; ``full``: and all later ones."""

    kind: Literal["continued"] = "continued"
    full: bool = False
    reason: str = ""


class TurnedBack(_Event):
    """From here on only the way back is walked."""

    kind: Literal["turned-back"] = "turned-back"
    cause: Cause
    why: tuple[str, ...]
    problem: Problem | None = None
    whole: bool = False
    """Asked for: the old version, also where turning the feature off would be enough."""


class HookEnded(_Event):
    """What came of an attempt at a hook, as its runner, the database or a person says."""

    kind: Literal["hook-ended"] = "hook-ended"
    hook: str
    attempt: int
    outcome: Outcome
    detail: str = ""
    tail: str = ""
    """The last lines that it wrote, without secrets."""
    revision: str | None = None
    """Where the database was then, if it changes one."""


class HookAgain(_Event):
    """It may be begun once more: it can be repeated, was seen not to be done, or a person said so."""

    kind: Literal["hook-again"] = "hook-again"
    hook: str
    attempt: int
    """The new one."""
    reason: str = ""


class Promoted(_Event):
    """This release is the environment's version now."""

    kind: Literal["promoted"] = "promoted"
    release: str
    routing: Routing | None = None
    """What the router served then."""


class ProblemRaised(_Event):
    """Something keeps the rollout from going on; it waits, looks again, and says so."""

    kind: Literal["problem-raised"] = "problem-raised"
    problem: Problem


class ProblemCleared(_Event):
    kind: Literal["problem-cleared"] = "problem-cleared"
    code: str


class Refused(_Event):
    """A message that could not be followed, with why."""

    kind: Literal["refused"] = "refused"
    message: str
    problem: Problem


class Heard(_Event):
    """Messages up to this number have been taken in."""

    kind: Literal["heard"] = "heard"
    upto: int


class Finished(_Event):
    """Final. ``handed_over``: the old side, still warm, is the next rollout's business."""

    kind: Literal["finished"] = "finished"
    ending: Ending
    why: str = ""
    handed_over: bool = False
    took: Duration | None = None
    routing: Routing | None = None
    """What the router serves from now on."""


Event = Annotated[
    Created | Started | StepFinished | Intended | Done | Failed | Prepared | Checked | Exposed | DriftSeen
    | HealthLost | HealthRegained | Judged | Reconciled | SignedOff | DrainStarted | DrainEnded | Paused
    | Resumed | Continued | TurnedBack | HookEnded | HookAgain | Promoted | ProblemRaised | ProblemCleared
    | Refused | Heard | Finished | Ramped | FlagDrifted,
    Field(discriminator="kind"),
]  # fmt: skip

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads an event back: ``EVENT.validate_json(text)``."""


class Order(StrEnum):
    """What a person may ask of a rollout."""

    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    PROMOTE_FULL = "promote-full"
    ABORT = "abort"
    ROLLBACK = "rollback"
    SUPERSEDE = "supersede"
    HOOK_DONE = "hook-done"
    """What the hook was to do is done: go on."""
    HOOK_AGAIN = "hook-again"
    """It was not done: run it once more."""
    SIGN_OFF = "sign-off"
    """The first word of its reason is the digest of the report that is signed off."""


class Message(Frozen):
    """One order in a rollout's inbox; ``number`` grows."""

    number: int
    order: Order
    by: str
    at: Instant
    reason: str = ""
