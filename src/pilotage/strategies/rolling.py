"""Rolling: instances are replaced batch by batch; each carries its part of the traffic."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Literal

from pydantic import Field

from pilotage.core.notation import DurationText
from pilotage.core.steps import Judge, Pause, Promote, Retire, Scale, Step
from pilotage.core.values import EVERYBODY
from pilotage.strategies.method import Context, Method, artifacts, only, shared, verified


class Rolling(Method):
    """Instances are replaced batch by batch; each batch carries its part of the traffic."""

    method: Literal["rolling"] = "rolling"
    batch: int = Field(default=1, ge=1, strict=True, description="How many instances are replaced at a time.")
    surge: bool = Field(
        default=True,
        strict=True,
        description="Start the new ones first (needs room for one batch more); false: stop the old ones first.",
    )
    hold: DurationText = Field(
        default=timedelta(0), description="How long to wait after each batch; the judge watches meanwhile."
    )
    judge: bool = Field(
        default=False,
        strict=True,
        description="Whether each batch waits until the judge lets it go on, not only the time.",
    )
    keep_warm: DurationText = Field(
        default=timedelta(0), description="How long the last batch of old instances stays ready after the end."
    )

    def forward(self, context: Context) -> list[Step]:
        assert context.old is not None
        steps = artifacts(context)
        total, done = context.instances, 0
        while done < total:
            done = min(done + self.batch, total)
            steps += self._batch(context, done, first=done <= self.batch)
        return [
            *steps,
            Promote(release=context.new.id),
            Retire(release=context.old.id, keep_warm=self.keep_warm, drain=self.drain),
        ]

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
        if self.judge and not last:
            return [Judge(at_least=self.hold)]
        return [Pause(duration=self.hold)] if self.hold else []
