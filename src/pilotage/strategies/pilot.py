"""Pilot: a named group works with the new version for days and signs it off; then another method."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pilotage.core.notation import DurationText
from pilotage.core.steps import Judge, Step, Undecided
from pilotage.strategies.approval import Approval, Approve, asked
from pilotage.strategies.audience import Audience
from pilotage.strategies.canary import Canary
from pilotage.strategies.group import GroupName, Whom
from pilotage.strategies.method import Context, Method, proven, whole
from pilotage.strategies.nesting import Nested


class Pilot(Method):
    """A named group works with the new version for days and signs it off; then another method for the rest.

    The group was chosen, so it is not compared with anybody: meanwhile the new version is held to the judge's
    error limit, and taken back beyond it. The comparison begins with `then`, without the group's requests.
    """

    nests: ClassVar[bool] = True

    method: Literal["pilot"] = "pilot"
    name: GroupName = Field(default="pilot", description="What the group is called.")
    who: Whom = Field(min_length=1, description="Who belongs to it; one or several ways to tell.")
    instances: int | None = Field(
        default=None,
        ge=1,
        strict=True,
        description="How many instances of the new version the group needs; as many as all need, if not given.",
    )
    hold: DurationText = Field(
        default=timedelta(days=1), description="How long the group works with it at least."
    )
    requests: int = Field(
        default=0, ge=0, strict=True, description="So many requests of the group must have been judged."
    )
    at_most: DurationText | None = Field(
        default=None, description="How long the judge may take for that; then `undecided` says what happens."
    )
    undecided: Undecided = Field(
        default=Undecided.HOLD,
        description="When the judge does not know by then: hold (wait on, a person may go on), or rollback.",
    )
    sign_off: Approve = Field(
        default=Approval(),
        description="A person must sign it off: `true`, who is asked, or `ask` and `why`; `false`: nobody.",
    )
    then: Nested = Field(
        default_factory=Canary, description="How all others get it: a method with its settings."
    )

    @model_validator(mode="after")
    def _time(self) -> Pilot:
        if self.at_most is not None and self.at_most < self.hold:
            raise ValueError("at_most is shorter than hold: no pilot could ever end")
        return self

    def exposing(self, context: Context) -> list[Step]:
        group = tuple(who.pin(context.new.id, self.name) for who in self.who)
        few = max(context.started, min(self.instances or context.instances, context.instances))
        outer = context.audience
        only_they = Audience(group=group, before=outer.before, floor=outer.floor, ceiling=outer.floor)
        judge = Judge(
            at_least=self.hold, at_most=self.at_most, undecided=self.undecided, requests=self.requests
        )
        rest = context.model_copy(
            update={
                "started": few,
                "audience": outer.model_copy(update={"before": (*outer.before, *group)}),
            }
        )
        return [
            *proven(self, context.model_copy(update={"instances": few})),
            whole(context.model_copy(update={"audience": only_they}), self.key),
            judge,
            *asked(self.sign_off, f"sign-off of {self.name}"),
            *self.then.exposing(rest),
        ]

    @property
    def of_users(self) -> bool:
        return self.then.of_users

    @property
    def warm(self) -> timedelta:
        return self.then.warm
