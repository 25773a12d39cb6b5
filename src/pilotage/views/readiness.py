"""The table of what is asked before a start: what stands how, whose it is, until when."""

from __future__ import annotations

from typing import assert_never

from pilotage.core.readiness import Item, Readiness, Standing
from pilotage.core.values import Frozen
from pilotage.views.figures import counted, day
from pilotage.views.ink import EMPTY, Line, Span, Tone, line, span, table, wrap


class ReadinessView(Frozen):
    service: str
    environment: str
    version: str
    digest: str
    """Of the plan."""
    readiness: Readiness
    ready: bool


def view_of(service: str, environment: str, version: str, digest: str, readiness: Readiness) -> ReadinessView:
    return ReadinessView(
        service=service,
        environment=environment,
        version=version,
        digest=digest,
        readiness=readiness,
        ready=readiness.ready,
    )


def draw(view: ReadinessView, width: int = 100) -> list[Line]:
    head = (
        span(view.service, Tone.STRONG), " to ", span(view.environment, Tone.STRONG), ": ",
        span(view.version, Tone.NEW), span(f"   for a start at {day(view.readiness.at)} UTC", Tone.DIM),
    )  # fmt: skip
    rows = [
        [span(cell, Tone.DIM) for cell in ("", "part", "what", "owner", "due")],
        *(_row(item, width) for item in view.readiness.items),
    ]
    lines = [*wrap(line(*head), width), EMPTY, *table(rows, width, indent=0)]
    still = [item for item in view.readiness.items if item.open]
    if still:
        lines.append(EMPTY)
    for item in still:
        label = span(f"{_word(item):<9} ", _tone(item))
        lines += wrap(line(label, f"{item.what}: {item.why}"), width, 10)
    return [*lines, EMPTY, *wrap(line(_told(view)), width)]


def _row(item: Item, width: int) -> list[Span]:
    what = item.what if len(item.what) <= width - 58 else item.what[: width - 59] + "…"
    return [
        span(_mark(item), _tone(item)),
        span(item.subject.replace("_", " "), Tone.DIM),
        span(what, Tone.PLAIN),
        span(item.owner or "", Tone.PLAIN),
        span(str(item.due or ""), Tone.BAD if item.standing is Standing.OVERDUE else Tone.PLAIN),
    ]


def _mark(item: Item) -> str:
    return "✗" if item.blocks else "✓" if not item.open else "○"


def _tone(item: Item) -> Tone:
    return Tone.BAD if item.blocks else Tone.WARN if item.warns else Tone.DIM if item.open else Tone.GOOD


def _word(item: Item) -> str:
    if item.blocks:
        return "blocks"
    return "warns" if item.warns else "ignored"


def standing(item: Item) -> str:
    """In one word."""
    match item.standing:
        case Standing.DONE:
            return "done"
        case Standing.OPEN:
            return "open"
        case Standing.OVERDUE:
            return "overdue"
        case _:
            assert_never(item.standing)


def _told(view: ReadinessView) -> str:
    items = view.readiness.items
    blocking = sum(1 for item in items if item.blocks)
    if blocking:
        return f"Not ready: {counted(blocking, 'open item')} of {len(items)} would stop the start."
    open_ = sum(1 for item in items if item.warns)
    return (
        f"Ready: {len(items)} items, {open_} of them open with a warning."
        if open_
        else f"Ready: all {len(items)} items are done."
    )
