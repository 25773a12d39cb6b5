"""What doctor found: each thing looked at, whether it is well, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

from pilotage.core.values import Frozen
from pilotage.views.ink import EMPTY, Line, Tone, line, plain, span, wrap


class Found(Protocol):
    """What a diagnosis has (a NamedTuple will do)."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> Literal["ok", "warn", "fail"]: ...
    @property
    def detail(self) -> str: ...
    @property
    def mend(self) -> str: ...


class FindingView(Frozen):
    name: str
    state: Literal["ok", "warn", "fail"]
    detail: str = ""
    mend: str = ""


class FindingsView(Frozen):
    findings: tuple[FindingView, ...]
    well: bool
    """Nothing failed; there may be warnings."""


def view_of(findings: Iterable[Found]) -> FindingsView:
    views = tuple(
        FindingView(name=one.name, state=one.state, detail=one.detail, mend=one.mend) for one in findings
    )
    return FindingsView(findings=views, well=all(one.state != "fail" for one in views))


_SIGN = {"ok": ("✓", Tone.GOOD), "warn": ("!", Tone.WARN), "fail": ("✗", Tone.BAD)}


def as_text(view: FindingsView, width: int = 100) -> str:
    return plain(draw(view, width))


def draw(view: FindingsView, width: int = 100) -> list[Line]:
    lines: list[Line] = []
    for one in view.findings:
        sign, tone = _SIGN[one.state]
        detail = span(f"  {one.detail}" if one.detail else "", Tone.DIM)
        lines += wrap(line(span(f"{sign} ", tone), span(one.name, Tone.STRONG), detail), width, 4)
        if one.mend and one.state != "ok":
            lines += wrap(line("    ", span("mend: ", Tone.WARN), one.mend), width, 10)
    bad = sum(1 for one in view.findings if one.state == "fail")
    doubtful = sum(1 for one in view.findings if one.state == "warn")
    return [*lines, EMPTY, *wrap(line(_verdict(bad, doubtful)), width)]


def _verdict(bad: int, doubtful: int) -> str:
    if not bad and not doubtful:
        return "All is well."
    parts = [f"{bad} to mend"] * bool(bad) + [f"{doubtful} to look at"] * bool(doubtful)
    return ", ".join(parts) + "."
