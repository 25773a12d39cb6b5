"""A/B: users are split once and stay where they are, a business measure chooses which version stays."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field, field_validator, model_validator

from pilotage.core.judging import Worse
from pilotage.core.notation import DurationText, FractionText, ShareText
from pilotage.core.steps import Choose, Judge, NoWinner, Step
from pilotage.core.values import EVERYBODY
from pilotage.strategies.method import Context, Method, proven, shared, whole

NOT_WORSE = 0.01
"""What `not-worse` allows where nothing is said."""


class Wins(StrEnum):
    BETTER = "better"
    """The new version must be shown to do better than the old one."""
    NOT_WORSE = "not-worse"
    """It must be shown to do no worse."""


class AB(Method):
    """Users are split once and stay where they are; a business measure chooses which version stays."""

    method: Literal["ab"] = "ab"
    by: Literal["user"] = Field(
        default="user", description="Always users (told apart by a cookie): each sees one version only."
    )
    share: ShareText = Field(
        default=EVERYBODY // 2, gt=0, description="The share of users who get the new version."
    )
    decide: str = Field(description="The measure that chooses: a name under `judge.measures`.")
    wins: Wins = Field(
        default=Wins.BETTER,
        description="What the new version must be shown to be: better, or not-worse than the old one.",
    )
    effect: FractionText | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="By how much it must be better (0% if not given), or may be worse (1%).",
    )
    hold: DurationText = Field(
        default=timedelta(days=1),
        description="How long it lasts at least, however clear it is before: whole days, better whole weeks.",
    )
    at_most: DurationText = Field(description="The horizon: how long it lasts at most; then `no_winner`.")
    no_winner: NoWinner = Field(
        default=NoWinner.ASK,
        description="When neither version has won by then: the old or the new one stays, or ask (a person).",
    )
    requests_per_user: float = Field(
        default=20,
        ge=1,
        description="About how many requests a user makes: so many count as one when the shares are checked.",
    )
    keep_warm: DurationText = Field(
        default=timedelta(minutes=10),
        description="How long the old version stays ready after the choice, for a way back in an instant.",
    )

    @field_validator("share")
    @classmethod
    def _part(cls, share: int) -> int:
        if share == EVERYBODY:
            raise ValueError("100% leaves nobody to compare with: write less")
        return share

    @model_validator(mode="after")
    def _sound(self) -> AB:
        if self.at_most < self.hold:
            raise ValueError("at_most is shorter than hold: it could never end in time")
        if self.wins is Wins.NOT_WORSE and self.effect == 0:
            raise ValueError("nothing can be shown to be no worse by 0%: allow an effect like 1%")
        return self

    @property
    def line(self) -> float:
        """How many times as well the new version must be shown to do."""
        if self.wins is Wins.BETTER:
            return 1.0 + (self.effect or 0.0)
        return 1.0 - (NOT_WORSE if self.effect is None else self.effect)

    def exposing(self, context: Context) -> list[Step]:
        """A measure that is not declared is never shown to be anything: it chooses nothing."""
        measure = context.judge.measures.get(self.decide)
        choose = Choose(
            measure=self.decide,
            worse=measure.worse if measure is not None else Worse.MORE,
            line=round(self.line, 9),
            no_winner=self.no_winner,
            each=self.requests_per_user,
        )
        judge = Judge(at_least=self.hold, at_most=self.at_most, choose=choose)
        return [*proven(self, context), shared(context, self.share, self.key), judge, whole(context, self.key)]
