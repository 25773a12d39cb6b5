"""The people of a release: who has a stake, who is told what, who learns, who stands by, who does what."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from pilotage.core.values import Frozen
from pilotage.dossier.words import Day, Moment, Text


class Degree(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Stakeholder(Frozen):
    """A person or a group with a stake in the release."""

    name: Text = Field(description="Who.")
    role: Text = Field(description="What they are to this release.", examples=["product owner"])
    audience: Text | None = Field(
        default=None, description="Which messages they get: an audience of `communication`."
    )
    interest: Text | None = Field(default=None, description="What they want of it, or fear.")
    influence: Degree = Field(default=Degree.MEDIUM, description="How much they can help or hinder.")
    contact: Text | None = Field(default=None, description="How to reach them.")
    signs_off: bool = Field(default=False, strict=True, description="Whether their yes is needed.")
    signed_off: Day | None = Field(default=None, description="When they said yes.")
    due: Day | None = Field(default=None, description="Until when their yes is needed.")


class When(StrEnum):
    BEFORE = "before"
    START = "start"
    PROGRESS = "progress"
    SUCCESS = "success"
    ROLLBACK = "rollback"


class Message(Frozen):
    """One message to one audience. Those with `when: before` must be sent before the start."""

    audience: Text = Field(description="To whom.", examples=["customers"])
    when: When = Field(description="On what occasion.")
    channel: Text = Field(description="Through what.", examples=["mail", "status page"])
    owner: Text = Field(description="Who sends it.")
    text: Text | None = Field(
        default=None, description="What it says; drafted from the plan and this file if not given."
    )
    due: Day | None = Field(default=None, description="Until when it is to be sent.")
    sent: Day | None = Field(default=None, description="When it was sent.")


class Training(Frozen):
    """Somebody who must know something before the release."""

    audience: Text = Field(description="Who learns.")
    what: Text = Field(description="What.")
    owner: Text = Field(description="Who teaches, or sees to it.")
    due: Day = Field(description="Until when.")
    done: Day | None = Field(default=None, description="When it was done.")
    material: Text | None = Field(default=None, description="Where to read it again.")


class Shift(Frozen):
    """Somebody who stands by, from when until when."""

    who: Text = Field(description="Who stands by.")
    start: Moment = Field(description="From when.")
    end: Moment = Field(description="Until when.")
    role: Text | None = Field(default=None, description="As what.", examples=["on call, database"])
    contact: Text | None = Field(default=None, description="How to reach them.")

    @model_validator(mode="after")
    def _forwards(self) -> Shift:
        if self.end <= self.start:
            raise ValueError("`end` must lie after `start`")
        return self


class Support(Frozen):
    """Who stands by while the release goes out, and as long as it may have to be taken back."""

    owner: Text = Field(description="Who sees to it.")
    due: Day | None = Field(default=None, description="Until when the rota must stand.")
    at_least: int = Field(
        default=1, strict=True, ge=1, le=100, description="So many people at any moment of the release."
    )
    rota: tuple[Shift, ...] = Field(default=(), description="The shifts.")
    escalation: tuple[Text, ...] = Field(default=(), description="Who is called next, in this order.")


class Duty(Frozen):
    """One row of the table of who does what (RACI)."""

    activity: Text = Field(description="What is to be done.")
    responsible: tuple[Text, ...] = Field(min_length=1, description="Who does it.")
    accountable: Text = Field(description="Who answers for it: one.")
    consulted: tuple[Text, ...] = Field(default=(), description="Who is asked before.")
    informed: tuple[Text, ...] = Field(default=(), description="Who is told after.")
