"""Restore: back to the last good release after a finished rollout, at once. Never blocked, never judged."""

from __future__ import annotations

from typing import ClassVar, Literal

from pilotage.core.steps import Prepare, Promote, Retire, Step
from pilotage.strategies.method import Context, Method, flag_back, only, proven


class Restore(Method):
    """Everybody back to a release that was good before, as soon as its instances are healthy."""

    judged: ClassVar[bool] = False

    method: Literal["restore"] = "restore"

    def forward(self, context: Context) -> list[Step]:
        assert context.old is not None
        off, before = flag_back(context.takes_flag_back)
        return [
            *off,
            Prepare(release=context.new.id),
            *proven(self, context),
            only(context.new, self.key),
            Promote(release=context.new.id),
            Retire(release=context.old.id, drain=self.drain),
            *before,
        ]
