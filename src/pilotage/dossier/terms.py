"""What binds a release from outside: vendors, policy, windows, regions, old interfaces; and manual steps."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum

from pydantic import Field, field_validator, model_validator

from pilotage.core.notation import DurationText
from pilotage.core.values import Frozen
from pilotage.dossier.purpose import Acceptance
from pilotage.dossier.words import Day, Id, Moment, Text

_CLAUSE = re.compile(r"(>=|<=|==|!=|>|<) ?(\d+(?:\.\d+)*)")


class VendorKind(StrEnum):
    LICENCE = "licence"
    CONTRACT = "contract"
    SERVICE = "service"
    CERTIFICATE = "certificate"


class Vendor(Frozen):
    """Something of others that the release needs, and until when one may use it."""

    name: Text = Field(description="Whose it is.")
    product: Text = Field(description="What it is.")
    kind: VendorKind = Field(default=VendorKind.LICENCE, description="What binds us.")
    valid_until: Day = Field(description="The last day on which it holds.")
    uses: Text | None = Field(default=None, description="The version that this release uses.")
    allows: Text | None = Field(
        default=None, description="The versions that may be used.", examples=[">=14, <16"]
    )
    owner: Text = Field(description="Who sees to it.")
    due: Day | None = Field(default=None, description="Until when it must be renewed or changed.")

    @field_validator("allows")
    @classmethod
    def _clauses(cls, allows: str | None) -> str | None:
        if allows is not None and not all(_CLAUSE.fullmatch(part.strip()) for part in allows.split(",")):
            raise ValueError("this is not a range of versions: write it like >=14, <16")
        return allows

    @field_validator("uses")
    @classmethod
    def _figures(cls, uses: str | None) -> str | None:
        if uses is not None and not re.fullmatch(r"\d+(\.\d+)*", uses):
            raise ValueError("this is not a version of figures and points: write it like 15.2")
        return uses

    @property
    def allowed(self) -> bool:
        """Whether the version that is used is one that may be used; True when nothing is said of it."""
        if self.uses is None or self.allows is None:
            return True
        return all(_holds(_figures(self.uses), part.strip()) for part in self.allows.split(","))


def _holds(used: tuple[int, ...], clause: str) -> bool:
    match = _CLAUSE.fullmatch(clause)
    assert match is not None
    size = max(len(used), match[2].count(".") + 1)
    left, right = (_padded(one, size) for one in (used, _figures(match[2])))
    compared = {
        ">=": left >= right,
        "<=": left <= right,
        "==": left == right,
        "!=": left != right,
        ">": left > right,
        "<": left < right,
    }
    return compared[match[1]]


def _figures(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _padded(figures: tuple[int, ...], size: int) -> tuple[int, ...]:
    return figures + (0,) * (size - len(figures))


class ChangeKind(StrEnum):
    STANDARD = "standard"
    NORMAL = "normal"
    EMERGENCY = "emergency"


class Change(Frozen):
    """Under which policy this is a change, and whether it was approved there."""

    kind: ChangeKind = Field(default=ChangeKind.NORMAL, description="Which kind of change it is.")
    policy: Text = Field(description="What the organisation asks of such a change.")
    record: Text | None = Field(default=None, description="The number of its record.")
    approved_by: Text | None = Field(default=None, description="Who approved it.")
    approved_on: Day | None = Field(default=None, description="When.")
    owner: Text = Field(description="Who sees to it.")
    due: Day | None = Field(default=None, description="Until when the approval is needed.")


class Window(Frozen):
    """When the cut-over may be done."""

    name: Text = Field(description="What people call it.")
    start: Moment = Field(description="Its beginning.")
    end: Moment = Field(description="Its end.")

    @model_validator(mode="after")
    def _forwards(self) -> Window:
        if self.end <= self.start:
            raise ValueError("`end` must lie after `start`")
        return self


class Residency(Frozen):
    """Where data may be, and where they are with this release."""

    data: Text = Field(description="Which data.")
    allowed: tuple[Text, ...] = Field(min_length=1, description="The regions where they may be.")
    kept_in: tuple[Text, ...] = Field(min_length=1, description="The regions where they are.")
    owner: Text = Field(description="Who answers for it.")
    confirmed: Day | None = Field(default=None, description="When that was looked at for this release.")
    due: Day | None = Field(default=None, description="Until when.")

    @property
    def outside(self) -> tuple[str, ...]:
        """Regions where the data are and may not be."""
        return tuple(region for region in self.kept_in if region not in self.allowed)


class Rule(Frozen):
    """A rule or law that the release must keep."""

    rule: Text = Field(description="Which.", examples=["GDPR, article 35"])
    how: Text = Field(description="How it is kept.")
    status: Acceptance = Field(default=Acceptance.OPEN, description="Where it stands.")
    owner: Text = Field(description="Who answers for it.")
    due: Day | None = Field(default=None, description="Until when.")


class Interface(Frozen):
    """An old interface that is kept for those who still use it, and what that costs."""

    name: Text = Field(description="Which interface.")
    users: Text | None = Field(default=None, description="Who still uses it.")
    keep_until: Day = Field(description="Until when it is kept.")
    cost: Text | None = Field(default=None, description="What keeping it costs.")
    owner: Text = Field(description="Who removes it.")


class Phase(StrEnum):
    BEFORE = "before"
    DURING = "during"
    AFTER = "after"
    BACK = "back"


class Manual(Frozen):
    """A step that a person does. Those with `when: before` must be ticked off before the start."""

    id: Id = Field(description="Its id, for `pilotage tick`.", examples=["freeze-content"])
    when: Phase = Field(description="Before, during or after the rollout, or on the way back.")
    what: Text = Field(description="What is to be done.")
    owner: Text = Field(description="Who does it.")
    takes: DurationText | None = Field(default=None, gt=timedelta(0), description="About how long.")
    expect: Text | None = Field(default=None, description="How one sees that it is done.")
    due: Day | None = Field(default=None, description="Until when, if not only at the start.")
