"""What can go wrong and what is done then: risks, issues, failure modes, the way back for data."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from pilotage.core.notation import DurationText
from pilotage.core.values import Frozen
from pilotage.dossier.words import Day, Five, Id, Moment, Ten, Text


class Response(StrEnum):
    AVOID = "avoid"
    REDUCE = "reduce"
    TRANSFER = "transfer"
    ACCEPT = "accept"


class RiskStatus(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    """Somebody has decided to live with it."""
    CLOSED = "closed"


class Area(StrEnum):
    OPERATIONS = "operations"
    SECURITY = "security"
    BUSINESS = "business"
    COMPLIANCE = "compliance"
    DATA = "data"
    VENDOR = "vendor"


class Risk(Frozen):
    """Something that may happen. Its score is likelihood times impact, times four: 4 to 100."""

    id: Id = Field(description="Its id.", examples=["R1"])
    what: Text = Field(description="What may happen.")
    area: Area = Field(default=Area.OPERATIONS, description="What it is about.")
    likelihood: Five = Field(description="1, hardly, to 5, almost certainly.")
    impact: Five = Field(description="1, hardly noticed, to 5, a disaster.")
    response: Response = Field(description="What is done about it.")
    action: Text = Field(description="How.")
    owner: Text = Field(description="Who sees to it.")
    due: Day | None = Field(default=None, description="Until when.")
    status: RiskStatus = Field(default=RiskStatus.OPEN, description="Where it stands.")
    accepted_by: Text | None = Field(default=None, description="Who accepted what is left of it.")
    sign: Text | None = Field(default=None, description="How one would notice that it happens.")
    then: Text | None = Field(default=None, description="What is done when it does.")
    take_back: bool = Field(
        default=False, strict=True, description="Whether the release is taken back when it happens."
    )

    @property
    def score(self) -> int:
        return self.likelihood * self.impact * 4


class Severity(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class IssueStatus(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    CLOSED = "closed"


class Issue(Frozen):
    """Something that is wrong already."""

    id: Id = Field(description="Its id.")
    what: Text = Field(description="What is wrong.")
    area: Area = Field(default=Area.OPERATIONS, description="What it is about.")
    severity: Severity = Field(description="How bad it is.")
    owner: Text = Field(description="Who mends it.")
    due: Day | None = Field(default=None, description="Until when.")
    status: IssueStatus = Field(default=IssueStatus.OPEN, description="Where it stands.")
    link: Text | None = Field(default=None, description="Where to read more.")


class FailureMode(Frozen):
    """One way in which the service is known to fail. Its priority is the product of the three figures."""

    mode: Text = Field(description="How it fails.")
    effect: Text = Field(description="What users notice.")
    mitigation: Text = Field(description="What is done then.")
    alert: Text | None = Field(default=None, description="Which alert or measure shows it.")
    severity: Ten = Field(description="1, not noticed, to 10, dangerous.")
    occurrence: Ten = Field(description="1, hardly ever, to 10, all the time.")
    detection: Ten = Field(description="1, seen at once, to 10, never seen.")

    @property
    def priority(self) -> int:
        return self.severity * self.occurrence * self.detection


class RestorePoint(Frozen):
    """A copy of the data to which one can go back."""

    at: Moment = Field(description="When it was taken.")
    where: Text = Field(description="Where it lies. No secrets.")
    fresh_for: DurationText = Field(
        default=timedelta(hours=24), gt=timedelta(0), description="How long it is fresh enough."
    )


class Recovery(Frozen):
    """How data come back."""

    owner: Text = Field(description="Who can do it.")
    procedure: tuple[Text, ...] = Field(min_length=1, description="Step by step.")
    restore_point: RestorePoint | None = Field(default=None, description="The last copy.")
    rehearsed: Day | None = Field(default=None, description="When it was last done for practice.")
    takes: DurationText | None = Field(default=None, description="How long it takes.")
    loses: DurationText | None = Field(default=None, description="Of how long data are lost at most.")
    due: Day | None = Field(default=None, description="Until when a fresh copy and a rehearsal are needed.")
