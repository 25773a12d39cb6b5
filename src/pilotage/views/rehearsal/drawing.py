"""A rehearsal on the terminal."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby

from pilotage.rehearsal.outcome import Ending
from pilotage.views import foresight
from pilotage.views.figures import count, lasting
from pilotage.views.ink import EMPTY, Line, Span, Tone, line, span, table, wrap
from pilotage.views.plan import exposure_bar
from pilotage.views.rehearsal import words
from pilotage.views.rehearsal.model import CaseView, RehearsalView, StepView

LABEL = 10
WIDE = 112
"""Columns from which everything has room."""


def draw(view: RehearsalView, width: int = 100) -> list[Line]:
    lines = [*_head(view, width), *_assumed(view, width), EMPTY, *_steps(view, width), EMPTY]
    lines += _happened(view, width)
    lines += _labelled("Ends", f"{words.ended(view)}; {words.reached(view)}", width, _tone(view))
    for reason in view.why:
        lines += wrap(line(" " * LABEL, span(reason, Tone.DIM)), width, LABEL)
    lines += _labelled("If fine", words.fine(view), width)
    lines += _labelled("Spare", words.spare(view), width)
    for one in view.people:
        until = f", answered {lasting(one.until - one.since)} later" if one.until is not None else ""
        told = f"step {one.number} waits for a person after {lasting(one.since)}{until}"
        lines += _labelled("People", told, width)
    lines += [EMPTY, *_cases(view, width)] if view.cases else []
    lines += [EMPTY, *foresight.draw(view.sees, width)] if view.sees else []
    lines += [EMPTY, *wrap(line(span(f"{words.looking(view)} {words.LIMITS}", Tone.DIM)), width)]
    return [*lines, *wrap(line(span(f"Plan {view.digest}, seed {view.seed}.", Tone.DIM)), width)]


def _labelled(label: str, text: str, width: int, tone: Tone = Tone.PLAIN) -> list[Line]:
    return wrap(line(span(f"{label:<{LABEL}}", Tone.DIM), span(text, tone)), width, LABEL)


def _tone(view: RehearsalView) -> Tone:
    return {Ending.SUCCEEDED: Tone.GOOD, Ending.ROLLED_BACK: Tone.BAD, Ending.HELD: Tone.WARN}[view.ending]


def _head(view: RehearsalView, width: int) -> list[Line]:
    old = (span(view.old, Tone.OLD), " → ") if view.old else ()
    where = (span(view.service, Tone.STRONG), " to ", span(view.environment, Tone.STRONG), ": ")
    when = span(f"   {view.method}, rehearsed as if begun {view.begin:%a %Y-%m-%d %H:%M} UTC", Tone.DIM)
    return wrap(line(*where, *old, span(view.new, Tone.NEW), when), width)


def _assumed(view: RehearsalView, width: int) -> list[Line]:
    lines = _labelled("Assumed", words.assumed(view), width)
    return lines + (_labelled("Trouble", ", ".join(view.faults), width, Tone.WARN) if view.faults else [])


def _steps(view: RehearsalView, width: int) -> list[Line]:
    bars = 8 if width >= WIDE else 0
    cells = ("", "step", "begins", "lasts", f"sees {view.new}", "requests", "failed", "users", "run")
    rows = [[span(cell, Tone.DIM) for cell in cells]]
    for back, steps in groupby(view.steps, key=lambda one: one.back):
        if back:
            rows.append([span("", Tone.DIM), span("way back", Tone.BAD)])
        rows += [_row(one, bars) for one in steps]
    if width < 80:
        rows = [row[:5] for row in rows]
    return table(rows, width, right=frozenset({0, 2, 3, 5, 6, 7, 8}), indent=0)


def _row(one: StepView, bars: int) -> list[Span]:
    shown = exposure_bar(one.share, bars) if one.share or one.kind == "expose" else ""
    seen = one.requests > 0
    return [
        span(f"{one.number:>2}", Tone.DIM),
        span(one.title, Tone.STRONG if one.kind == "expose" else Tone.PLAIN),
        span(lasting(one.began), Tone.DIM),
        span(lasting(one.lasted) if one.lasted >= timedelta(seconds=0.05) else "", Tone.PLAIN),
        span(shown, Tone.NEW),
        span(count(one.requests) if seen else "", Tone.PLAIN),
        span(count(one.failed) if seen else "", Tone.BAD if one.failed_because_of_it >= 0.5 else Tone.PLAIN),
        span(count(one.users) if seen else "", Tone.PLAIN),
        span(str(one.instances) if one.instances else "", Tone.DIM),
    ]


def _happened(view: RehearsalView, width: int) -> list[Line]:
    lines: list[Line] = []
    for one in view.moments:
        tone = Tone.BAD if one.bad else Tone.PLAIN
        lines += wrap(line(span(f"{lasting(one.at):>8}  ", Tone.DIM), span(one.what, tone)), width, LABEL)
    return [*lines, EMPTY] if lines else []


def _cases(view: RehearsalView, width: int) -> list[Line]:
    head = ("if the new version has", "taken back", "after", "requests it fails", "users who saw it")
    rows = [[span(cell, Tone.DIM) for cell in head], *(_case(one) for one in view.cases)]
    rows = rows if width >= WIDE else [row[:4] for row in rows]
    told = "Middle of the runs (eight in ten lie between); the chance with its 95 % interval."
    return [*table(rows, width, indent=0), *wrap(line(span(told, Tone.DIM)), width)]


def _case(one: CaseView) -> list[Span]:
    sure = one.caught.hits == one.caught.runs
    return [
        span(one.name, Tone.STRONG),
        span(words.odds(one.caught), Tone.GOOD if sure else Tone.WARN),
        span(words.spans(one.after) if one.after else "never", Tone.PLAIN if one.after else Tone.WARN),
        span(words.counts(one.failed_because_of_it), Tone.PLAIN),
        span(words.counts(one.users), Tone.PLAIN),
    ]
