"""A rehearsal as an SVG picture: who sees the new version when, and what a worse one would do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from math import log10

from pilotage.core.values import EVERYBODY
from pilotage.rehearsal.spread import Spread
from pilotage.views.chart.paper import path, safe, stroke, words
from pilotage.views.chart.scales import time_ticks
from pilotage.views.figures import count, lasting
from pilotage.views.ink import cut
from pilotage.views.rehearsal.model import CaseView, RehearsalView
from pilotage.views.rehearsal.words import ended

WIDTH = 900
LEFT, RIGHT, TOP, BOTTOM = 70.0, 860.0, 70.0, 250.0
"""Of the timeline."""
CASES = 320.0
"""Where the rows of what would be worse begin."""
ROW = 30.0
CHANCE, FAILED = (250.0, 470.0), (560.0, 800.0)
"""From … to of the two columns of whiskers."""
_DARK = {
    ".paper": "fill: #14181d",
    "text": "fill: #e6e9ed",
    ".quiet": "fill: #a3adb8",
    ".grid": "stroke: #333b45",
    ".area": "fill: #2d4a66",
    ".line": "stroke: #7cc4ff",
    "circle.line": "fill: #7cc4ff",
    ".turn": "stroke: #ff9d8a",
}
STYLE = "\n".join(
    [
        '.pilotage-rehearsal text { font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif }',
        ".pilotage-rehearsal .head { font-size: 15px; font-weight: 600 }",
        "@media (prefers-color-scheme: dark) {",
        *(f"  .pilotage-rehearsal {part} {{ {rule} }}" for part, rule in _DARK.items()),
        "}",
    ]
)
Place = Callable[[float], float]


def svg(view: RehearsalView) -> str:
    """One element, nothing to load, no script."""
    height = CASES + ROW * (len(view.cases) + 1) if view.cases else CASES - 20
    head = f"{view.service} to {view.environment}: {view.new}, rehearsed"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
            'class="pilotage-rehearsal" role="img" aria-labelledby="rehearsal-title rehearsal-desc" '
            'font-family="sans-serif" font-size="12">',
            f'<title id="rehearsal-title">{safe(head)}</title>',
            f'<desc id="rehearsal-desc">{safe(ended(view))}</desc>',
            f"<style>{STYLE}</style>",
            f'<rect class="paper" width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>',
            words(LEFT, 24, cut(head, 100), style="head"),
            words(LEFT, 44, cut(ended(view), 120)),
            *_timeline(view),
            *(_cases(view.cases) if view.cases else []),
            "</svg>\n",
        ]
    )


def _timeline(view: RehearsalView) -> list[str]:
    end = max(view.took.total_seconds(), 1.0)

    def x(seconds: float) -> float:
        return LEFT + (RIGHT - LEFT) * seconds / end

    def y(share: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * share / EVERYBODY

    pieces = []
    for share in (0, 250_000, 500_000, 750_000, EVERYBODY):
        pieces.append(stroke("grid", [(LEFT, y(share)), (RIGHT, y(share))], 'stroke="#d5dbe1"'))
        pieces.append(words(LEFT - 8, y(share) + 4, f"{share // 10_000} %", anchor="end"))
    for t in time_ticks(0.0, end, 8):
        pieces.append(words(x(t), BOTTOM + 20, lasting(timedelta(seconds=t)), anchor="middle"))
    pieces.append(words((LEFT + RIGHT) / 2, BOTTOM + 38, f"{view.new}'s share, over time", anchor="middle"))
    spots = _spots(view, x, y)
    closed = " L".join(f"{a:.1f} {b:.1f}" for a, b in [*spots, (spots[-1][0], BOTTOM), (LEFT, BOTTOM)])
    pieces.append(path("area", f"M{closed} Z", 'fill="#d3e4f5"'))
    pieces.append(stroke("line", spots, 'stroke="#0b5cad" stroke-width="2.4"'))
    return pieces + _marks(view, x)


def _spots(view: RehearsalView, x: Place, y: Place) -> list[tuple[float, float]]:
    """The share as a staircase: a step shows what was seen at its end."""
    spots, last = [(LEFT, BOTTOM)], 0
    for one in view.steps:
        begin, end = one.began.total_seconds(), (one.began + one.lasted).total_seconds()
        at = end if one.kind == "expose" else begin
        spots += [(x(at), y(last)), (x(at), y(one.share)), (x(end), y(one.share))]
        last = one.share
    return spots


def _marks(view: RehearsalView, x: Place) -> list[str]:
    found: list[tuple[float, str, str]] = []
    if view.promoted_after is not None:
        found.append((view.promoted_after.total_seconds(), "● promoted", "#14181d"))
    if view.turned_after is not None:
        found.append((view.turned_after.total_seconds(), "▲ taken back", "#b3261e"))
    pieces = []
    for at, what, colour in found:
        pieces.append(stroke("turn", [(x(at), TOP - 8), (x(at), BOTTOM)], f'stroke="{colour}"'))
        anchor = "end" if x(at) > RIGHT - 80 else "start"
        pieces.append(words(x(at), TOP - 12, what, anchor=anchor, style="solid"))
    return pieces


def _cases(cases: Sequence[CaseView]) -> list[str]:
    most = max(1.0, max(one.failed_because_of_it.high for one in cases))
    top = 10.0 ** max(1.0, _up(log10(most)))

    def chance(part: float) -> float:
        return CHANCE[0] + (CHANCE[1] - CHANCE[0]) * part

    def failed(number: float) -> float:
        return FAILED[0] + (FAILED[1] - FAILED[0]) * log10(1.0 + max(number, 0.0)) / log10(1.0 + top)

    pieces = [
        words(LEFT, CASES, "If the new version has …", style="solid"),
        words(CHANCE[0], CASES, "chance to be taken back", style="solid"),
        words(FAILED[0], CASES, "requests it fails until then", style="solid"),
    ]
    for place, one in enumerate(cases, 1):
        y = CASES + ROW * place
        caught = one.caught
        middle = Spread(median=caught.hits / caught.runs, low=caught.low, high=caught.high)
        pieces.append(words(LEFT, y + 4, cut(one.name, 26)))
        pieces += _whisker(middle, y, chance)
        pieces.append(words(CHANCE[1] + 10, y + 4, f"{caught.hits} of {caught.runs}"))
        pieces += _whisker(one.failed_because_of_it, y, failed)
        pieces.append(words(FAILED[1] + 10, y + 4, count(round(one.failed_because_of_it.median))))
    return pieces


def _up(value: float) -> float:
    return float(int(value) + (value > int(value)))


def _whisker(one: Spread, y: float, place: Place) -> list[str]:
    low, high = place(one.low), place(one.high)
    ends = [
        stroke("line", [(x, y - 5), (x, y + 5)], 'stroke="#0b5cad" stroke-width="1.4"') for x in (low, high)
    ]
    dot = f'<circle class="line" cx="{place(one.median):.1f}" cy="{y:.1f}" r="4" fill="#0b5cad"/>'
    return [stroke("line", [(low, y), (high, y)], 'stroke="#0b5cad" stroke-width="1.4"'), *ends, dot]
