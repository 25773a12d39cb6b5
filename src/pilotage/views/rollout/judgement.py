"""The judge's panel: each measure's figures, its interval against the limit, and how far the evidence is."""

from __future__ import annotations

from math import log
from typing import assert_never

from pilotage.core.judging import Kind, Outcome, Role
from pilotage.views.figures import amount, between, count, counted, multiple, part
from pilotage.views.ink import EMPTY, Line, Span, Tone, fit, line, span, table, wrap
from pilotage.views.rollout.model import JudgeView, MeasureView, RolloutView

_OUTCOME = {
    Outcome.PASS: ("may go on", Tone.GOOD),
    Outcome.FAIL: ("worse", Tone.BAD),
    Outcome.UNDECIDED: ("not known yet", Tone.WARN),
}


def judge_lines(view: RolloutView, width: int, *, brief: bool = False) -> list[Line]:
    """``brief``: one line for each measure and no more, however narrow."""
    judge = view.judge
    if judge is None:
        return []
    words, tone = _OUTCOME[judge.outcome]
    if judge.outcome is Outcome.PASS and judge.last:
        words = "may be promoted"
    looked = f"   {counted(judge.requests_new, 'request')} of {view.new}"
    against = f" against {count(judge.requests_old)} of {view.old}" if view.old else ""
    head = line(span("Judge     ", Tone.STRONG), span(words, tone), span(looked + against, Tone.DIM))
    return [
        EMPTY,
        *wrap(head, width, 10),
        *_alerts(judge, width, brief=brief),
        *measure_lines(judge, width, brief=brief),
    ]


def _alerts(judge: JudgeView, width: int, *, brief: bool) -> list[Line]:
    """Telemetry that is missing or left out; and why it holds, where that is not a matter of figures."""
    if judge.missing and brief:
        return [fit(line(span(f"  Missing: {'; '.join(judge.missing)}", Tone.WARN)), width)]
    told = [f"  Missing: {one}" for one in judge.missing] + [f"  Left out: {one}" for one in judge.left_out]
    lines = [row for one in told for row in wrap(line(span(one, Tone.WARN)), width, 4)]
    if brief or not judge.measures:
        return lines
    figures = tuple(f"{one.name}: " for one in judge.measures)
    reasons = [] if judge.outcome is not Outcome.UNDECIDED else judge.why
    held = [why for why in reasons if not why.startswith(figures) and why != "not known yet"]
    return lines + [row for why in held for row in wrap(line(span(f"  {why}", Tone.WARN)), width, 4)]


def measure_lines(judge: JudgeView, width: int, *, brief: bool = False) -> list[Line]:
    """The measures' figures; the judge's sentences, where there are none yet."""
    if not judge.measures:
        return [row for why in judge.why for row in wrap(line("  ", why), width, 4)]
    if width >= 78:
        return _wide(judge, width, brief=brief)
    if brief:
        return table([_brief(one) for one in judge.measures], width, right=frozenset({3, 6}))
    wanting = _most_wanting(judge)
    return [row for one in judge.measures for row in _narrow(one, width, wanting=one in wanting)]


def _wide(judge: JudgeView, width: int, *, brief: bool) -> list[Line]:
    """One row a measure. Limits that differ have a column of their own; narrow screens lose other columns."""
    size = 10 if width >= 116 else 6 if width >= 96 else 5
    limits = {_limit(one) for one in judge.measures} - {""}
    common = f"limit {limits.pop()}" if len(limits) == 1 else ""
    limit = "limit" if limits else ""
    heads = (
        "",
        "old",
        "new",
        "new / old",
        common,
        limit,
        "take back" if width >= 104 else "back",
        "",
        "go on",
        "",
    )
    rows = [[span(head, Tone.DIM) for head in heads]]
    for one in judge.measures:
        drawn, bounds = _ratio(one)
        own = span(_limit(one) if limit else "", Tone.PLAIN)
        rows.append([_name(one), *_rates(one), drawn, bounds, own, *_evidence(one, size)])
    left_out = set() if width >= 104 else {3} if width >= 90 or not limit else {3, 7, 9}
    kept = [place for place in range(len(heads)) if place not in left_out]
    right = frozenset(kept.index(place) for place in (7, 9) if place in kept)
    lines = table([[row[place] for place in kept] for row in rows], width, right=right)
    for one in () if brief else _most_wanting(judge):
        lines += wrap(line("  ", span(f"{told_name(one.name)}: {lacking(one.missing)}", Tone.DIM)), width, 4)
    return lines


def _limit(one: MeasureView) -> str:
    if one.ceiling is not None:
        return amount(one.ceiling, one.kind)
    return multiple(one.limit) if one.limit is not None else ""


def _most_wanting(judge: JudgeView) -> list[MeasureView]:
    """The two that keep the judge from knowing; none once it knows."""
    if judge.outcome is not Outcome.UNDECIDED:
        return []
    return sorted((one for one in judge.measures if one.missing), key=lambda one: one.towards_passing)[:2]


