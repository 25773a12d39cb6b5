"""What a release is for, and when it is good enough: goals, definition of done, requirements, work items."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from pilotage.core.values import Frozen
from pilotage.dossier.words import Day, Id, Text


class Acceptance(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    WAIVED = "waived"
    """Not met, and somebody has decided to go without it."""


class Objective(Frozen):
    """Something that the release is to reach, so that one can tell afterwards whether it did."""

    what: Text = Field(description="What is to be reached.")
    measure: Text | None = Field(default=None, description="How it is measured.")
    target: Text | None = Field(default=None, description="How much, until when.")
    owner: Text | None = Field(default=None, description="Who answers for it.")


class Accepted(Frozen):
    """Something that somebody accepts before the release."""

    what: Text = Field(description="What must be so.")
    status: Acceptance = Field(default=Acceptance.OPEN, description="Where it stands.")
    evidence: Text | None = Field(default=None, description="What shows it: a report, a link, a digest.")
    by: Text | None = Field(default=None, description="Who accepted or waived it.")
    decided: Day | None = Field(default=None, description="When.")
    owner: Text | None = Field(default=None, description="Who brings it about.")
    due: Day | None = Field(default=None, description="Until when.")


class Sla(Frozen):
    """What was promised to those who use the service."""

    name: Text = Field(description="What it is about.", examples=["availability"])
    target: Text = Field(description="What was promised.", examples=["99.9 % a month"])
    customer: Text | None = Field(default=None, description="To whom.")


class WorkKind(StrEnum):
    FEATURE = "feature"
    FIX = "fix"
    SECURITY = "security"
    PERFORMANCE = "performance"
    CHANGE = "change"
    """Something that users or operators must act on."""
    OTHER = "other"


class WorkStatus(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"


class WorkItem(Frozen):
    """A story, a defect or a task that is part of the release."""

    id: Id = Field(description="Its id where it is kept.", examples=["SHOP-118"])
    title: Text = Field(description="What it is, for those who use the service.")
    kind: WorkKind = Field(default=WorkKind.FEATURE, description="Under which heading of the release notes.")
    status: WorkStatus = Field(default=WorkStatus.OPEN, description="Whether it was accepted.")
    link: Text | None = Field(default=None, description="Where to read more.")
    owner: Text | None = Field(default=None, description="Who answers for it.")
    due: Day | None = Field(default=None, description="Until when it is to be accepted.")


class Criteria(Frozen):
    """When it was a success and when it is taken back, beyond what the judge measures by itself."""

    success: tuple[Text, ...] = Field(default=(), description="All of this must be so at the end.")
    rollback: tuple[Text, ...] = Field(default=(), description="Any of this, and people take it back.")
