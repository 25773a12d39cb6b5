"""The paper a picture is drawn on: its places, its lines and words, light and dark."""

from __future__ import annotations

from html import escape

from pilotage.views.chart.scales import Scale
from pilotage.views.ink import clean

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70.0, 616.0, 88.0, 276.0
"""Of the plot."""

_DARK = {
    ".paper": "fill: #14181d",
    "text": "fill: #e6e9ed",
    ".quiet": "fill: #a3adb8",
    ".line": "stroke: #7cc4ff",
    "circle.line": "fill: #7cc4ff",
    ".limit": "stroke: #ff9d8a",
    ".fine": "stroke: #8fd9a8",
    ".band": "fill: #2d4a66",
    ".edge": "stroke: #7aa7d0",
    ".grid": "stroke: #333b45",
    ".step": "stroke: #e6e9ed",
    ".turn": "stroke: #e6e9ed",
    ".void": "fill: #262c34",
}
_HERE = ".pilotage-chart"
"""Every rule is for a chart's own parts: it may stand in the middle of a page."""
STYLE = "\n".join(
    [
        f'{_HERE} text {{ font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif }}',
        f"{_HERE} .head {{ font-size: 15px; font-weight: 600 }}",
        "@media (prefers-color-scheme: dark) {",
        *(f"  {_HERE} {part} {{ {rule} }}" for part, rule in _DARK.items()),
        "}",
    ]
)

Spot = tuple[float, float]


class Time:
    """Seconds to columns of the picture; a single instant stands in the middle."""

    def __init__(self, start: float, end: float) -> None:
        self.start, self.span = start, end - start

    def x(self, t: float) -> float:
        if self.span <= 0:
            return (LEFT + RIGHT) / 2
        return LEFT + (RIGHT - LEFT) * (t - self.start) / self.span


def height(scale: Scale, value: float) -> float:
    """Within the plot: what is outside stands at its edge."""
    place = min(max(scale.place(value), 0.0), 1.0)
    return BOTTOM - (BOTTOM - TOP) * place


def safe(text: str) -> str:
    return escape(clean(text), quote=False)


def words(x: float, y: float, text: str, *, anchor: str = "start", style: str = "quiet") -> str:
    fill = "#14181d" if style in ("head", "solid") else "#566270"
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{style}" {where} fill="{fill}">{safe(text)}</text>'


def path(style: str, steps: str, attributes: str) -> str:
    return f'<path class="{style}" d="{steps}" {attributes}/>'


def stroke(style: str, spots: list[Spot], attributes: str) -> str:
    """One line through all of them."""
    steps = " L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
    return path(style, f"M{steps}", f'fill="none" {attributes}')
