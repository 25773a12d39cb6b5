"""Canary: a small share first, judged against the old version, widened step by step or taken back."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pilotage.core.notation import DurationText, ShareText
from pilotage.core.routing import Pin
from pilotage.core.shorthand import Short
from pilotage.core.steps import Judge, Step, Undecided
from pilotage.core.values import EVERYBODY, Frozen, percent
from pilotage.strategies.approval import Approve, asked
from pilotage.strategies.method import Context, Method, proven, shared, whole


class Pilots(Frozen):
    """Requests with this header or cookie always see the new version, from the first step on."""

    header: str | None = Field(default=None, description="Name of the header.")
    cookie: str | None = Field(default=None, description="Name of the cookie.")
    value: str = Field(description="Its exact value.")

    @model_validator(mode="after")
    def _one_of(self) -> Pilots:
        if (self.header is None) == (self.cookie is None):
            raise ValueError("name either a header or a cookie")
        return self


class CanaryStep(Frozen):
    """One share; what it does not say, the canary says."""

    share: ShareText = Field(description="The share that sees the new version.")
    hold: DurationText | None = Field(default=None, description="How long it is held at least.")
    requests: int = Field(
        default=0,
        ge=0,
        strict=True,
        description="So many requests of the new version must have been judged at it, at least.",
    )
    approve: Approve = Field(
        default=None,
        description="A person must say yes after it: `true`, who is asked, or `ask` and `why`.",
    )


def _steps(*shares: str) -> tuple[CanaryStep, ...]:
    return tuple(CanaryStep.model_validate({"share": share}) for share in shares)


class Canary(Method):
    """A small share first, judged against the old version, widened step by step or taken back."""

    method: Literal["canary"] = "canary"
    steps: tuple[Annotated[CanaryStep, Short("share", numbers=True)], ...] = Field(
        default=_steps("5%", "25%", "50%"),
        min_length=1,
        description="Growing shares that see the new version, each judged; after the last comes everybody. "
        "A share, or a mapping with a hold, requests or an approval of its own.",
    )
    hold: DurationText = Field(
        default=timedelta(minutes=2), description="How long each share is held at least, however good it looks."
    )
    at_most: DurationText | None = Field(
        default=None,
        description="How long the judge may take for each share; then `undecided` says what happens.",
    )
    undecided: Undecided = Field(
        default=Undecided.HOLD,
        description="When the judge does not know by then: hold (wait on, a person may go on), or rollback.",
    )
    pilots: tuple[Pilots, ...] = Field(
        default=(), description="Who always sees the new version: a header or a cookie with a value."
    )
    keep_warm: DurationText = Field(
        default=timedelta(minutes=10),
        description="How long the old version stays ready after the switch, for a way back in an instant.",
    )

    @field_validator("steps")
    @classmethod
    def _grow(cls, steps: tuple[CanaryStep, ...]) -> tuple[CanaryStep, ...]:
        if any(later.share <= earlier.share for earlier, later in pairwise(steps)):
            raise ValueError("shares must grow from step to step")
        if steps[0].share <= 0 or steps[-1].share >= EVERYBODY:
            raise ValueError("shares lie between 0% and 100%; everybody follows by itself after the last")
        return steps

    @model_validator(mode="after")
    def _time(self) -> Canary:
        if self.at_most is not None and self.at_most < max(self._held(step) for step in self.steps):
            raise ValueError("at_most is shorter than hold: no step could ever end")
        return self

    def exposing(self, context: Context) -> list[Step]:
        pins = tuple(Pin(release=context.new.id, group="pilots", **p.model_dump()) for p in self.pilots)
        steps = proven(self, context)
        for step in self.steps:
            steps.append(shared(context, step.share, self.key, pins))
            steps += self._judged(step)
        return [*steps, whole(context, self.key)]

    def _held(self, step: CanaryStep) -> timedelta:
        return self.hold if step.hold is None else step.hold

    def _judged(self, step: CanaryStep) -> list[Step]:
        judge = Judge(
            at_least=self._held(step),
            at_most=self.at_most,
            undecided=self.undecided,
            requests=step.requests,
        )
        return [judge, *asked(step.approve, f"more than {percent(step.share)}")]
