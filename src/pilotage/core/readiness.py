"""Whether what must be done before a release is done: item by item, as it stood at one moment."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pilotage.core.values import Frozen, Instant


class Weight(StrEnum):
    """What an open item does to a start."""

    BLOCK = "block"
    WARN = "warn"
    IGNORE = "ignore"


class Standing(StrEnum):
    DONE = "done"
    OPEN = "open"
    OVERDUE = "overdue"
    """Open, and its day has passed."""


class Item(Frozen):
    """One thing that is asked before a start. ``subject`` is the key of the release file that it is about."""

    subject: str
    what: str
    standing: Standing
    weight: Weight = Weight.BLOCK
    owner: str | None = None
    due: date | None = None
    why: str = ""
    """Why it is open; of what is done, what shows it."""

    @property
    def open(self) -> bool:
        return self.standing is not Standing.DONE

    @property
    def blocks(self) -> bool:
        return self.open and self.weight is Weight.BLOCK

    @property
    def warns(self) -> bool:
        return self.open and self.weight is Weight.WARN


class Readiness(Frozen):
    """What was asked and how it stood ``at`` a moment, for a start then."""

    at: Instant
    release_file: str | None = None
    """The digest of the release file that says so; None: there was none."""
    items: tuple[Item, ...] = ()

    @property
    def ready(self) -> bool:
        """Nothing blocks."""
        return not any(item.blocks for item in self.items)


class Tick(Frozen):
    """A step of a runbook was ticked off by somebody, or not done after all. Kept for ever, in order."""

    plan: str
    """The digest of the plan whose runbook it is."""
    step: str
    by: str
    at: Instant
    done: bool = True
    note: str = ""


def ticked(ticks: tuple[Tick, ...]) -> dict[str, Tick]:
    """The last word on every step that is done."""
    last = {tick.step: tick for tick in ticks}
    return {step: tick for step, tick in last.items() if tick.done}
