"""The judge's panel: each measure's figures, its interval against the limit, and how far the evidence is."""

from __future__ import annotations

from math import log

from pilotage.core.judging import Outcome
from pilotage.views.figures import count, counted, part, rate, times
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
    looked = f"   {counted(judge.requests_new, 'request')} of {view.new}"
    against = f" against {count(judge.requests_old)} of {view.old}" if view.old else ""
    head = line(span("Judge     ", Tone.STRONG), span(words, tone), span(looked + against, Tone.DIM))
    besides = [] if brief or not judge.measures else _besides(judge, width)
    return [EMPTY, *wrap(head, width, 10), *measure_lines(judge, width, brief=brief), *besides]


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
    """One row a measure."""
    size = 10 if width >= 116 else 6 if width >= 90 else 5
    limits = {one.limit for one in judge.measures if one.limit is not None}
    limit = f"limit {times(limits.pop())}" if len(limits) == 1 else ""
    heads = ("", "old", "new", "new / old", limit, "take back" if width >= 104 else "back", "", "go on", "")
    rows = [[span(head, Tone.DIM) for head in heads]]
    for one in judge.measures:
        rows.append([_name(one), *_rates(one), *_ratio(one, told=bool(limit)), *_evidence(one, size)])
    if width < 104:
        rows = [[*row[:3], *row[4:]] for row in rows]
    lines = table(rows, width, right=frozenset({6, 8} if width >= 104 else {5, 7}))
    if brief:
        return lines
    for one in _most_wanting(judge):
        lines += wrap(line("  ", span(f"{told_name(one.name)}: {lacking(one.missing)}", Tone.DIM)), width, 4)
    return lines


def _besides(judge: JudgeView, width: int) -> list[Line]:
    """What keeps the judge from knowing and is no measure's: warm-up, silence."""
    if judge.outcome is not Outcome.UNDECIDED:
        return []
    measures = tuple(f"{one.name}:" for one in judge.measures)
    told = [why for why in judge.why if not why.startswith(measures)]
    return [row for why in told for row in wrap(line("  ", span(why, Tone.DIM)), width, 4)]


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
    return [_name(one), span("back", Tone.DIM), back, back_part, span("on", Tone.DIM), on, on_part]


def _narrow(one: MeasureView, width: int, *, wanting: bool) -> list[Line]:
    """Three or four rows a measure."""
    old, new = _rates(one)
    rates = line("  ", _name(one), "  ", *(("old ", old, "  ") if old.text else ()), "new ", new)
    drawn, ratio = _ratio(one, told=False)
    back, back_part, on, on_part = _evidence(one, 8)
    rows = [fit(rates, width)]
    if drawn.text or ratio.text:
        rows.append(fit(line("    ", drawn, "  " if drawn.text else "", ratio), width))
    rows.append(fit(line("    back ", back, " ", back_part, "  on ", on, " ", on_part), width))
    if wanting:
        rows += wrap(line("    ", span(lacking(one.missing), Tone.DIM)), width, 4)
    return rows


def _name(one: MeasureView) -> Span:
    return span(told_name(one.name), Tone.BAD if one.blamed else Tone.PLAIN)


def told_name(name: str) -> str:
    """``latency p95`` is the share of answers that are slower than the old version's p95."""
    return f"slower than {name.removeprefix('latency ')}" if name.startswith("latency p") else name


def _rates(one: MeasureView) -> list[Span]:
    old, new = (rate(value) if value is not None else "" for value in (one.old, one.new))
    return [span(old, Tone.OLD), span(new or "–", Tone.BAD if one.blamed else Tone.NEW)]


def _ratio(one: MeasureView, *, told: bool) -> list[Span]:
    """The interval, drawn and in figures; or the absolute limit. ``told``: the limit stands elsewhere."""
    if one.ceiling is not None:
        return [span("", Tone.PLAIN), span(f"limit {rate(one.ceiling)}", Tone.PLAIN)]
    if one.low is None and one.high is None:
        return [span("", Tone.PLAIN), span("–", Tone.DIM)]
    if one.high is None:
        between = f"at least {times(one.low or 0.0)}"
    elif not one.low:
        between = f"at most {times(one.high)}"
    else:
        between = f"{times(one.low)[:-2]} … {times(one.high)}"
    limit = f", limit {times(one.limit)}" if one.limit is not None and not told else ""
    return [span(scale(one.low, one.high, one.limit), Tone.PLAIN), span(between + limit, Tone.PLAIN)]


def _evidence(one: MeasureView, size: int) -> list[Span]:
    back, on = one.towards_rollback, one.towards_passing
    return [
        span(meter(back, size), Tone.BAD),
        span(part(back), Tone.PLAIN),
        span(meter(on, size), Tone.GOOD),
        span(part(on), Tone.PLAIN),
    ]


_LEAST, _MOST, _CELLS = 0.25, 4.0, 17


def _place(ratio: float) -> int:
    """The column of a ratio on a logarithmic scale from a quarter to four times."""
    clipped = min(max(ratio, _LEAST), _MOST)
    return round(log(clipped / _LEAST) / log(_MOST / _LEAST) * (_CELLS - 1))


def scale(low: float | None, high: float | None, limit: float | None) -> str:
    """The interval drawn against its limit: ``┊···━━━━│━━━━···┊``, arrows where it goes on outside."""
    first = _place(low) if low is not None and low > 0 else 0
    final = _place(high) if high is not None else _CELLS - 1
    signs = ["━" if first <= i <= final else "·" for i in range(_CELLS)]
    if low is None or low < _LEAST:
        signs[0] = "‹"
    if high is None or high > _MOST:
        signs[-1] = "›"
    if limit is not None:
        signs[_place(limit)] = "│"
    return "".join(signs)


def meter(fraction: float, size: int) -> str:
    """Evidence: full only when it has decided."""
    full = min(int(fraction * size), size)
    return "■" * full + "□" * (size - full)
