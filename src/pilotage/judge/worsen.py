"""Regressions to be planted into copies of a healthy history, to see whether and when the judge finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from pilotage.core.judging import JudgeSettings, Kind, MeasureSettings, Worse
from pilotage.judge.pretend import Chance, Change, Counts, Moment, Ramp, Regression, binomial

TIMES = (2.0, 5.0)
"""How many times as many errors."""
LEVEL = 1.5
"""How many times as high (or, where less is worse, as low) a gauge, or a mean."""


@dataclass(frozen=True)
class Planting:
    """``missing`` says what can not be made worse in this history, and why."""

    regressions: tuple[Regression, ...]
    missing: tuple[str, ...]


def planting(moments: Sequence[Moment], settings: JudgeSettings, ramp: Ramp) -> Planting:
    """Everything that the settings watch, made worse from the beginning; an outage from half way on."""
    found: list[Regression] = []
    missing: list[str] = []
    base = error_rate(moments)
    for times in TIMES:
        name = f"errors x{times:g}"
        if 0.0 < base * times < 1.0:
            found.append(Regression(name, more_errors(base * (times - 1.0) / (1.0 - base))))
        else:
            missing.append(f"{name}: {'no request failed' if base <= 0.0 else 'too many fail already'}")
    found.append(Regression("outage half way", outage, ramp.length / 2.0))
    if settings.latency:
        moved = settings.latency_margin + 1
        if any(part.answers for one in moments for part in one.parts):
            found.append(Regression(f"slower by {moved} bucket{'s' * (moved > 1)}", slower(moved)))
        else:
            missing.append("slower: no latency is known")
    for name, measure in settings.measures.items():
        if _known(moments, name, measure):
            found.append(_worse(name, measure))
        else:
            missing.append(f"{name}: nothing is known of it")
    return Planting(tuple(found), tuple(missing))


def error_rate(moments: Sequence[Moment]) -> float:
    requests = sum([part.requests for one in moments for part in one.parts])
    errors = sum([part.errors for one in moments for part in one.parts])
    return errors / requests if requests > 0.0 else 0.0


def more_errors(chance: float) -> Change:
    """Of the requests that were answered well, each fails with this chance."""

    def change(counts: Counts, rng: Chance) -> Counts:
        more = binomial(counts.requests - counts.errors, chance, rng)
        return replace(counts, errors=counts.errors + more)

    return change


def outage(counts: Counts, rng: Chance) -> Counts:
    """Every request fails."""
    del rng
    return replace(counts, errors=counts.requests)


def slower(buckets: int) -> Change:
    """Every answer takes so many buckets longer."""

    def change(counts: Counts, rng: Chance) -> Counts:
        del rng
        answers = counts.answers
        if len(answers) <= buckets:
            return counts
        kept = len(answers) - buckets
        moved = [0.0] * buckets + list(answers[:kept])
        moved[-1] += sum(answers[kept:])
        return replace(counts, answers=tuple(moved))

    return change


def _known(moments: Sequence[Moment], name: str, measure: MeasureSettings) -> bool:
    field = measure.of or name
    return any(part.counted.get(field) or part.levels.get(field) for one in moments for part in one.parts)


def _worse(name: str, measure: MeasureSettings) -> Regression:
    field, less = measure.of or name, measure.worse is Worse.LESS
    factor, told = (1.0 / LEVEL, f"{name} /{LEVEL:g}") if less else (LEVEL, f"{name} x{LEVEL:g}")
    match measure.kind:
        case Kind.GAUGE:
            return Regression(told, _level(field, factor))
        case Kind.MEAN:
            return Regression(told, _times(field, factor))
        case Kind.COUNT | Kind.RATE:
            change = _halved(field) if less else _times(field, 2.0)
            return Regression(f"{name} {'halved' if less else 'doubled'}", change)
        case _:
            assert_never(measure.kind)


def _level(field: str, factor: float) -> Change:
    def change(counts: Counts, rng: Chance) -> Counts:
        del rng
        levels = {name: value * factor if name == field else value for name, value in counts.levels.items()}
        return replace(counts, levels=levels)

    return change


def _times(field: str, factor: float) -> Change:
    def change(counts: Counts, rng: Chance) -> Counts:
        del rng
        counted = {name: value * factor if name == field else value for name, value in counts.counted.items()}
        return replace(counts, counted=counted)

    return change


def _halved(field: str) -> Change:
    def change(counts: Counts, rng: Chance) -> Counts:
        counted = dict(counts.counted)
        counted[field] = binomial(counted.get(field, 0.0), 0.5, rng)
        return replace(counts, counted=counted)

    return change
