"""A replayed recording: a line for programs at every snapshot; for people what changed, and how it ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

from pilotage.core.judging import Measure, Outcome, Snapshot, Verdict
from pilotage.views.figures import counted
from pilotage.views.ink import EMPTY, Line, Span, Tone, line, pad, span, wrap
from pilotage.views.rollout.judgement import measure_lines
from pilotage.views.rollout.making import judge_view

_FIGURES = re.compile(r"[\d.,\s]+")
_EVIDENCE = "evidence"
_HEAD = 30
"""Columns before the reasons."""


_OF_A_MEASURE = tuple(Measure.model_fields)
"""Read one by one, because a dump of each costs twice as much, and there are thousands of lines."""


def as_data(snapshot: Snapshot, verdict: Verdict) -> dict[str, Any]:
    """One line of ``judge replay --json``."""
    return {
        "t": _finite(snapshot.t),
        "weight": _finite(snapshot.weight),
        "verdict": verdict.verdict,
        "outcome": verdict.outcome.value,
        "permission": verdict.outcome is Outcome.PASS,
        "why": list(verdict.why),
        "blame": list(verdict.blame),
        "missing": list(verdict.missing),
        "measures": [{name: _finite(getattr(one, name)) for name in _OF_A_MEASURE} for one in verdict.measures],
    }


def _finite(value: Any) -> Any:
    """JSON has no infinities: null is unknown, or unbounded."""
    return None if isinstance(value, float) and not isfinite(value) else value


class Replay:
    """Tells a recording while it is replayed: ``heard`` after each snapshot, ``ended`` once."""

    def __init__(self, width: int = 100) -> None:
        self.width = width
        self.looks = 0
        self.first: float | None = None
        self.last: float | None = None
        self.verdict: Verdict | None = None
        self.decided: tuple[float, Verdict] | None = None
        self._state: tuple[object, ...] | None = None

    def heard(self, snapshot: Snapshot, verdict: Verdict) -> list[Line]:
        """What to show of it: nothing, unless something changed."""
        self.looks += 1
        self.last, self.verdict = snapshot.t, verdict
        self.first = snapshot.t if self.first is None else self.first
        if self.decided is None and verdict.verdict != "continue":
            self.decided = (snapshot.t, verdict)
        state = (verdict.verdict, verdict.outcome, str(snapshot.weight), _reason(verdict))
        changed, self._state = state != self._state, state
        return self._row(snapshot, verdict) if changed else []

    def ended(self) -> Iterator[Line]:
        """The figures of the last look, and one sentence about the whole."""
        if self.verdict is None:
            return
        yield EMPTY
        yield from measure_lines(judge_view(self.verdict), self.width)
        yield EMPTY
        yield from wrap(line(self._sentence()), self.width)

    def _row(self, snapshot: Snapshot, verdict: Verdict) -> list[Line]:
        word, tone = _word(verdict)
        head = [
            pad(span(_seconds(snapshot.t), Tone.DIM), 9, right=True),
            pad(span(_share(snapshot.weight), Tone.PLAIN), 7, right=True),
            Span("  "),
            pad(span(word, tone), 12),
        ]
        why = verdict.why or ("",)
        first = wrap((*head, *line(why[0])), self.width, _HEAD)
        return first + [row for one in why[1:] for row in wrap(line(" " * _HEAD, one), self.width, _HEAD)]

    def _sentence(self) -> str:
        looks = counted(self.looks, "snapshot")
        if self.decided is None:
            return f"{looks} from {_seconds(self.first)} to {_seconds(self.last)}: not decided."
        at, verdict = self.decided
        how = "worse, to be taken back" if verdict.outcome is Outcome.FAIL else "fine, to be promoted"
        return f"{looks} from {_seconds(self.first)} to {_seconds(self.last)}: {how} at {_seconds(at)}."


def _word(verdict: Verdict) -> tuple[str, Tone]:
    if verdict.outcome is Outcome.FAIL:
        return "take back", Tone.BAD
    if verdict.outcome is Outcome.PASS:
        return ("promote" if verdict.last else "may go on"), Tone.GOOD
    return "hold", Tone.WARN


def _reason(verdict: Verdict) -> str:
    """What it waits for, without the figures that change at every look."""
    why = verdict.why[0] if verdict.why else ""
    if any(why.startswith(f"{one.name}: ") for one in verdict.measures):
        return _EVIDENCE
    return _FIGURES.sub("", why)


def _seconds(t: float | None) -> str:
    return f"{t:g} s" if t is not None and isfinite(t) else "?"


def _share(weight: float) -> str:
    return f"{weight * 100:.4g} %" if isfinite(weight) else "?"
