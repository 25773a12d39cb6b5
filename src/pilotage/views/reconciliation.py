"""The reconciliation report of a parallel run: for the terminal, for programs, and as a page of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from pilotage.core import events as e
from pilotage.core.comparing import Difference, Finding, Reconciliation
from pilotage.core.judging import Outcome
from pilotage.core.state import State
from pilotage.core.steps import Mirror
from pilotage.core.values import Frozen, Instant
from pilotage.views.figures import count, counted, day, lasting, rate, seconds
from pilotage.views.ink import EMPTY, Line, Span, Tone, fit, line, plain, span, table, wrap
from pilotage.views.titles import version


class ReportView(Frozen):
    """A report, whose it is, and whether it has been signed off."""

    rollout: str
    service: str
    environment: str
    old: str
    new: str
    most: float
    """The largest part of answers that may differ beyond noise."""
    report: Reconciliation
    digest: str
    final: bool
    """Recorded, and so what may be signed off; else how it stands now."""
    awaits_sign_off: bool
    signed_off_by: str | None = None
    signed_off_at: Instant | None = None


def view_of(state: State, events: Iterable[e.Event], now: Reconciliation | None) -> ReportView | None:
    """The recorded report, else how it stands (``now``); None: nothing is compared in this rollout."""
    step = next((one for one in state.plan.steps if isinstance(one, Mirror)), None)
    report = state.reconciled or now
    if step is None or report is None:
        return None
    signatures = [one for one in events if isinstance(one, e.SignedOff) and one.digest == report.digest]
    final = state.reconciled is not None
    return ReportView(
        rollout=state.id,
        service=state.plan.service,
        environment=state.plan.environment,
        old=state.plan.old.version if state.plan.old else "",
        new=version(state.plan, state.plan.new.id),
        most=step.mirroring.most,
        report=report,
        digest=report.digest,
        final=final,
        awaits_sign_off=final and state.step == step and step.sign_off and not state.back and not signatures,
        signed_off_by=signatures[0].by if signatures else None,
        signed_off_at=signatures[0].at if signatures else None,
    )


_OUTCOME = {
    Outcome.PASS: ("reconciled", Tone.GOOD),
    Outcome.FAIL: ("answers differ", Tone.BAD),
    Outcome.UNDECIDED: ("not known yet", Tone.WARN),
}
_HEADS = ("", "endpoint", "place", "new", "noise", "what")
_FINDING = {
    Finding.WRONG: ("differs", Tone.BAD),
    Finding.REAL: ("differs, seldom", Tone.WARN),
    Finding.UNCLEAR: ("too seldom to say", Tone.PLAIN),
    Finding.NOISE: ("noise", Tone.DIM),
}


def as_text(view: ReportView, width: int = 100) -> str:
    return plain(draw(view, width))


def draw(view: ReportView, width: int = 100) -> list[Line]:
    """No line is wider than ``width``."""
    lines = [row for label, told, tone in _facts(view) for row in _labelled(label, told, width, tone)]
    if view.report.differences:
        lines += [EMPTY, *_table(view.report.differences, width)]
        if view.report.more:
            lines.append(line(span(f"  and {counted(view.report.more, 'more place')}", Tone.DIM)))
    return [*_head(view, width), EMPTY, *lines, EMPTY, *_foot(view, width)]


def lines_of(report: Reconciliation, new: str, width: int) -> list[Line]:
    """A few lines for the screen of a rollout."""
    words, tone = _OUTCOME[report.outcome]
    told = f"{counted(report.compared, 'answer')} compared, {count(report.different)} of {new} differ"
    head = line(span("Compared  ", Tone.STRONG), span(words, tone), span(f"   {told}", Tone.DIM))
    noise = f"{count(report.noisy)} differ between old and old (noise)"
    left = f"; {count(sum(report.left_out.values()))} not compared" if report.left_out else ""
    lines = [EMPTY, *wrap(head, width, 10), *wrap(line(span(f"  {noise}{left}", Tone.DIM)), width, 4)]
    if report.missing:
        lines += wrap(line(span(f"  Missing: {report.missing}", Tone.DIM)), width, 4)
    return [*lines, *_table(report.differences[:3], width)]


def _head(view: ReportView, width: int) -> list[Line]:
    words, tone = _OUTCOME[view.report.outcome]
    names = (span(view.old, Tone.OLD), " and ", span(view.new, Tone.NEW), " side by side")
    what = span(f"   {view.rollout}", Tone.DIM)
    where = (span(view.service, Tone.STRONG), " in ", span(view.environment, Tone.STRONG), ": ")
    return [*wrap(line(*where, *names, what), width), *wrap(line(span(words, tone)), width)]


def _facts(view: ReportView) -> list[tuple[str, str, Tone]]:
    """Label, text, tone."""
    report = view.report
    ran = f"{day(report.began)} UTC, for {lasting(report.at - report.began)}"
    facts = [
        ("Ran", ran, Tone.DIM),
        ("Compared", f"{count(report.compared)} of {counted(report.copies, 'copy', 'copies')}", Tone.STRONG),
        ("Equal", count(report.equal), Tone.PLAIN),
        ("Different", count(report.different), Tone.BAD if report.different else Tone.PLAIN),
        ("Noise", f"{count(report.noisy)} in which {view.old} differs from itself", Tone.DIM),
        *(("Left out", f"{count(number)}: {why}", Tone.DIM) for why, number in report.left_out.items()),
        ("Allowed", f"{rate(view.most)} of answers may differ beyond noise", Tone.DIM),
    ]
    if report.at_most is not None:
        facts.append(("Shown", f"at most {rate(report.at_most)} do (95 %, at every look)", Tone.PLAIN))
    facts += [("Because", why, Tone.PLAIN) for why in report.why]
    if report.missing:
        facts.append(("Missing", report.missing, Tone.WARN))
    if times := _times(view):
        facts.append(("Times", times, Tone.DIM))
    return facts


def _times(view: ReportView) -> str:
    told = []
    for name, (half, most) in ((view.old, view.report.old_seconds), (view.new, view.report.new_seconds)):
        if half is not None and most is not None:
            told.append(f"{name} p50 {seconds(half)}, p95 {seconds(most)}")
    return "; ".join(told)


def _labelled(label: str, text: str, width: int, tone: Tone) -> list[Line]:
    return wrap(line(span(f"{label:<10}", Tone.DIM), span(text, tone)), width, 10)


def _table(rows: Sequence[Difference], width: int) -> list[Line]:
    heads = [span(cell, Tone.DIM) for cell in _HEADS]
    drawn = [_row(one, width) for one in rows]
    return table([heads, *drawn], width, right=frozenset({3, 4})) if drawn else []


def _row(one: Difference, width: int) -> list[Span]:
    words, tone = _FINDING[one.finding]
    examples = f": {one.examples[0]}" if one.examples and width >= 90 else ""
    return [
        span(words, tone),
        span(one.endpoint, Tone.DIM),
        span(one.place, Tone.STRONG if one.finding is Finding.WRONG else Tone.PLAIN),
        span(count(one.new), Tone.PLAIN),
        span(count(one.noise), Tone.DIM),
        span(f"{one.trait.value}{examples}", Tone.DIM),
    ]


def _foot(view: ReportView, width: int) -> list[Line]:
    lines = [fit(line(span("Digest    ", Tone.DIM), view.digest), width)]
    for label, text, tone in _signature(view):
        lines += _labelled(label, text, width, tone)
    return lines


def _signature(view: ReportView) -> list[tuple[str, str, Tone]]:
    if view.signed_off_by is not None and view.signed_off_at is not None:
        at = f"{day(view.signed_off_at)} UTC"
        return [("Signed off", f" by {view.signed_off_by}, {at}", Tone.GOOD)]
    if view.awaits_sign_off:
        short = view.digest.removeprefix("sha256:")[:12]
        return [("Next", f"`pilotage sign-off {view.rollout} {short}`, or `pilotage abort`", Tone.WARN)]
    return [] if view.final else [("Next", "it is not final: copies are still being compared", Tone.DIM)]


_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
body{color:#1c2733}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d5dde5}
td.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.9em;word-break:break-all}
.good{color:#17693b}.bad{color:#a3201d}.warn{color:#8a5a00}.dim{color:#5b6b7a}
@media(prefers-color-scheme:dark){body{background:#12181f;color:#dbe4ec}td,th{border-color:#2c3843}
.good{color:#6fd39a}.bad{color:#ff9a94}.warn{color:#f0c263}.dim{color:#93a4b3}}"""


