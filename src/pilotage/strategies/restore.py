"""Restore: back to the last good release after a finished rollout, at once. Never blocked, never judged."""

from __future__ import annotations

from typing import ClassVar, Literal

from pilotage.core.steps import Prepare, Step
from pilotage.strategies.method import Context, Method, flag_back, only, proven


class Restore(Method):
    """Everybody back to a release that was good before, as soon as its instances are healthy."""

    judged: ClassVar[bool] = False

    method: Literal["restore"] = "restore"

    def forward(self, context: Context) -> list[Step]:
        off, before = flag_back(context.takes_flag_back)
        prepare = Prepare(release=context.new.id)
        return [*off, prepare, *self.exposing(context), *self.ending(context), *before]

    def exposing(self, context: Context) -> list[Step]:
        return [*proven(self, context), only(context.new, self.key)]
