"""A whole store as rows: what a backup holds, the same for every database.

Kept are the words of history, not what is made of them: states are folded anew when a backup is put back, and
leases are nobody's then.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from pilotage.core.events import EVENT, Created, Event
from pilotage.core.state import State, fold

TABLES: dict[str, tuple[str, ...]] = {
    "events": ("rollout", "number", "body"),
    "messages": ("rollout", "number", "key", "body"),
    "environments": ("service", "name", "revision", "body"),
    "ticks": ("plan", "body"),
    "statements": ("digest", "service", "body"),
    "snapshots": ("rollout", "number", "body"),
    "checkpoints": ("rollout", "number", "body"),
    "glances": ("rollout", "body"),
    "pruned": ("rollout", "body"),
}
"""In the order in which their rows come; rollouts in the order of their creation. Bodies are JSON."""
TELEMETRY = ("snapshots", "checkpoints", "glances", "pruned")
"""Those without which the record is still whole."""


class Row(NamedTuple):
    """One row; the values stand in the order of TABLES."""

    table: str
    values: tuple[str | int | None, ...]


def tables(rows: Iterable[Row]) -> Iterator[tuple[str, Iterator[Row]]]:
    """By table, in the order in which they come."""
    return groupby(rows, key=lambda row: row.table)


def histories(events: Iterable[Row]) -> Iterator[tuple[State, tuple[Event, ...], list[Row]]]:
    """Of rows of events: each rollout's state, its events, and the rows themselves.

    ValueError (also pydantic's) when one is no history that this version can read.
    """
    for id, rows in groupby(events, key=lambda row: str(row.values[0])):
        kept = list(rows)
        numbers = [row.values[1] for row in kept]
        if numbers != list(range(1, len(kept) + 1)):
            raise ValueError(f"{id}: an event is missing")
        told = tuple(EVENT.validate_json(str(row.values[2])) for row in kept)
        first = told[0]
        if isinstance(first, Created) and first.digest != first.plan.digest:
            raise ValueError(f"{id}: its plan is not the one whose digest was recorded")
        yield fold(id, told), told, kept
