"""Time that must be covered: shifts that stand by, windows that are open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from pilotage.dossier.people import Shift
from pilotage.dossier.terms import Window


@dataclass(frozen=True)
class Gap:
    """From ``start`` until ``end`` only ``there`` of the ``wanted`` people stand by."""

    start: datetime
    end: datetime
    there: int
    wanted: int


def first_gap(rota: Iterable[Shift], wanted: int, start: datetime, end: datetime) -> Gap | None:
    """The first stretch of ``start`` … ``end`` with too few people; None when there are always enough.

    One person with two shifts at a time is one. A span of no length is its one moment.
    """
    shifts = list(rota)
    edges = {edge for one in shifts for edge in (one.start, one.end) if start < edge < end}
    marks = [start, *sorted(edges), max(start, end)]
    for since, until in pairwise(marks):
        there = len({one.who for one in shifts if one.start <= since < one.end})
        if there < wanted:
            return Gap(since, until, there, wanted)
    return None


def told(gap: Gap) -> str:
    there = "nobody stands by" if gap.there == 0 else f"{gap.there} of {gap.wanted} stand by"
    return f"{there} from {moment(gap.start)} to {moment(gap.end)}"


def window_of(windows: Iterable[Window], start: datetime, end: datetime) -> Window | None:
    """The window that holds all of it."""
    return next((one for one in windows if one.start <= start and end <= one.end), None)


def moment(at: datetime) -> str:
    """``2026-12-01 20:00 UTC``"""
    return at.strftime("%Y-%m-%d %H:%M UTC")
