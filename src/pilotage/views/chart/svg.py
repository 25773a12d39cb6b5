"""A chart as an SVG picture: one element of text, nothing to load, no script.

Light by its attributes, dark by a style sheet of its own where the reader prefers that; every line differs by
its shape and is named, so that nothing depends on colour. A page that forbids styles shows it light.
"""

from __future__ import annotations

from html import escape

from pilotage.core.judging import Outcome
from pilotage.views.chart import curves
from pilotage.views.chart.model import Chart, Turn
from pilotage.views.chart.paper import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    STYLE,
    TOP,
    WIDTH,
    Time,
    height,
    safe,
    stroke,
    words,
)
from pilotage.views.chart.scales import Scale, scale_of, time_ticks
from pilotage.views.chart.telling import WORDS, after, ending, heading, summary
from pilotage.views.figures import percent
from pilotage.views.ink import clean, cut

STRIP_TOP, STRIP_BOTTOM = 332.0, 372.0
"""Where the evidence is drawn."""


def svg(chart: Chart, *, id: str = "chart") -> str:
    """``id`` begins every id in it: give each its own when several stand on one page."""
    scale = scale_of(chart)
    time = Time(chart.start, chart.end)
    body = [
        *_words(chart),
        *_axes(chart, scale, time),
        *_gaps(chart, time),
        *curves.band(chart, scale, time),
        *curves.limits(chart, scale, time),
        *curves.estimate(chart, scale, time),
        *_shares(chart, time),
        *_turns(chart, time),
        *_evidence(chart, time),
        *_legend(chart),
    ]
    name = escape(clean(id), quote=True)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" class="pilotage-chart" '
            f'role="img" aria-labelledby="{name}-title {name}-desc" font-family="sans-serif" font-size="12">',
            f'<title id="{name}-title">{safe(heading(chart))}</title>',
            f'<desc id="{name}-desc">{safe(summary(chart))}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            *body,
            "</svg>\n",
        ]
    )


def _words(chart: Chart) -> list[str]:
    first = f"{heading(chart)}, {chart.where}" if chart.where else heading(chart)
    return [
        words(LEFT, 24, cut(clean(first), 80), style="head"),
        words(LEFT, 44, cut(clean(ending(chart)), 110)),
    ]


def _axes(chart: Chart, scale: Scale, time: Time) -> list[str]:
    pieces = []
    for value in scale.ticks():
        y = height(scale, value)
        strong = 1.4 if scale.ratio and abs(value - 1.0) < 1e-9 else 0.8
        pieces.append(stroke("grid", [(LEFT, y), (RIGHT, y)], f'stroke="#d5dbe1" stroke-width="{strong}"'))
        pieces.append(words(LEFT - 8, y + 4, scale.label(value), anchor="end"))
    for t in time_ticks(chart.start, chart.end, 7):
        pieces.append(words(time.x(t), BOTTOM + 34, after(t), anchor="middle"))
    return pieces


def _gaps(chart: Chart, time: Time) -> list[str]:
    pieces = []
    for since, until in chart.gaps:
        x, wide = time.x(since), time.x(until) - time.x(since)
        size = f'x="{x:.1f}" y="{TOP}" width="{wide:.1f}" height="{BOTTOM - TOP}"'
        pieces.append(f'<rect class="void" {size} fill="#eceff2"/>')
        if wide > 50:
            pieces.append(words(x + wide / 2, (TOP + BOTTOM) / 2, "no data", anchor="middle"))
    return pieces


def _shares(chart: Chart, time: Time) -> list[str]:
    pieces = [words(LEFT - 8, BOTTOM + 17, "share", anchor="end")]
    free = 0.0
    for place, step in enumerate(chart.steps):
        x = time.x(step.t)
        if place:
            dots = 'stroke="#566270" stroke-width="1" stroke-dasharray="1 3"'
            pieces.append(stroke("step", [(x, TOP), (x, BOTTOM + 20)], dots))
        if x >= free:
            pieces.append(words(x + 4, BOTTOM + 17, percent(round(step.share * 1_000_000)), style="solid"))
            free = x + 44
    return pieces


