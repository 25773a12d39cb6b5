"""Parallel run: old and new answer the same real requests, answers are compared, the report is signed off."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pilotage.core.comparing import CompareSettings, Slower
from pilotage.core.notation import DurationText, FractionText, ShareText
from pilotage.core.plan import Plan
from pilotage.core.release import Release
from pilotage.core.routing import Mirroring
from pilotage.core.steps import Differing, Mirror, Prepare, Retire, Scale, Step, Undecided
from pilotage.core.values import EVERYBODY, Frozen
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.method import Context, Method, artifacts, proven
from pilotage.strategies.nested import Nested

COPY = "{copy}"
"""In the value of a variable: ``old``, ``again`` or ``new``, so that each copy has data of its own."""
_COPIES = {"old": "old copy", "again": "second old copy", "new": "new copy"}


class Writes(StrEnum):
    NONE = "none"
    """Only safe methods are copied: GET, HEAD, OPTIONS."""
    ISOLATED = "isolated"
    """All requests are copied, to isolated copies of both versions."""


class Isolated(Frozen):
    """Where the isolated copies differ from what serves users."""

    environment: dict[str, str] = Field(
        default_factory=dict,
        description="Variables of the copies, over those of `run`; `{copy}` is old, again or new.",
    )


class SlowerBlock(Slower):
    """When an answer counts as slower than the old version's to the same request."""

    most: FractionText = Field(
        default=0.05, gt=0, lt=1, description="The largest part of answers that may be slower, beyond noise."
    )


class CompareBlock(CompareSettings):
    """What counts as a difference. Places are paths: `$.items[*].price`, `header.etag`, `status`, `text`."""

    slower: SlowerBlock = Field(
        default=SlowerBlock(), description="When an answer counts as slower; `ignore: [time]` leaves that out."
    )

    def settings(self) -> CompareSettings:
        return CompareSettings.model_validate(self.model_dump())


class ParallelRun(Method):
    """Old and new answer the same real requests, answers are compared, the report signed off; then cut-over."""

    nests: ClassVar[bool] = True
    follows: ClassVar[bool] = False

    method: Literal["parallel-run"] = "parallel-run"
    mirror: ShareText = Field(default=EVERYBODY, gt=0, description="The share of requests that are copied.")
    at_least: DurationText = Field(
        default=timedelta(minutes=10), description="How long both run side by side at least."
    )
    requests: int = Field(default=1000, ge=1, description="How many requests are compared at least.")
    at_most: DurationText | None = Field(
        default=None, description="How long it may take in all; then `undecided` says what happens."
    )
    undecided: Undecided = Field(
        default=Undecided.HOLD,
        description="When too little was compared by then: hold (a person reads the report), or rollback.",
    )
    most: FractionText = Field(
        default=0.001, gt=0, lt=1, description="The largest part of answers that may differ beyond noise."
    )
    differing: Differing = Field(
        default=Differing.ROLLBACK,
        description="When more differ than that: rollback, or hold (a person reads the report).",
    )
    sign_off: bool = Field(
        default=True, description="Whether a person has to sign the report off before the cut-over."
    )
    writes: Writes = Field(
        default=Writes.NONE,
        description="none: only GET, HEAD and OPTIONS are copied; isolated: all, to `isolated` copies.",
    )
    isolated: Isolated = Field(
        default=Isolated(), description="What the copies that take writes have of their own."
    )
    skip: tuple[str, ...] = Field(
        default=(), description="Requests whose path begins like one of these are not copied."
    )
    compare: CompareBlock = Field(default=CompareBlock(), description="What counts as a difference.")
    then: Nested = Field(default=BlueGreen(), description="The method of the cut-over, with its settings.")

    @model_validator(mode="after")
    def _time(self) -> ParallelRun:
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError("at_most is shorter than at_least: the run could never end")
        return self

    @model_validator(mode="after")
    def _isolation(self) -> ParallelRun:
        values = self.isolated.environment.values()
        if self.writes is Writes.ISOLATED and not any(COPY in value for value in values):
            raise ValueError(
                "writes would be made three times to the same data: under isolated.environment, give each"
                f" copy data of its own with a variable whose value has {COPY} in it"
            )
        if self.writes is Writes.NONE and self.isolated.environment:
            raise ValueError("isolated copies are only made with `writes: isolated`")
        return self

    def compile(self, context: Context) -> Plan:
        plan = super().compile(context)
        judge = self.then.compile(context).judge
        return plan.model_copy(update={"judge": judge, "copies": self._copies(context)})

    def forward(self, context: Context) -> list[Step]:
        assert context.old is not None
        copies = self._copies(context)
        before = _running(self, copies) if copies else proven(self, context)
        mirror = Mirror(
            mirroring=self._mirroring(context, copies),
            at_least=self.at_least,
            requests=self.requests,
            at_most=self.at_most,
            undecided=self.undecided,
            differing=self.differing,
            sign_off=self.sign_off,
        )
        return [
            *artifacts(context),
            *before,
            mirror,
            *(Retire(release=copy.id) for copy in copies),
            *self._cut_over(context, proved=not copies),
        ]

    def exposing(self, context: Context) -> list[Step]:
        """Of the cut-over."""
        return self.then.exposing(context)

    def way_back(self, context: Context) -> list[Step]:
        return [*self.then.way_back(context), *(Retire(release=copy.id) for copy in self._copies(context))]

    def _cut_over(self, context: Context, *, proved: bool) -> list[Step]:
        """The nested method's steps, without what has been done already."""
        done = [*artifacts(context), *(proven(self, context) if proved else [])]
        steps = self.then.forward(context)
        while steps and steps[0] in done:
            steps = steps[1:]
        return steps

    def _mirroring(self, context: Context, copies: tuple[Release, ...]) -> Mirroring:
        assert context.old is not None
        old, again, new = (copy.id for copy in copies) if copies else (*[context.old.id] * 2, context.new.id)
        return Mirroring(
            share=self.mirror,
            old=old,
            again=again,
            new=new,
            writes=bool(copies),
            most=self.most,
            skip=self.skip,
            compare=self.compare.settings(),
        )

    def _copies(self, context: Context) -> tuple[Release, ...]:
        """Of the old version twice, and of the new one; none when only safe requests are copied."""
        if self.writes is Writes.NONE or context.old is None:
            return ()
        sources = {"old": context.old, "again": context.old, "new": context.new}
        return tuple(self._copy(release, name) for name, release in sources.items())

    def _copy(self, release: Release, name: str) -> Release:
        own = {key: value.replace(COPY, name) for key, value in self.isolated.environment.items()}
        run = release.run.model_copy(update={"environment": {**release.run.environment, **own}})
        return release.model_copy(update={"run": run}).once_more(_COPIES[name])


def _running(method: Method, copies: tuple[Release, ...]) -> list[Step]:
    prepared: list[Step] = [Prepare(release=copy.id) for copy in copies]
    return prepared + [Scale(release=copy.id, instances=1, timeout=method.ready_within) for copy in copies]
