"""The lines of a picture: the interval and its arrows, the limits, the estimate. Nothing crosses a gap."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise

from pilotage.views.chart.model import Chart, Point
from pilotage.views.chart.paper import BOTTOM, LEFT, RIGHT, TOP, Spot, Time, height, path, stroke, words
from pilotage.views.chart.scales import Scale
from pilotage.views.figures import amount, multiple


def band(chart: Chart, scale: Scale, time: Time) -> list[str]:
    """The interval, and arrows where it goes on outside the picture."""
    if chart.ceiling is not None:
        return []
    pieces = []
    for stretch in chart.stretches:
        bounded = groupby(stretch, key=lambda point: point.low is not None or point.high is not None)
        for run in (list(group) for known, group in bounded if known):
            pieces += _band_of(run, scale, time)
    return pieces


def _band_of(run: list[Point], scale: Scale, time: Time) -> list[str]:
    top = [(time.x(p.t), TOP if p.high is None else height(scale, p.high)) for p in run]
    bottom = [(time.x(p.t), BOTTOM if not p.low else height(scale, p.low)) for p in run]
    if len(run) == 1:
        x = top[0][0]
        pieces = [stroke("edge", [(x, top[0][1]), (x, bottom[0][1])], 'stroke="#4b7fae" stroke-width="5"')]
    else:
        around = " L".join(f"{x:.1f} {y:.1f}" for x, y in [*top, *reversed(bottom)])
        edge = 'stroke="#4b7fae" stroke-width="1"'
        pieces = [
            path("band", f"M{around} Z", 'fill="#cfe0f0" fill-opacity="0.75"'),
            *(stroke("edge", part, edge) for part in (*_inner(top), *_inner(bottom))),
        ]
    above = [p.high is None or p.high > scale.high for p in run]
    below = [not p.low or p.low < scale.low for p in run]
    pieces += _arrows(run, above, time, TOP + 3, 9)
    return pieces + _arrows(run, below, time, BOTTOM - 3, -9)


def _inner(edge: list[Spot]) -> Iterator[list[Spot]]:
    """The parts of an edge that are not the picture's own."""
    for inside, group in groupby(edge, key=lambda point: TOP < point[1] < BOTTOM):
        if inside:
            yield list(group)


def _arrows(run: list[Point], outside: list[bool], time: Time, y: float, size: float) -> list[str]:
    """One in the middle of each part that goes on outside, but never one beside the other."""
    pieces: list[str] = []
    free = 0.0
    for away, group in groupby(zip(run, outside, strict=True), key=lambda pair: pair[1]):
        ts = [point.t for point, _ in group]
        x = time.x((ts[0] + ts[-1]) / 2)
        if away and x >= free:
            steps = f"M{x - 6:.1f} {y + size:.1f} L{x:.1f} {y:.1f} L{x + 6:.1f} {y + size:.1f}"
            pieces.append(path("edge", steps, 'fill="none" stroke="#4b7fae" stroke-width="2"'))
            free = x + 30.0
    return pieces


def estimate(chart: Chart, scale: Scale, time: Time) -> list[str]:
    """Anew from each share on, as its figures are. Thin and broken at the edge where it is outside."""
    pieces = []
    for stretch in chart.stretches:
        for _, group in groupby(stretch, key=lambda point: point.share):
            values = [(point, point.ratio if scale.ratio else point.new) for point in group]
            for known, run in groupby(values, key=lambda pair: pair[1] is not None):
                if known:
                    pieces += _curve([(p, value) for p, value in run if value is not None], scale, time)
    return pieces


def _curve(run: list[tuple[Point, float]], scale: Scale, time: Time) -> list[str]:
    drawn = [(time.x(point.t), height(scale, value)) for point, value in run]
    if len(drawn) == 1:
        x, y = drawn[0]
        return [f'<circle class="line" cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0b5cad" stroke="#0b5cad"/>']
    pieces = []
    inside = [scale.inside(value) for _, value in run]
    links = zip(pairwise(drawn), pairwise(inside), strict=True)
    for shown, group in groupby(links, key=lambda link: any(link[1])):
        ends = [link[0] for link in group]
        how = _CURVE if shown else _OUTSIDE
        pieces.append(stroke("line", [ends[0][0], *(after for _, after in ends)], how))
    return pieces


_CURVE = 'stroke="#0b5cad" stroke-width="2.4" stroke-linejoin="round"'
_OUTSIDE = 'stroke="#0b5cad" stroke-width="1.2" stroke-dasharray="3 5"'


def limits(chart: Chart, scale: Scale, time: Time) -> list[str]:
    if chart.ceiling is not None:
        y = height(scale, chart.ceiling)
        return [
            stroke("limit", [(LEFT, y), (RIGHT, y)], _LIMIT),
            words(RIGHT + 8, y + 4, f"limit {amount(chart.ceiling, chart.kind)}", style="solid"),
        ]
    worse = [[(p, p.worse) for p in stretch] for stretch in chart.stretches]
    fine = [[(p, p.fine) for p in stretch] for stretch in chart.stretches]
    beyond = "below" if chart.less else "above"
    pieces = _limit(worse, scale, time, "limit", _LIMIT)
    pieces += _limit(fine, scale, time, "fine", _FINE)
    return pieces + _limit_labels(chart, scale, beyond)


_LIMIT = 'stroke="#b3261e" stroke-width="1.8" stroke-dasharray="9 4"'
_FINE = 'stroke="#1b6e3c" stroke-width="1.8" stroke-dasharray="2 4"'
_Values = list[list[tuple[Point, float | None]]]


def _limit(stretches: _Values, scale: Scale, time: Time, style: str, how: str) -> list[str]:
    pieces = []
    for stretch in stretches:
        for run in _runs(stretch, scale):
            points = [(time.x(point.t), height(scale, value)) for point, value in run]
            if len(points) == 1:
                points = [(points[0][0] - 12, points[0][1]), (points[0][0] + 12, points[0][1])]
            pieces.append(stroke(style, points, how))
    return pieces


def _runs(stretch: list[tuple[Point, float | None]], scale: Scale) -> Iterator[list[tuple[Point, float]]]:
    """The parts of a stretch in which a value is known and inside the picture."""
    for known, group in groupby(stretch, key=lambda pair: pair[1] is not None and scale.inside(pair[1])):
        if known:
            yield [(point, value) for point, value in group if value is not None]


def _limit_labels(chart: Chart, scale: Scale, beyond: str) -> list[str]:
    last = chart.last
    if last is None:
        return []
    rows = []
    if last.worse is not None:
        rows.append((height(scale, last.worse), f"worse {beyond} {multiple(last.worse)}"))
    if last.fine is not None:
        other = "above" if chart.less else "below"
        rows.append((height(scale, last.fine), f"fine {other} {multiple(last.fine)}"))
    rows.sort()
    if len(rows) == 2 and rows[1][0] - rows[0][0] < 15:
        middle = (rows[0][0] + rows[1][0]) / 2
        rows = [(middle - 8, rows[0][1]), (middle + 8, rows[1][1])]
    return [words(RIGHT + 8, y + 4, told, style="solid") for y, told in rows]
