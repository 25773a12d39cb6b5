"""Whom a method brings the new version to: everybody, or a part of them that another method hands on.

Methods nest by this alone: a pilot or a wave compiles the steps of another method with a context whose audience
is smaller, and in which more has been done already.
"""

from __future__ import annotations

from pilotage.core.routing import Pin
from pilotage.core.values import EVERYBODY, Frozen, Share


class Audience(Frozen):
    group: tuple[Pin, ...] = ()
    """Who it is about, of the new release; empty: everybody who is left, from ``floor`` to ``ceiling``."""
    before: tuple[Pin, ...] = ()
    """Groups that have it already, and keep it."""
    floor: Share = 0
    """The share of everybody that has it already."""
    ceiling: Share = EVERYBODY
    """The share that is to have it at the end."""

    @property
    def everybody(self) -> bool:
        """Whether after this all have it."""
        return not self.group and self.ceiling == EVERYBODY

    def share(self, part: Share) -> Share:
        """The share of everybody when ``part`` of this audience has it."""
        return self.floor if self.group else self.floor + part * (self.ceiling - self.floor) // EVERYBODY

    def pins(self, part: Share) -> tuple[Pin, ...]:
        """All pins when ``part`` of this audience has it."""
        return (*self.before, *(pin.model_copy(update={"share": part}) for pin in self.group))
