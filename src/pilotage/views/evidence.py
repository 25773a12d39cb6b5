"""What was rehearsed for real, for people and programs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pilotage.core.evidence import Statement, newest
from pilotage.core.values import Frozen, Instant
from pilotage.views.ink import EMPTY, Line, Tone, line, span, table, wrap


class Standing(StrEnum):
    HOLDS = "holds"
    EXPIRED = "expired"
    FAILED = "failed"


class EvidenceView(Frozen):
    digest: str
    standing: Standing
    statement: Statement


class RehearsedView(Frozen):
    """What a plan says of its way back."""

    told: str
    evidence: EvidenceView | None = None


def view_of(statement: Statement, now: datetime) -> EvidenceView:
    standing = Standing.HOLDS if now < statement.valid_until else Standing.EXPIRED
    if not statement.passed:
        standing = Standing.FAILED
    return EvidenceView(digest=statement.digest, standing=standing, statement=statement)


def rehearsed(statements: Iterable[Statement], method: str, now: datetime) -> RehearsedView:
    """Of this method: the last one, whatever came of it."""
    last = newest(statements, method)
    if last is None:
        return RehearsedView(
            told=f"never, by {method}: `pilotage rehearse VERSION --really --in staging` does it"
        )
    view = view_of(last, now)
    where = f"on {_day(last.at)} in {last.environment}"
    match view.standing:
        case Standing.HOLDS:
            told = f"{where}, {_seconds(last.back)}, valid until {_day(last.valid_until)}"
        case Standing.EXPIRED:
            told = f"{where}, {_seconds(last.back)}; it was valid until {_day(last.valid_until)}"
        case Standing.FAILED:
            told = f"{where}, and it failed: {last.failures[0]}"
    return RehearsedView(told=told, evidence=view)


def draw(views: Iterable[EvidenceView], width: int) -> list[Line]:
    """The newest first."""
    rows = [
        [span(cell, Tone.DIM) for cell in ("when", "service", "in", "method", "rehearsed", "went back", "")]
    ]
    for view in views:
        one = view.statement
        tone = Tone.GOOD if view.standing is Standing.HOLDS else Tone.WARN
        until = f"until {_day(one.valid_until)}" if view.standing is Standing.HOLDS else view.standing.value
        cells = (_day(one.at), one.service, one.environment, one.method, f"{one.old} → {one.new}")
        rows.append([*(span(cell, Tone.PLAIN) for cell in (*cells, _seconds(one.back))), span(until, tone)])
    return table(rows, width, indent=0)


def draw_one(view: EvidenceView, width: int) -> list[Line]:
    """What has just been done."""
    one = view.statement
    head = f"{one.service} in {one.environment}: {one.old} → {one.new} → {one.old} by {one.method}"
    lines = wrap(line(span(head, Tone.STRONG)), width)
    lines.append(EMPTY)
    if one.passed:
        lines.append(line(span("Passed    ", Tone.GOOD), f"everything is as it was ({one.reached.value})"))
    for failure in one.failures:
        lines += wrap(line(span("Failed    ", Tone.BAD), failure), width, 10)
    if one.unseen is not None:
        seen = f"{_seconds(one.unseen)} from the order until nobody was sent to {one.new}"
        lines += wrap(
            line(span("Seconds   ", Tone.DIM), f"{seen}; {_seconds(one.back)} until all was back"), width, 10
        )
    if one.passed:
        lines.append(line(span("Valid     ", Tone.DIM), f"until {_day(one.valid_until)}"))
    lines.append(line(span("Evidence  ", Tone.DIM), view.digest))
    return lines


def _day(moment: Instant) -> str:
    return f"{moment:%Y-%m-%d}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
