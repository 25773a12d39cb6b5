"""Rolling: instances are replaced batch by batch; each carries its part of the traffic."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from pilotage.core.notation import DurationText, parse_share
from pilotage.core.steps import Judge, Pause, Scale, Step
from pilotage.core.values import EVERYBODY
from pilotage.strategies.approval import Approve, asked
from pilotage.strategies.method import Context, Method, only, shared, verified


def parse_room(value: Any) -> Fraction:
    """``2`` is a number of instances, ``25%`` a part of them: less than one whole, so that they are told apart.

    ValueError when it is neither.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Fraction(value)
    if isinstance(value, str) and 0 < parse_share(value) < EVERYBODY:
        return Fraction(parse_share(value), EVERYBODY)
    raise ValueError("neither a number of instances nor a share of them: write it like 1 or 25%")


_ROOM = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": r"^ *\d{1,2}(?:\.\d+)? ?% *$", "examples": ["25%"]},
    ]
}
Room = Annotated[Fraction, PlainValidator(parse_room), WithJsonSchema(_ROOM)]


class Rolling(Method):
    """Instances are replaced batch by batch; each batch carries its part of the traffic."""

    follows: ClassVar[bool] = False

    method: Literal["rolling"] = "rolling"
    batch: int = Field(default=1, ge=1, strict=True, description="How many instances are replaced at a time.")
    surge: bool = Field(
        default=True,
        strict=True,
        description="Start the new ones first (needs room for one batch more); false: stop the old ones first.",
    )
    max_unavailable: Room | None = Field(
        default=None,
        description="In place of `batch` and `surge`: how many instances fewer than wanted may serve; "
        "a number, or a share of them rounded down.",
    )
    max_surge: Room | None = Field(
        default=None,
        description="In place of `batch` and `surge`: how many instances more than wanted may run; "
        "a number, or a share of them rounded up.",
    )
    hold: DurationText = Field(
        default=timedelta(0), description="How long to wait after each batch; the judge watches meanwhile."
    )
    judge: bool = Field(
        default=False,
        strict=True,
        description="Whether each batch waits until the judge lets it go on, not only the time.",
    )
    requests: int = Field(
        default=0,
        ge=0,
        strict=True,
        description="With `judge`: so many requests of the new version must have been judged after each batch.",
    )
    approve: Approve = Field(
        default=None,
        description="A person must say yes after each batch but the last: `true`, who is asked, or `ask` and "
        "`why`.",
    )
    keep_warm: DurationText = Field(
        default=timedelta(0), description="How long the last batch of old instances stays ready after the end."
    )

    @model_validator(mode="after")
    def _room(self) -> Rolling:
        if self.max_unavailable is None and self.max_surge is None:
            return self
        if self.model_fields_set & {"batch", "surge"}:
            raise ValueError("max_unavailable and max_surge stand in place of batch and surge: keep one pair")
        if not self.max_unavailable and not self.max_surge:
            raise ValueError("max_unavailable and max_surge leave no room to replace an instance")
        return self

    def exposing(self, context: Context) -> list[Step]:
        if self.max_unavailable is None and self.max_surge is None:
            return self._batches(context)
        return self._within_room(context)

    def _batches(self, context: Context) -> list[Step]:
        steps: list[Step] = []
        total, done = context.instances, 0
        while done < total:
            done = min(done + self.batch, total)
            steps += self._batch(context, done, first=done <= self.batch)
        return steps

    def _within_room(self, context: Context) -> list[Step]:
        """As many at a time as may be missing or too many; the next ones when these serve."""
        assert context.old is not None
        total, old, new = context.instances, context.basis.instances, 0
        missing, extra = _rooms(self, total)
        steps: list[Step] = []
        while new < total:
            left = min(old, max(total - missing - new, 0 if new else 1))
            grown = min(total, max(max(total, context.basis.instances) + extra - left, new + 1))
            if left < old:
                steps += [] if left else [only(context.new, self.key)]
                steps.append(Scale(release=context.old.id, instances=left))
            steps.append(Scale(release=context.new.id, instances=grown, timeout=self.ready_within))
            steps += verified(context) if new == 0 else []
            steps += self._serving(context, grown, alone=left == 0)
            old, new = left, grown
        return steps

    def _serving(self, context: Context, done: int, *, alone: bool) -> list[Step]:
        """So many new instances get their part of everybody; ``alone``: they have it already."""
        last = done == context.instances
        if alone:
            return self._wait(last=last)
        part = int(Fraction(done, context.instances) * EVERYBODY)
        expose = only(context.new, self.key) if last else shared(context, part, self.key)
        return [expose, *self._wait(last=last)]

    def _batch(self, context: Context, done: int, *, first: bool) -> list[Step]:
        """Replace instances until ``done`` new ones serve their part of everybody."""
        assert context.old is not None
        part = Fraction(done, context.instances)
        last = part == 1
        left = 0 if last else max(round(context.basis.instances * (1 - part)), 1)
        fewer: list[Step] = [Scale(release=context.old.id, instances=left)]
        more: list[Step] = [
            Scale(release=context.new.id, instances=done, timeout=self.ready_within),
            *(verified(context) if first else []),
        ]
        expose = only(context.new, self.key) if last else shared(context, int(part * EVERYBODY), self.key)
        if self.surge or (first and last):
            # The last old ones stay for the Retire step: it may keep them warm.
            return [*more, expose, *self._wait(last=last), *([] if last else fewer)]
        if last:
            # Whom the last old instances still serve must move before they stop.
            return [expose, *fewer, *more, *self._wait(last=last)]
        return [*fewer, *more, expose, *self._wait(last=last)]

    def _wait(self, *, last: bool) -> list[Step]:
        yes = [] if last else asked(self.approve, "the next batch")
        if self.judge and not last:
            return [Judge(at_least=self.hold, requests=self.requests), *yes]
        return [*([Pause(duration=self.hold)] if self.hold else []), *yes]


def _rooms(rolling: Rolling, total: int) -> tuple[int, int]:
    """How many may be missing, and how many too many; one too many when rounding leaves room for none."""
    missing = _room_of(rolling.max_unavailable, total, floor)
    extra = _room_of(rolling.max_surge, total, ceil)
    return missing, extra if missing or extra else 1


def _room_of(room: Fraction | None, total: int, rounded: Callable[[Fraction], int]) -> int:
    known = room or Fraction(0)
    return min(total, int(known) if known.denominator == 1 else rounded(known * total))