_SIGNS = {Outcome.PASS: "●", Outcome.FAIL: "▲"}


def _turns(chart: Chart, time: Time) -> list[str]:
    """The moments at which it was let go on, or judged worse; the former named only where there is room."""
    pieces: list[str] = []
    taken: list[tuple[float, float]] = []
    turns = [turn for turn in chart.turns if turn.outcome in _SIGNS]
    for turn in sorted(turns, key=lambda turn: turn.outcome is not Outcome.FAIL):
        x = time.x(turn.t)
        thick = 2.4 if turn.outcome is Outcome.FAIL else 1.0
        pieces.append(stroke("turn", [(x, TOP - 8), (x, BOTTOM)], f'stroke="#14181d" stroke-width="{thick}"'))
        label = f"{_SIGNS[turn.outcome]} {_label(turn)}"
        half = 3.4 * len(label) + 4
        centre = min(max(x, LEFT + half), WIDTH - half)
        if all(centre + half < since or centre - half > until for since, until in taken):
            pieces.append(words(centre, TOP - 13, label, anchor="middle", style="solid"))
            taken.append((centre - half, centre + half))
    return pieces


def _label(turn: Turn) -> str:
    if turn.outcome is Outcome.FAIL and not turn.blamed:
        return "worse, by another measure"
    return WORDS[turn.outcome]


def _evidence(chart: Chart, time: Time) -> list[str]:
    """How far the evidence was towards either decision; the upper edge is enough."""
    tall = STRIP_BOTTOM - STRIP_TOP
    pieces = [
        stroke("grid", [(LEFT, y), (RIGHT, y)], 'stroke="#d5dbe1" stroke-width="1"')
        for y in (STRIP_TOP, STRIP_BOTTOM)
    ]
    pieces.append(words(LEFT - 8, STRIP_TOP + 4, "decided", anchor="end"))
    pieces.append(words(LEFT - 8, STRIP_BOTTOM + 4, "nothing", anchor="end"))
    for stretch in chart.stretches:
        for style, how, parts in (
            ("fine", 'stroke="#1b6e3c" stroke-width="1.6" stroke-dasharray="2 4"', [p.for_ for p in stretch]),
            ("limit", 'stroke="#b3261e" stroke-width="2"', [p.against for p in stretch]),
        ):
            points = [
                (time.x(p.t), STRIP_BOTTOM - tall * min(max(part, 0.0), 1.0))
                for p, part in zip(stretch, parts, strict=True)
            ]
            if len(points) == 1:
                points.append((points[0][0] + 4, points[0][1]))
            pieces.append(stroke(style, points, how))
    last = chart.last
    if last is not None:
        pieces.append(words(RIGHT + 8, STRIP_TOP + 14, "evidence to", style="quiet"))
        pieces.append(words(RIGHT + 8, STRIP_TOP + 29, "decide", style="quiet"))
    return pieces


def _legend(chart: Chart) -> list[str]:
    y = 402.0
    parts: list[tuple[str, str, str]] = [
        ("line", 'stroke="#0b5cad" stroke-width="2.4"', "since the share last changed"),
    ]
    if chart.ceiling is None:
        parts.append(("edge", 'stroke="#8fb4d6" stroke-width="10"', "95 % interval, whole rollout"))
    parts.append(("limit", 'stroke="#b3261e" stroke-width="2"', "to take back"))
    parts.append(("fine", 'stroke="#1b6e3c" stroke-width="1.8" stroke-dasharray="2 4"', "to go on"))
    pieces, x = [], LEFT
    for style, how, told in parts:
        pieces.append(stroke(style, [(x, y - 4), (x + 22, y - 4)], how))
        pieces.append(words(x + 28, y, told))
        x += 46 + 6.3 * len(told)
    return pieces
