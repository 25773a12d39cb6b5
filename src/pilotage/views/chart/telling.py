"""A chart in words: for those who do not see it, and above it for those who do."""

from __future__ import annotations

from datetime import timedelta

from pilotage.core.judging import Outcome, Role
from pilotage.views.chart.model import Chart, Point, Turn
from pilotage.views.figures import amount, between, lasting, multiple
from pilotage.views.rollout.judgement import told_name

WORDS = {Outcome.PASS: "may go on", Outcome.FAIL: "worse", Outcome.UNDECIDED: "not known yet"}


def heading(chart: Chart) -> str:
    """``errors: 2.0 / 1.0``."""
    role = " (dry run)" if chart.role is Role.WATCH else ""
    what = chart.new_version if chart.ceiling is not None else f"{chart.new_version} / {chart.old_version}"
    return f"{told_name(chart.measure)}{role}: {what}"


def summary(chart: Chart) -> str:
    """Figures, interval and limit at the end, and what was decided: sentences."""
    sentences = [ending(chart)]
    if chart.gaps:
        missing = sum(until - since for since, until in chart.gaps)
        sentences.append(f"No telemetry for {lasting(timedelta(seconds=missing))}.")
    sentences += [_turned(turn) for turn in chart.turns if turn.outcome is Outcome.FAIL]
    return " ".join(sentences)


def ending(chart: Chart) -> str:
    """How it stood at the end, in one sentence."""
    last = chart.last
    return f"At the end: {'; '.join(_figures(chart, last))}." if last else "Nothing is known of it."


def _figures(chart: Chart, last: Point) -> list[str]:
    told = []
    if last.new is not None:
        told.append(f"new {amount(last.new, chart.kind)}")
    if last.old is not None and chart.ceiling is None:
        told.append(f"old {amount(last.old, chart.kind)}")
    if chart.ceiling is not None:
        return [*told, f"limit {amount(chart.ceiling, chart.kind)}"]
    bounds = between(last.low, last.high)
    if bounds:
        told.append(f"{bounds} the old one's with 95 % confidence")
    if last.worse is not None:
        told.append(f"limit {multiple(last.worse)}")
    return told


def _turned(turn: Turn) -> str:
    by = "by this measure" if turn.blamed else "by another measure"
    return f"After {after(turn.t)} it was judged worse, {by}."


def after(t: float) -> str:
    return lasting(timedelta(seconds=round(t))) if t >= 1 else "0s"
