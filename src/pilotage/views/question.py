"""One question of the adviser: what is asked, and what may be answered."""

from __future__ import annotations

from pilotage.advisor.table import Fact
from pilotage.views.ink import Line, Tone, line, span, table, wrap


def draw(name: str, fact: Fact, place: str, width: int = 100) -> list[Line]:
    """``place``: ``3 of 24``."""
    head = line(span(f"{place}  ", Tone.DIM), span(fact.asks, Tone.STRONG), span(f"  {name}", Tone.DIM))
    rows = [[span(choice, Tone.NEW), span(means, Tone.DIM)] for choice, means in fact.choices.items()]
    return [*wrap(head, width, 4), *table(rows, width, indent=4)]


def prompt(fact: Fact) -> str:
    """``    few, some, many, or a number (return: not known, then many is assumed; ? for help): ``"""
    number = ", or a number" if fact.counted else ""
    return (
        f"    {', '.join(fact.choices)}{number} (return: not known, then {fact.cautious} is assumed; ?: help): "
    )


def refused(answer: str, fact: Fact, near: str | None) -> str:
    number = ", or a number" if fact.counted else ""
    shown = answer if len(answer) <= 40 else answer[:39] + "…"
    return f"    `{shown}` is not one of {', '.join(fact.choices)}{number}" + (f": {near}" if near else "")
