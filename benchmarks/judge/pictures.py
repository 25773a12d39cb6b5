"""Figures as SVG, drawn by hand: bars with intervals, and how the times are spread.

python benchmarks/judge/pictures.py        from results/judge.json into docs/images
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from html import escape
from math import log10
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULTS, IMAGES = ROOT / "benchmarks/results/judge.json", ROOT / "docs/images"
LEFT, WIDTH, RIGHT, ROW, TOP = 300, 560, 24, 19, 52
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#3b4252}.title{font-size:14px;font-weight:600}"
    ".grid{stroke:#d8dee9}.limit{stroke:#bf616a;stroke-dasharray:4 3}.bar{fill:#5e81ac}.bad{fill:#bf616a}"
    ".whisker{stroke:#7b8496;stroke-width:2}.middle{stroke:#2e3440;stroke-width:2}"
    "@media(prefers-color-scheme:dark){text{fill:#d8dee9}.grid{stroke:#4c566a}.middle{stroke:#eceff4}}"
)
Row = dict[str, Any]
Scale = Callable[[float], float]


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def bar(x: float, y: float, width: float, kind: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1.0):.1f}" height="10" class="{kind}"/>'


def picture(title: str, rows: int, marks: Sequence[tuple[float, str]], body: Sequence[str]) -> str:
    """A frame: title, a grid with its labels, and whatever was drawn for each row."""
    width, height = LEFT + WIDTH + RIGHT, TOP + rows * ROW + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        text(12, 20, title, kind="title"),
    ]
    for x, words in marks:
        parts += [line(x, TOP - 6, x, height - 10, "grid"), text(x, TOP - 10, words, "middle")]
    return "\n".join([*parts, *body, "</svg>"]) + "\n"


def false_rollbacks(rows: dict[str, Row]) -> str:
    """A bar for each healthy scenario, its 95 % interval, and the 1 % that was promised."""
    most = 0.2

    def x(rate: float) -> float:
        return LEFT + WIDTH * min(rate, most) / most

    healthy = {name: row for name, row in rows.items() if row["healthy"]}
    body = []
    for i, (name, row) in enumerate(healthy.items()):
        y = TOP + i * ROW
        rate, kind = row["rolled_back"] / row["rollouts"], "bad" if row["low"] > 0.01 else "bar"
        body += [
            text(LEFT - 8, y + 13, name, "end"),
            line(x(row["low"]), y + 9, x(row["high"]), y + 9, "whisker"),
        ]
        body.append(bar(LEFT, y + 4, x(rate) - LEFT, kind))
    body.append(line(x(0.01), TOP - 6, x(0.01), TOP + len(healthy) * ROW, "limit"))
    marks = [(x(rate), f"{100 * rate:g} %") for rate in (0.0, 0.01, 0.05, 0.10, 0.15, 0.20)]
    return picture("Healthy versions taken back (95 % intervals)", len(healthy), marks, body)


def times(rows: dict[str, Row]) -> str:
    """From the onset to the rollback: least to most, the middle half, and the median of all."""
    worse = {name: row for name, row in rows.items() if not row["healthy"]}

    def x(seconds: float) -> float:
        return LEFT + WIDTH * log10(max(seconds, 1.0)) / log10(1800.0)

    marks = [(x(t), f"{t} s") for t in (1, 5, 15, 60, 300, 900, 1800)]
    title = "Seconds from the onset to the rollback (caught of played)"
    return picture(title, len(worse), marks, spreads(worse, x))


def rules(found: dict[str, dict[str, Row]], scenario: str) -> str:
    """One regression under every rule: when each rollout was taken back."""

    def x(seconds: float) -> float:
        return LEFT + WIDTH * seconds / 1800.0

    chosen = {name: rows[scenario] for name, rows in found.items() if scenario in rows}
    marks = [(x(t), f"{t} s") for t in range(0, 1801, 300)]
    title = f"{scenario}: seconds until it was taken back, by rule"
    return picture(title, len(chosen), marks, spreads(chosen, x))


def spreads(rows: dict[str, Row], x: Scale) -> list[str]:
    body = []
    for i, (name, row) in enumerate(rows.items()):
        y = TOP + i * ROW
        body.append(text(LEFT - 8, y + 13, f"{name}  ({row['caught']}/{row['rollouts']})", "end"))
        if row["times"]:
            least, _, low, _, high, _, most = [x(t) for t in row["times"]]
            body.append(line(least, y + 9, most, y + 9, "whisker"))
            body.append(
                f'<rect x="{low:.1f}" y="{y + 4}" width="{max(high - low, 1):.1f}" height="10" class="bar"/>'
            )
        if row["median"] is not None:
            body.append(line(x(row["median"]), y + 2, x(row["median"]), y + 16, "middle"))
    return body


def main() -> None:
    found = json.loads(RESULTS.read_text())["rules"]
    (IMAGES / "judge-false-rollbacks.svg").write_text(false_rollbacks(found["ours"]))
    (IMAGES / "judge-times.svg").write_text(times(found["ours"]))
    (IMAGES / "judge-rules.svg").write_text(rules(found, "x2 from the start"))


if __name__ == "__main__":
    main()
