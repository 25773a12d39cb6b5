"""Blue-green: the new side is proven on its preview address, then everybody is switched at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from pilotage.core.notation import DurationText
from pilotage.core.steps import Judge, Step, Undecided
from pilotage.strategies.approval import Approve, asked
from pilotage.strategies.method import Context, Method, proven, whole


class BlueGreen(Method):
    """The new side is proven on its preview address, then everybody is switched at once, in one change."""

    method: Literal["blue-green"] = "blue-green"
    approve: Approve = Field(
        default=None,
        description="A person must say yes before the switch: `true`, who is asked, or `ask` and `why`.",
    )
    bake: DurationText = Field(
        default=timedelta(0),
        description="How long the new side must stay under the error limit after the switch to be promoted.",
    )
    at_most: DurationText | None = Field(
        default=None,
        description="How long baking may take in all; then the old side is switched back. Without it: wait.",
    )
    keep_warm: DurationText = Field(
        default=timedelta(minutes=10),
        description="How long the old side stays ready after that, for a way back in an instant.",
    )

    def exposing(self, context: Context) -> list[Step]:
        steps = [
            *proven(self, context),
            *asked(self.approve, "the switch"),
            whole(context, self.key),
        ]
        if self.bake:
            steps.append(Judge(at_least=self.bake, at_most=self.at_most, undecided=Undecided.ROLLBACK))
        return steps