def page(view: ReportView) -> str:
    """One HTML file that needs nothing else, runs nothing and loads nothing."""
    title = escape(f"{view.service} in {view.environment}: {view.old} and {view.new} side by side")
    words, tone = _OUTCOME[view.report.outcome]
    facts = "".join(_fact(label, text, tone) for label, text, tone in [*_facts(view), *_signature(view)])
    heads = "".join(f"<th>{head}</th>" for head in (*_HEADS, "examples"))
    rows = "".join(map(_cells, view.report.differences))
    more = f"<p>and {counted(view.report.more, 'more place')}</p>" if view.report.more else ""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{_STYLE}</style></head>'
        f'<body><h1>{title}</h1><p class="{tone.value}"><strong>{escape(words)}</strong></p>'
        f"<table>{facts}{_fact('Rollout', view.rollout, Tone.DIM)}"
        f"<tr><th>Digest</th><td><code>{escape(view.digest)}</code></td></tr></table>"
        f"<h2>Places</h2><table><tr>{heads}</tr>{rows}</table>{more}</body></html>\n"
    )


def _fact(label: str, text: str, tone: Tone) -> str:
    return f'<tr><th>{escape(label)}</th><td class="{tone.value}">{escape(text)}</td></tr>'


def _cells(one: Difference) -> str:
    words, tone = _FINDING[one.finding]
    texts = (one.endpoint, one.place)
    named = "".join(f"<td><code>{escape(text)}</code></td>" for text in texts)
    counts = f'<td class="n">{count(one.new)}</td><td class="n">{count(one.noise)}</td>'
    told = f"<td>{escape(one.trait.value)}</td><td>{escape('; '.join(one.examples))}</td>"
    return f'<tr><td class="{tone.value}">{escape(words)}</td>{named}{counts}{told}</tr>'
