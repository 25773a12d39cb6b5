"""A chart in terminal cells: ``░`` the interval, ``━`` the estimate, ``╌`` the limit, ``✗`` the verdict.

A cell shows an estimate in three heights (``▔ ━ ▁``). Every sign has a likeness in plain characters (ink.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from pilotage.core.judging import Outcome
from pilotage.views.chart.model import Chart, Point
from pilotage.views.chart.scales import Scale, scale_of
from pilotage.views.chart.telling import after, ending, heading
from pilotage.views.figures import amount, between, multiple, percent
from pilotage.views.ink import Line, Span, Tone, cells, fit, line, span, trimmed, wrap

ROWS = 8
LEAST, MOST = 24, 96
"""Columns of the plot."""
AXIS = 7
"""Columns of the figures beside it."""

Cell = tuple[str, Tone]
_BLANK: Cell = (" ", Tone.PLAIN)
_HEIGHTS = "▁━▔"


def draw(chart: Chart, width: int = 80, rows: int = ROWS) -> list[Line]:
    """Heading, plot, axes, and how it stood at the end; no line wider than ``width``."""
    columns = max(min(width - AXIS - 4, MOST), LEAST)
    scale = scale_of(chart)
    grid = _Grid(chart, scale, columns, rows)
    labels = _labels(scale, rows)
    lines = [fit(line("  ", span(heading(chart), Tone.STRONG), span(_key(chart), Tone.DIM)), width)]
    for row in range(rows):
        beside = span(f"  {labels.get(row, ''):>{AXIS}} ", Tone.DIM)
        lines.append(fit(trimmed(line(beside, *_joined(grid.row(row)))), width))
    lines += [fit(one, width) for one in (_shares(grid), _times(grid))]
    return [*lines, *wrap(line("  ", ending(chart)), width, 2)]


def _key(chart: Chart) -> str:
    """What the signs are."""
    last = chart.last
    if chart.ceiling is not None:
        return f"   ━ now  ╌ limit {amount(chart.ceiling, chart.kind)}"
    limit = f"  ╌ limit {multiple(last.worse)}" if last and last.worse is not None else ""
    band = "  ░ 95 % interval" if any(between(point.low, point.high) for point in chart.points) else ""
    return f"   ━ times the old one's{band}{limit}"


@dataclass(frozen=True)
class _Column:
    """What falls on one column of the plot. None: nothing is known of it."""

    points: tuple[Point, ...]

    def values(self, scale: Scale) -> list[float]:
        found = (point.ratio if scale.ratio else point.new for point in self.points)
        return [value for value in found if value is not None]


class _Grid:
    """Row 0 is the uppermost."""

    def __init__(self, chart: Chart, scale: Scale, columns: int, rows: int) -> None:
        self.chart, self.scale, self.columns, self.rows = chart, scale, columns, rows
        held: list[list[Point]] = [[] for _ in range(columns)]
        for point in chart.points:
            held[self.column(point.t)].append(point)
        self._held = [_Column(tuple(one)) for one in self._filled(held)]
        self._cells = [[_BLANK] * columns for _ in range(rows)]
        self._draw()

    def column(self, t: float) -> int:
        span_ = self.chart.end - self.chart.start
        place = (t - self.chart.start) / span_ if span_ > 0 else 0.5
        return min(max(int(place * self.columns), 0), self.columns - 1)

    def row(self, row: int) -> list[Cell]:
        return self._cells[row]

    def _filled(self, held: list[list[Point]]) -> list[list[Point]]:
        """A column between two looks of one stretch shows the look before it; a gap stays empty."""
        inside: set[int] = set()
        for stretch in self.chart.stretches:
            inside |= set(range(self.column(stretch[0].t), self.column(stretch[-1].t) + 1))
        filled: list[list[Point]] = []
        for place, points in enumerate(held):
            before = filled[-1][-1:] if filled and place in inside else []
            filled.append(points or before)
        return filled

    def _draw(self) -> None:
        turns = {self.column(turn.t): turn for turn in self.chart.turns if turn.outcome in _SIGNS}
        steps = {self.column(step.t) for step in self.chart.steps[1:]}
        for place, column in enumerate(self._held):
            if place in steps:
                self._fill(place, 0, self.rows - 1, ("┊", Tone.DIM))
            self._band(place, column)
            self._limit(place, column)
            self._estimate(place, column)
            if place in turns:
                self._cells[0][place] = _SIGNS[turns[place].outcome]

    def _fill(self, place: int, top: int, bottom: int, cell: Cell) -> None:
        for row in range(top, bottom + 1):
            self._cells[row][place] = cell

    def _at(self, value: float) -> float:
        """Cells from the top, within the plot."""
        part = min(max(self.scale.place(value), 0.0), 1.0)
        return min((1.0 - part) * self.rows, self.rows - 1e-9)

    def _band(self, place: int, column: _Column) -> None:
        bounded = [one for one in column.points if one.low is not None or one.high is not None]
        if not bounded or self.chart.ceiling is not None:
            return
        highs = [one.high for one in bounded if one.high is not None]
        lows = [one.low for one in bounded if one.low]
        open_above, open_below = len(highs) < len(bounded), len(lows) < len(bounded)
        top = 0 if open_above else int(self._at(max(highs)))
        bottom = self.rows - 1 if open_below else int(self._at(min(lows)))
        self._fill(place, top, bottom, ("░", Tone.PLAIN))
        if open_above or max(highs) > self.scale.high:
            self._cells[0][place] = ("↑", Tone.PLAIN)
        if open_below or min(lows) < self.scale.low:
            self._cells[self.rows - 1][place] = ("↓", Tone.PLAIN)

    def _limit(self, place: int, column: _Column) -> None:
        limits = [one.worse for one in column.points if one.worse is not None]
        if self.chart.ceiling is not None and column.points:
            limits = [self.chart.ceiling]
        if limits and self.scale.inside(limits[-1]):
            self._cells[int(self._at(limits[-1]))][place] = ("╌", Tone.BAD)

    def _estimate(self, place: int, column: _Column) -> None:
        values = column.values(self.scale)
        if not values:
            return
        top, bottom = self._at(max(values)), self._at(min(values))
        if int(top) != int(bottom):
            self._fill(place, int(top), int(bottom), ("┃", Tone.NEW))
        else:
            level = 2 - int((top - int(top)) * 3)
            self._cells[int(top)][place] = (_HEIGHTS[level], Tone.NEW)
        if max(values) > self.scale.high:
            self._cells[0][place] = ("↑", Tone.NEW)
        if min(values) < self.scale.low:
            self._cells[self.rows - 1][place] = ("↓", Tone.NEW)


_SIGNS: dict[Outcome, Cell] = {Outcome.PASS: ("✓", Tone.GOOD), Outcome.FAIL: ("✗", Tone.BAD)}


def _labels(scale: Scale, rows: int) -> dict[int, str]:
    """Row → figure; the nearest tick where several fall on one row."""
    found: dict[int, str] = {}
    for value in scale.ticks(max(rows // 2 + 1, 3)):
        place = (1.0 - scale.place(value)) * rows
        found.setdefault(min(max(int(place), 0), rows - 1), scale.label(value))
    return found


def _joined(row: list[Cell]) -> list[Span]:
    """Neighbours of one tone as one span."""
    spans: list[Span] = []
    for sign, tone in row:
        if spans and spans[-1].tone is tone:
            spans[-1] = Span(spans[-1].text + sign, tone)
        else:
            spans.append(Span(sign, tone))
    return spans


def _shares(grid: _Grid) -> Line:
    """The new version's share, where it begins."""
    marks = [(grid.column(step.t), percent(round(step.share * 1_000_000))) for step in grid.chart.steps]
    return line(span(f"  {'share':>{AXIS}} {_placed(marks, grid.columns)}", Tone.DIM))


def _times(grid: _Grid) -> Line:
    chart = grid.chart
    last = after(chart.end)
    marks = [(0, after(chart.start)), (grid.columns - cells(last), last)]
    return line(span(f"  {'':>{AXIS}} {_placed(marks, grid.columns)}", Tone.DIM))


def _placed(marks: list[tuple[int, str]], columns: int) -> str:
    """Each from its column on; one that would touch the one before it is left out."""
    text = ""
    for place, mark in marks:
        if text and place <= cells(text):
            continue
        if place + cells(mark) > columns and text:
            continue
        text += " " * (place - cells(text)) + mark
    return text
