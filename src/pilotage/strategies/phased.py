"""Phased: wave after wave (sites, regions, modules, tenants), each with a method and a person of its own."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from pilotage.core.notation import DurationText, ShareText
from pilotage.core.shorthand import One
from pilotage.core.steps import Expose, Judge, Step, Undecided
from pilotage.core.values import EVERYBODY, Frozen
from pilotage.core.windows import WindowText
from pilotage.strategies.approval import Approval, Approve, Person, asked
from pilotage.strategies.audience import Audience
from pilotage.strategies.gates import NOBODY, gated
from pilotage.strategies.group import GroupName, Whom
from pilotage.strategies.method import Context, Method, proven, whole
from pilotage.strategies.nesting import Nested
from pilotage.strategies.pilot import Pilot


class Wave(Frozen):
    """One part of all users. Without `who` and `share` it is everybody who is left: the last one."""

    name: GroupName = Field(description="What it is called.")
    who: Whom = Field(default=(), description="Who belongs to it, told by a header or a cookie.")
    share: ShareText | None = Field(
        default=None, gt=0, lt=EVERYBODY, description="Or: the share of all that has the new version after it."
    )
    how: Nested | None = Field(
        default=None,
        description="How they get it: a method with its settings; else all of them at once.",
    )
    hold: DurationText | None = Field(default=None, description="How long it is watched at least, after that.")
    requests: int = Field(
        default=0,
        ge=0,
        strict=True,
        description="So many requests of the new version must have been judged meanwhile.",
    )
    owner: Person | None = Field(
        default=None, description="Who is responsible: asked to sign the wave off before the next one begins."
    )
    approve: Approve = Field(
        default=None, description="Or: who else is asked: `true`, a name, or `ask` and `why`."
    )

    window: Annotated[tuple[WindowText, ...], One()] = Field(
        default=(),
        description="When more of its users may get the new version, like `Mon-Thu 09:00-16:00 Europe/Berlin`: "
        "one of these, and one of the environment's `windows`, must be open.",
    )

    @model_validator(mode="after")
    def _one_of(self) -> Wave:
        if self.who and self.share is not None:
            raise ValueError("a wave is either of those in who, or a share: keep one of them")
        inner = self.how
        while isinstance(inner, Pilot):
            inner = inner.then
        if isinstance(inner, Phased):
            raise ValueError("waves can not stand in how of a wave: write them one after the other")
        return self

    @property
    def rest(self) -> bool:
        return not self.who and self.share is None

    @property
    def yes(self) -> Approval | None:
        if self.approve is None and self.owner is not None:
            return Approval(ask=(self.owner,))
        return self.approve


class Phased(Method):
    """Wave after wave, each with an audience, a method, a time to be watched and a person of its own.

    Waves of groups come first, then growing shares, and everybody who is left as the last: if no such wave is
    written, all of them at once.
    """

    nests: ClassVar[bool] = True

    method: Literal["phased"] = "phased"
    by: Literal["request", "user"] = Field(
        default="user", description="Whether shares are of requests, or of users (told apart by a cookie)."
    )
    waves: tuple[Wave, ...] = Field(min_length=1, description="In this order.")
    hold: DurationText = Field(
        default=timedelta(days=1), description="How long each wave is watched, where it does not say."
    )
    at_most: DurationText | None = Field(
        default=None, description="How long the judge may take for each; then `undecided` says what happens."
    )
    undecided: Undecided = Field(
        default=Undecided.HOLD,
        description="When the judge does not know by then: hold (wait on, a person may go on), or rollback.",
    )
    keep_warm: DurationText = Field(
        default=timedelta(minutes=10),
        description="How long the old version stays ready after the end, for a way back in an instant.",
    )

    @model_validator(mode="after")
    def _order(self) -> Phased:
        if any(wave.rest for wave in self.waves[:-1]):
            raise ValueError("waves without who and share are everybody who is left: only the last one can be")
        kinds = [bool(wave.who) for wave in self.waves if not wave.rest]
        if kinds != sorted(kinds, reverse=True):
            raise ValueError("waves of groups come before waves of shares")
        shares = [wave.share for wave in self.waves if wave.share is not None]
        if any(later <= earlier for earlier, later in pairwise(shares)):
            raise ValueError("waves of shares must grow")
        names = [wave.name for wave in self.waves]
        if len(set(names)) < len(names):
            raise ValueError("two waves have the same name")
        longest = max(self._held(wave) for wave in self.waves)
        if self.at_most is not None and self.at_most < longest:
            raise ValueError("at_most is shorter than hold: no wave could ever end")
        return self

    def exposing(self, context: Context) -> list[Step]:
        steps, audience = proven(self, context), context.audience
        begun = context.model_copy(update={"started": context.instances})
        for wave in self._all():
            mine = _audience(wave, audience, begun)
            more = self._wave(wave, begun.model_copy(update={"audience": mine}))
            steps += _within(wave, more, steps, begun) if wave.window else more
            audience = _after(wave, mine, audience)
        return steps

    def _all(self) -> tuple[Wave, ...]:
        """With everybody who is left as the last."""
        if self.waves[-1].rest:
            return self.waves
        return (*self.waves, Wave(name="everybody", hold=timedelta(0)))

    def _wave(self, wave: Wave, context: Context) -> list[Step]:
        how = [whole(context, self.key)] if wave.how is None else wave.how.exposing(self._same_users(context))
        judge = Judge(
            at_least=self._held(wave),
            at_most=self.at_most,
            undecided=self.undecided,
            requests=wave.requests,
        )
        watched = [judge] if judge.at_least or judge.requests else []
        return [*how, *watched, *asked(wave.yes, f"sign-off of {wave.name}")]

    def _same_users(self, context: Context) -> Context:
        """Whatever a wave's own method says: who has the new version once is told in one way."""
        return context.model_copy(update={"key": self.key})

    def _held(self, wave: Wave) -> timedelta:
        return self.hold if wave.hold is None else wave.hold


def _within(wave: Wave, steps: list[Step], before: list[Step], context: Context) -> list[Step]:
    """The steps of a wave, each that widens behind a gate."""
    shown = next((step for step in reversed(before) if isinstance(step, Expose)), NOBODY)
    return list(gated(steps, context.new.id, wave.window, shown=shown))


def _audience(wave: Wave, before: Audience, context: Context) -> Audience:
    if wave.who:
        group = tuple(who.pin(context.new.id, wave.name) for who in wave.who)
        return Audience(group=group, before=before.before, floor=before.floor, ceiling=before.floor)
    share = EVERYBODY if wave.share is None else wave.share
    ceiling = before.ceiling if share == EVERYBODY else min(before.ceiling, max(share, before.floor))
    return before.model_copy(update={"ceiling": ceiling})


def _after(wave: Wave, mine: Audience, before: Audience) -> Audience:
    """What is left: this wave keeps what it has."""
    if wave.who:
        return before.model_copy(update={"before": (*before.before, *mine.group)})
    return before.model_copy(update={"floor": mine.ceiling})