def lacking(missing: str) -> str:
    """``about 3 400 more requests`` → ``needs about 3 400 more requests``; a sentence stays one."""
    return f"needs {missing}" if missing.startswith("about ") or missing[:1].isdigit() else missing


def _brief(one: MeasureView) -> list[Span]:
    back, back_part, on, on_part = _evidence(one, 4)
    forth = "on" if one.role is Role.MUST else ""
    return [_name(one), span("back", Tone.DIM), back, back_part, span(forth, Tone.DIM), on, on_part]


def _narrow(one: MeasureView, width: int, *, wanting: bool) -> list[Line]:
    """Three or four rows a measure."""
    old, new = _rates(one)
    rates = line("  ", _name(one), "  ", *(("old ", old, "  ") if old.text else ()), "new ", new)
    drawn, ratio = _ratio(one)
    limit = f"limit {_limit(one)}" if _limit(one) else ""
    comma = ", " if ratio.text and limit else ""
    back, back_part, on, on_part = _evidence(one, 8)
    rows = [fit(rates, width)]
    if drawn.text or ratio.text or limit:
        rows.append(fit(line("    ", drawn, "  " if drawn.text else "", ratio, comma, limit), width))
    forth = ("  on ", on, " ", on_part) if one.role is Role.MUST else ("  ", on)
    rows.append(fit(line("    back ", back, " ", back_part, *forth), width))
    if wanting:
        rows += wrap(line("    ", span(lacking(one.missing), Tone.DIM)), width, 4)
    return rows


def _name(one: MeasureView) -> Span:
    return span(told_name(one.name), Tone.BAD if one.blamed else Tone.PLAIN)


def told_name(name: str) -> str:
    """``latency p95`` is the share of answers that are slower than the old version's p95."""
    return f"slower than {name.removeprefix('latency ')}" if name.startswith("latency p") else name


def _rates(one: MeasureView) -> list[Span]:
    old, new = (amount(value, one.kind) if value is not None else "" for value in (one.old, one.new))
    return [span(old, Tone.OLD), span(new or "–", Tone.BAD if one.blamed else Tone.NEW)]


def _ratio(one: MeasureView) -> list[Span]:
    """The interval, drawn and in figures."""
    bounds = between(one.low, one.high)
    if not bounds:
        return [span("", Tone.PLAIN), span("" if one.ceiling is not None or one.limit else "–", Tone.DIM)]
    drawn = scale(one.low, one.high, one.limit, fine=one.kind in (Kind.GAUGE, Kind.MEAN))
    return [span(drawn, Tone.PLAIN), span(bounds, Tone.PLAIN)]


def _evidence(one: MeasureView, size: int) -> list[Span]:
    """Towards either side; a measure that is not asked before the new version goes on says what it is."""
    back, on = one.towards_rollback, one.towards_passing
    against = [span(meter(back, size), Tone.BAD), span(part(back), Tone.PLAIN)]
    match one.role:
        case Role.MUST:
            return [*against, span(meter(on, size), Tone.GOOD), span(part(on), Tone.PLAIN)]
        case Role.GUARD:
            return [*against, span("guard", Tone.DIM), span("", Tone.PLAIN)]
        case Role.WATCH:
            dry = [span(meter(back, size), Tone.DIM), span(part(back), Tone.DIM)]
            return [*dry, span("dry run", Tone.DIM), span("", Tone.PLAIN)]
        case _:
            assert_never(one.role)


_MOST, _MOST_FINE, _CELLS = 4.0, 1.25, 17


def _place(ratio: float, most: float) -> int:
    """The column of a ratio on a logarithmic scale from ``1/most`` to ``most``."""
    clipped = min(max(ratio, 1 / most), most)
    return round(log(clipped * most) / log(most * most) * (_CELLS - 1))


def scale(low: float | None, high: float | None, limit: float | None, *, fine: bool = False) -> str:
    """The interval drawn against its limit: ``┊···━━━━│━━━━···┊``, arrows where it goes on outside.

    From a quarter to four times; ``fine``: from four fifths to five quarters, for levels.
    """
    most = _MOST_FINE if fine else _MOST
    first = _place(low, most) if low is not None and low > 0 else 0
    final = _place(high, most) if high is not None else _CELLS - 1
    signs = ["━" if first <= i <= final else "·" for i in range(_CELLS)]
    if low is None or low < 1 / most:
        signs[0] = "‹"
    if high is None or high > most:
        signs[-1] = "›"
    if limit is not None:
        signs[_place(limit, most)] = "│"
    return "".join(signs)


def meter(fraction: float, size: int) -> str:
    """Evidence: full only when it has decided."""
    full = min(int(fraction * size), size)
    return "■" * full + "□" * (size - full)
