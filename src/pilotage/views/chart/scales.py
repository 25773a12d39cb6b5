"""Where a figure stands on an axis, and which figures an axis names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log, log10

from pilotage.core.judging import Kind
from pilotage.views.chart.model import Chart, Point
from pilotage.views.figures import amount, multiple

ROOM = 1.15
"""Factor of free room above and below, on ratios."""
OPEN = 2.0
"""The same, where an interval has no end."""
NARROWEST = 1.1
"""A ratio's axis spans at least from 1/1.1 to 1.1."""
LEAST, MOST = 1e-3, 1e4
"""Ratios beyond are not drawn to scale: the judge does not tell them apart either."""


@dataclass(frozen=True)
class Scale:
    """``place`` is 0 at ``low`` and 1 at ``high``, and beyond for what is outside."""

    low: float
    high: float
    ratio: bool
    """Logarithmic."""
    kind: Kind = Kind.COUNT

    def place(self, value: float) -> float:
        if not self.ratio:
            return (value - self.low) / (self.high - self.low)
        return log(max(value, 1e-9) / self.low) / log(self.high / self.low)

    def inside(self, value: float) -> bool:
        return self.low <= value <= self.high

    def ticks(self, most: int = 6) -> list[float]:
        return _ratios(self.low, self.high, most) if self.ratio else steps(self.low, self.high, most)

    def label(self, value: float) -> str:
        return multiple(value) if self.ratio else amount(value, self.kind)


def scale_of(chart: Chart) -> Scale:
    """Ratios, or the new version's own figure where there is an absolute limit.

    A ratio's axis shows what is settled: limits, and intervals and estimates as they stood at the end of each
    share. What was wider before goes on outside; that is drawn as arrows.
    """
    if chart.ceiling is not None:
        values = [chart.ceiling, *(one.new for one in chart.points if one.new is not None)]
        return Scale(0.0, max(1.1 * max(values), 1e-6), ratio=False, kind=chart.kind)
    wanted = [1.0, *(value for point in _settled(chart) for value in _ratios_of(point))]
    inside = [min(max(value, LEAST), MOST) for value in wanted if value > 0.0]
    low, high = min([*inside, 1 / NARROWEST]), max([*inside, NARROWEST])
    room = ROOM if high / low > 1.5 else ROOM**0.25
    ends = [point for point in _settled(chart) if point.low is not None or point.high is not None]
    below = OPEN if any(not point.low for point in ends) else room
    above = OPEN if any(point.high is None for point in ends) else room
    return Scale(low / below, high * above, ratio=True)


def _settled(chart: Chart) -> list[Point]:
    """The last point of each share, and those where it was decided."""
    last: dict[float, Point] = {}
    for point in chart.points:
        last[point.share] = point
    turns = {turn.t for turn in chart.turns}
    return [*last.values(), *(point for point in chart.points if point.t in turns)]


def _ratios_of(point: Point) -> Iterable[float]:
    return (
        value
        for value in (point.low, point.high, point.ratio, point.worse, point.fine)
        if value is not None and value > 0.0
    )


def steps(low: float, high: float, most: int) -> list[float]:
    """Round figures from ``low`` to ``high``, at most so many."""
    size = (high - low) / max(most - 1, 1)
    base = 10.0 ** floor(log10(size))
    step = next(base * factor for factor in (1, 2, 2.5, 5, 10) if base * factor >= size * 0.999)
    first = ceil(low / step - 1e-9)
    return [round(step * (first + i), 12) for i in range(floor(high / step + 1e-9) - first + 1)]


def _ratios(low: float, high: float, most: int) -> list[float]:
    if high / low < 4:
        return steps(low, high, most)
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    for chosen in ((1, 2, 5), (1, 3), (1,)):
        found = [f * 10.0**d for d in decades for f in chosen if low <= f * 10.0**d <= high]
        if len(found) <= most:
            break
    return found[:: ceil(len(found) / most)]


def time_ticks(start: float, end: float, most: int) -> list[float]:
    """Whole seconds, minutes or hours."""
    units = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
    span = max(end - start, 1e-9)
    step = next((unit for unit in units if span / unit <= most), 86400 * ceil(span / most / 86400))
    return [float(step * i) for i in range(ceil(start / step), floor(end / step) + 1)]
