"""Big-bang (recreate): the old version stops, then the new one starts; nobody is served in between."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pilotage.core.plan import Plan
from pilotage.core.steps import Expose, Promote, Retire, Scale, Step
from pilotage.strategies.approval import Approve, asked
from pilotage.strategies.method import Context, Method, as_before, only, proven


class BigBang(Method):
    """The old version stops, then the new one starts; nobody is served in between.

    For what can not run twice at once (an exclusive lock on its data). The router answers 503 with
    Retry-After meanwhile.
    """

    judged: ClassVar[bool] = False
    follows: ClassVar[bool] = False

    method: Literal["big-bang"] = "big-bang"
    approve: Approve = Field(
        default=None,
        description="A person must say yes before the stop: `true`, who is asked, or `ask` and `why`.",
    )

    accept_risk: Annotated[str, Field(min_length=1, max_length=300)] | None = Field(
        default=None,
        description="Why it may begin although its way back was not rehearsed, or nothing says how data come "
        "back; it is part of the plan.",
    )

    def compile(self, context: Context) -> Plan:
        plan = super().compile(context)
        return plan.model_copy(update={"accepted_risk": self.accept_risk}) if self.accept_risk else plan

    def exposing(self, context: Context) -> list[Step]:
        assert context.old is not None
        return [
            *asked(self.approve, "the stop of the service"),
            Expose(splits=()),
            Scale(release=context.old.id, instances=0),
            *proven(self, context),
            only(context.new, self.key),
        ]

    def ending(self, context: Context) -> list[Step]:
        return [Promote(release=context.new.id)]

    def way_back(self, context: Context) -> list[Step]:
        if context.old is None:
            return super().way_back(context)
        return [
            Scale(release=context.new.id, instances=0),
            Scale(release=context.old.id, instances=context.basis.instances, timeout=self.ready_within),
            as_before(context),
            Promote(release=context.old.id),
            Retire(release=context.new.id, drain=self.drain),
        ]
