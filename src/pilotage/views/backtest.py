"""What a backtest found: past releases judged anew, pretend releases, and the margins that it suggests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any, Protocol

from pilotage.judge.backtest import Case, Judged, Permission, Rate, quantile
from pilotage.judge.margins import Margin
from pilotage.views.ink import EMPTY, Line, Span, Tone, line, plain, span, table, wrap


class _Past(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def judged(self) -> Judged: ...
    @property
    def ended(self) -> str: ...


class Report(Protocol):
    """What usecases.backtesting gives."""

    @property
    def past(self) -> Sequence[_Past]: ...
    @property
    def cases(self) -> Sequence[Case]: ...
    @property
    def permissions(self) -> Sequence[Permission]: ...
    @property
    def margins(self) -> Sequence[Margin]: ...
    @property
    def by_instances(self) -> bool | None: ...
    @property
    def releases(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def notes(self) -> Sequence[str]: ...


def as_data(report: Report) -> dict[str, Any]:
    """For programs: rates with their intervals, seconds as quantiles."""
    return {
        "releases": report.releases,
        "by_instances": report.by_instances,
        "history_seconds": report.seconds,
        "past": [
            {"name": one.name, "ended": one.ended, "verdict": _verdict(one.judged)[0], **asdict(one.judged)}
            for one in report.past
        ],
        "healthy": [_case(one) for one in report.cases if not one.regression],
        "regressions": [
            {**_case(one), "missed": asdict(missed(one.taken_back))} for one in report.cases if one.regression
        ],
        "permissions": [
            {"share": one.share, "given": asdict(one.given), **_seconds(one.seconds)}
            for one in report.permissions
        ],
        "margins": [{**asdict(one), "reason": reason(one)} for one in report.margins],
        "notes": list(report.notes),
    }


def _case(one: Case) -> dict[str, Any]:
    return {
        "name": one.name,
        "taken_back": asdict(one.taken_back),
        **_seconds(one.seconds),
        "blamed": dict(one.blamed),
    }


def _seconds(ordered: Sequence[float]) -> dict[str, float | None]:
    return {"median_seconds": quantile(ordered, 0.5), "p90_seconds": quantile(ordered, 0.9)}


def missed(caught: Rate) -> Rate:
    """The other side of it."""
    return Rate(caught.of - caught.count, caught.of, 1.0 - caught.high, 1.0 - caught.low)


def reason(one: Margin) -> str:
    """``instances differ by 12 % (standard deviation, 8 times 10 minutes)``."""
    return f"instances differ by {one.wander * 100:.2g} % (standard deviation, {one.blocks} times 10 minutes)"


def as_text(report: Report, width: int = 100) -> str:
    return plain(draw(report, width))


def draw(report: Report, width: int = 100) -> list[Line]:
    lines: list[Line] = []
    for part in (
        _past(report, width),
        _pretended(report, width),
        _allowed(report, width),
        _margins(report, width),
    ):
        lines += [EMPTY] * bool(lines and part) + part
    notes = [row for note in report.notes for row in wrap(line(span("! ", Tone.WARN), note), width, 2)]
    return lines + [EMPTY] * bool(lines and notes) + notes


def _past(report: Report, width: int) -> list[Line]:
    if not report.past:
        return []
    rows = [_heads("past releases", "with these settings", "", "because of", "it ended")]
    for one in report.past:
        word, tone = _verdict(one.judged)
        at = one.judged.failed if one.judged.failed is not None else one.judged.promoted
        rows.append(
            [
                span(one.name, Tone.PLAIN),
                span(word, tone),
                span(f"after {at:.0f} s" if at is not None else "", Tone.PLAIN),
                span(", ".join(one.judged.blame), Tone.PLAIN),
                span(one.ended, Tone.DIM),
            ]
        )
    return table(rows, width, indent=0)


def _verdict(one: Judged) -> tuple[str, Tone]:
    if one.failed is not None:
        return "rollback", Tone.BAD
    if one.promoted is not None:
        return "promote", Tone.GOOD
    return ("may go on", Tone.GOOD) if one.permitted else ("not known", Tone.WARN)


def _pretended(report: Report, width: int) -> list[Line]:
    if not report.cases:
        return []
    head = f"pretend releases ({report.releases} of each)"
    rows = [_heads(head, "taken back", "95 % interval", "median", "p90", "by")]
    for one in report.cases:
        good = (one.taken_back.count == 0) is not one.regression
        rows.append(
            [
                span(one.name, Tone.PLAIN),
                span(f"{one.taken_back.count} of {one.taken_back.of}", Tone.GOOD if good else Tone.WARN),
                span(_interval(one.taken_back), Tone.PLAIN),
                *_times(one.seconds),
                span(", ".join(f"{name} {count}" for name, count in one.blamed), Tone.DIM),
            ]
        )
    return table(rows, width, right=frozenset({1, 3, 4}), indent=0)


def _allowed(report: Report, width: int) -> list[Line]:
    if not report.permissions:
        return []
    rows = [_heads("healthy, at a share of", "may go on", "95 % interval", "median", "p90")]
    for one in report.permissions:
        rows.append(
            [
                span(f"{one.share * 100:.4g} %", Tone.PLAIN),
                span(f"{one.given.count} of {one.given.of}", Tone.PLAIN),
                span(_interval(one.given), Tone.PLAIN),
                *_times(one.seconds),
            ]
        )
    return table(rows, width, right=frozenset({1, 3, 4}), indent=0)


def _margins(report: Report, width: int) -> list[Line]:
    if not report.margins:
        return []
    rows = [_heads("margins it suggests", "ratio", "because")]
    for one in report.margins:
        rows.append(
            [span(one.measure, Tone.PLAIN), span(f"{one.ratio:.3g}", Tone.STRONG), span(reason(one), Tone.DIM)]
        )
    return table(rows, width, right=frozenset({1}), indent=0)


def _heads(*names: str) -> list[Span]:
    return [span(name, Tone.DIM) for name in names]


def _interval(one: Rate) -> str:
    return f"{one.low * 100:.1f} … {one.high * 100:.1f} %"


def _times(ordered: Sequence[float]) -> Iterator[Span]:
    for part in (0.5, 0.9):
        value = quantile(ordered, part)
        yield span(f"{value:.0f} s" if value is not None and isfinite(value) else "", Tone.PLAIN)
