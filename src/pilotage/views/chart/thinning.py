"""Hours of looks made few enough to draw, without losing an extreme."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from math import inf

from pilotage.views.chart.model import Point

COLUMNS = 300
"""Of a picture: more cannot be told apart."""


def thinned(points: Sequence[Point], start: float, end: float, columns: int = COLUMNS) -> list[Point]:
    """In each column the first and the last point, and those with the least and the most of each figure.

    What fits is kept whole; the order of time is kept. A bound that is not there is the most extreme of all.
    """
    if len(points) <= 2 * columns or end <= start:
        return list(points)
    width = (end - start) / columns
    kept: list[Point] = []
    for _, group in groupby(points, key=lambda point: min(int((point.t - start) / width), columns - 1)):
        kept += _telling(list(group))
    return kept


_Figure = Callable[[Point], float | None]
_FIGURES: tuple[_Figure, ...] = (
    lambda point: point.ratio,
    lambda point: point.new,
    lambda point: point.low or 0.0,
    lambda point: inf if point.high is None else point.high,
    lambda point: point.against,
    lambda point: point.for_,
)


def _telling(group: list[Point]) -> list[Point]:
    keep = {0, len(group) - 1}
    for figure in _FIGURES:
        known = [(value, place) for place, one in enumerate(group) if (value := figure(one)) is not None]
        if known:
            keep |= {min(known)[1], max(known)[1]}
    for place, (before, after) in enumerate(pairwise(group)):
        if before.share != after.share:
            keep |= {place, place + 1}
    return [group[place] for place in sorted(keep)]


def split(points: Sequence[Point | None], start: float, end: float, pause: float) -> list[list[Point]]:
    """Into stretches: a None (nothing known at this look) ends one, so does more than ``pause`` seconds of
    silence. Breaks too short to be seen in the picture are not kept."""
    longest = max((end - start) / (2 * COLUMNS), 0.0)
    stretches: list[list[Point]] = []
    broken = True
    for one in points:
        if one is None:
            broken = True
            continue
        last = stretches[-1][-1].t if stretches else None
        silent = inf if last is None else one.t - last
        if silent > pause or (broken and silent > longest):
            stretches.append([])
        stretches[-1].append(one)
        broken = False
    return stretches
