"""Pictures of a release: who sees the new version when, and the risks by likelihood and impact. SVG, "
"plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape

from pilotage.core.values import EVERYBODY
from pilotage.dossier.risks import Risk, RiskStatus
from pilotage.views.documents.case import Case, short
from pilotage.views.figures import percent
from pilotage.views.ink import clean
from pilotage.views.plan import earliest, sees

_Place = Callable[[timedelta], float]
_Rise = Callable[[int], float]
WIDTH, HEIGHT = 720.0, 290.0
INK, QUIET, GRID = "#1c2733", "#5b6875", "#d9dee3"
NEW, NEW_EDGE, OLD = "#2f6db5", "#1f4e85", "#dfe6ee"
FONT = "system-ui, 'Segoe UI', 'Liberation Sans', 'DejaVu Sans', 'Libertinus Serif', sans-serif"
TINTS = (
    (16, "#e4f1e6", "#2d6a37"),
    (36, "#fbf3d4", "#7a5b00"),
    (60, "#fbe3cf", "#8a4300"),
    (100, "#f6d3d0", "#8c1d18"),
)
"""Up to which score of a risk, its ground and its ink."""


@dataclass(frozen=True)
class Stretch:
    """From ``start`` until ``end`` after the start of the rollout the new version has this share."""

    start: timedelta
    end: timedelta
    share: int
    title: str


def stretches(case: Case) -> tuple[Stretch, ...]:
    """The exposure over the least times of the plan, until it is promoted; each a share that is held."""
    found: list[Stretch] = []
    share, since, title = 0, timedelta(0), "nobody sees it"
    for step, after in zip(case.view.steps, earliest(case.view), strict=True):
        if step.share is not None:
            if after > since:
                found.append(Stretch(since, after, share, title))
            share, since, title = step.share, after, step.title
    whole = max(since, case.view.promoted_after)
    end = whole + max(whole * 0.12, timedelta(minutes=1))
    return (*found, Stretch(since, end, share, title))


def exposure(case: Case) -> str:
    """A step for every share; time from the left, users upwards."""
    left, top, width, height = 64.0, 44.0, WIDTH - 64 - 24, 190.0
    found = stretches(case)
    end = found[-1].end
    bottom = top + height

    def x(at: timedelta) -> float:
        return left + width * (at / end)

    def y(share: int) -> float:
        return bottom - height * share / EVERYBODY

    parts = [_words(left, 22, f"Who {sees(case.view)} when", size=15, ink=INK, bold=True)]
    parts.append(_box(left, top, width, height, OLD))
    for share in (0, 250_000, 500_000, 750_000, EVERYBODY):
        parts.append(_line(left, y(share), left + width, y(share)))
        parts.append(_words(left - 8, y(share) + 4, percent(share), anchor="end"))
    for one in found:
        parts.append(_box(x(one.start), y(one.share), x(one.end) - x(one.start), bottom - y(one.share), NEW))
    parts += _shares(found, x, y)
    parts += _times(case, found, x, bottom)
    parts.append(_words(left + 10, top + 18, case.old, ink=QUIET) if case.plan.old else "")
    return _picture(HEIGHT, "".join(parts))


def _shares(found: Sequence[Stretch], x: _Place, y: _Rise) -> list[str]:
    parts = []
    for one in found:
        middle = (x(one.start) + x(one.end)) / 2
        inside = one.share > EVERYBODY // 4
        place = y(one.share) + (18 if inside else -7)
        if one.share:
            parts.append(
                _words(
                    middle,
                    place,
                    percent(one.share),
                    anchor="middle",
                    ink="#ffffff" if inside else NEW_EDGE,
                    bold=True,
                )
            )
    return parts


def _times(case: Case, found: Sequence[Stretch], x: _Place, bottom: float) -> list[str]:
    """Under each change; what would overlap is left out."""
    parts, last = [], -1e9
    for one in found:
        if not one.share:
            continue
        text = _at(case, one.start)
        place = x(one.start)
        if place - last >= 44:
            parts.append(_line(place, bottom, place, bottom + 6, ink=QUIET))
            parts.append(_words(place, bottom + 20, text, anchor="middle"))
            last = place
    day = f"{case.start:%Y-%m-%d}, UTC; " if case.start else "after the start; "
    told = f"{day}at the earliest: every share is held at least so long"
    return [*parts, _words(WIDTH - 24, bottom + 42, told, anchor="end")]


def told_exposure(case: Case) -> str:
    """The same in words."""
    shown = [one for one in stretches(case) if one.share]
    rows = [f"{percent(one.share)} from {_at(case, one.start)}" for one in shown]
    day = f" (UTC, {case.start:%Y-%m-%d})" if case.start else ""
    return f"At the earliest{day}: {', '.join(rows)}."


def _at(case: Case, after: timedelta) -> str:
    """The time of the day; with its day when that is another."""
    if case.start is None:
        return f"+{short(after)}"
    at = case.start + after
    return f"{at:%H:%M}" if at.date() == case.start.date() else f"{at:%Y-%m-%d %H:%M}"


def matrix(risks: Sequence[Risk]) -> str:
    """Likelihood upwards, impact to the right; every risk by its id. Closed ones are left out."""
    cell_wide, cell_high, left, top = 112.0, 46.0, 104.0, 40.0
    parts = [_words(left, 22, "Risks by likelihood and impact", size=15, ink=INK, bold=True)]
    for likelihood in range(1, 6):
        for impact in range(1, 6):
            x, y = left + (impact - 1) * cell_wide, top + (5 - likelihood) * cell_high
            ground, ink = tint(likelihood * impact * 4)
            parts.append(_box(x, y, cell_wide - 2, cell_high - 2, ground))
            here = [
                r
                for r in risks
                if (r.likelihood, r.impact) == (likelihood, impact) and r.status is not RiskStatus.CLOSED
            ]
            told = ", ".join(r.id for r in here[:3]) + (f" +{len(here) - 3}" if len(here) > 3 else "")
            parts.append(
                _words(
                    x + cell_wide / 2 - 1,
                    y + cell_high / 2 + 4,
                    told,
                    anchor="middle",
                    ink=ink,
                    bold=True,
                    size=13,
                )
            )
    for place, word in enumerate(("hardly", "seldom", "perhaps", "probably", "nearly sure"), 1):
        parts.append(
            _words(
                left - 10, top + (5 - place) * cell_high + cell_high / 2 + 4, f"{word} {place}", anchor="end"
            )
        )
    bottom = top + 5 * cell_high
    for place, word in enumerate(("hardly noticed", "small", "noticeable", "grave", "disaster"), 1):
        parts.append(_words(left + (place - 0.5) * cell_wide, bottom + 16, f"{place} {word}", anchor="middle"))
    return _picture(bottom + 30, "".join(parts))


def tint(score: int) -> tuple[str, str]:
    """Ground and ink for a score."""
    return next((ground, ink) for upto, ground, ink in TINTS if score <= upto)


def _words(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    ink: str = QUIET,
    size: int = 12,
    bold: bool = False,
) -> str:
    weight = ' font-weight="600"' if bold else ""
    safe = escape(clean(text), quote=False)
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{ink}" font-size="{size}"{weight}>{safe}</text>'


def _box(x: float, y: float, width: float, height: float, ground: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{ground}"/>'


def _line(x: float, y: float, to_x: float, to_y: float, ink: str = GRID) -> str:
    return f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" stroke="{ink}" stroke-width="1" fill="none"/>'


def _picture(height: float, inside: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" width="{WIDTH:.0f}" '
        f'height="{height:.0f}" font-family="{FONT}" role="img">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{inside}</svg>'
    )
