"""A rehearsal as one HTML page: its picture and its tables; nothing to load, no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pilotage.views.chart.paper import safe
from pilotage.views.figures import count, lasting, percent, rate
from pilotage.views.rehearsal import words
from pilotage.views.rehearsal.model import RehearsalView
from pilotage.views.rehearsal.picture import svg

STYLE = """
:root { color-scheme: light dark; --ink: #14181d; --quiet: #566270; --line: #d5dbe1; --paper: #ffffff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ed; --quiet: #a3adb8; --line: #333b45; --paper: #14181d }
}
body { font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: var(--ink);
  background: var(--paper); margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
p { margin: .4rem 0 } .quiet { color: var(--quiet) } .bad { color: #b3261e } .wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th { text-align: left; font-weight: 600; color: var(--quiet) }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .6rem .25rem 0; vertical-align: top }
.number { text-align: right } svg { width: 100%; height: auto }
@media (prefers-color-scheme: dark) { .bad { color: #ff9d8a } }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""What the page itself forbids a browser to load."""


def page(view: RehearsalView) -> str:
    head = f"{view.service} to {view.environment}: {view.old or 'nothing'} → {view.new}, rehearsed"
    body = [
        f"<h1>{safe(head)}</h1>",
        _quiet(f"{view.method}, as if begun {view.begin:%A %Y-%m-%d %H:%M} UTC"),
        f"<p><strong>{safe(words.ended(view)).capitalize()}.</strong> {safe(words.reached(view))}.</p>",
        *(f"<p class='bad'>{safe(reason)}</p>" for reason in view.why),
        svg(view),
        *_facts(view),
        *_steps(view),
        *_moments(view),
        *_cases(view),
        *_sees(view),
        "<h2>How far to trust it</h2>",
        _quiet(words.looking(view)),
        _quiet(words.LIMITS),
        _quiet(f"Plan {view.digest}, seed {view.seed}."),
    ]
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{safe(head)}</title><style>{STYLE}</style></head><body>",
            *body,
            "</body></html>\n",
        ]
    )


def _quiet(text: str) -> str:
    return f'<p class="quiet">{safe(text)}</p>'


def _facts(view: RehearsalView) -> list[str]:
    facts = [("Assumed", words.assumed(view))]
    facts += [("Trouble", ", ".join(view.faults))] if view.faults else []
    facts += [("If it is fine", words.fine(view)), ("Spare capacity", words.spare(view))]
    for one in view.people:
        until = f", answered {lasting(one.until - one.since)} later" if one.until is not None else ""
        facts.append(("People", f"step {one.number} waits for a person after {lasting(one.since)}{until}"))
    return ["<h2>In short</h2>", *_table((), facts)]


def _steps(view: RehearsalView) -> list[str]:
    head = (
        "",
        "step",
        "begins",
        "lasts",
        f"sees {view.new}",
        "requests",
        "failed",
        "users so far",
        "instances",
    )
    rows = [
        (
            f"{'back ' if one.back else ''}{one.number}",
            one.title,
            lasting(one.began),
            lasting(one.lasted),
            percent(one.share) if one.share else "",
            count(one.requests) if one.requests else "",
            count(one.failed) if one.requests else "",
            count(one.users) if one.requests else "",
            str(one.instances or ""),
        )
        for one in view.steps
    ]
    return ["<h2>Step by step</h2>", *_table(head, rows, numbers=frozenset({2, 3, 4, 5, 6, 7, 8}))]


def _moments(view: RehearsalView) -> list[str]:
    if not view.moments:
        return []
    rows = [(lasting(one.at), one.what) for one in view.moments]
    return ["<h2>What happens</h2>", *_table(("after", ""), rows)]


def _cases(view: RehearsalView) -> list[str]:
    if not view.cases:
        return []
    head = ("if the new version has", "taken back", "after", "requests it fails", "users who saw it")
    rows = [
        (
            one.name,
            words.odds(one.caught),
            words.spans(one.after) if one.after else "never",
            words.counts(one.failed_because_of_it),
            words.counts(one.users),
        )
        for one in view.cases
    ]
    told = "Middle of the runs (eight in ten lie between); the chance with its 95 % interval."
    return ["<h2>If it is worse</h2>", *_table(head, rows), _quiet(told)]


def _sees(view: RehearsalView) -> list[str]:
    sees = view.sees
    if sees is None:
        return []
    head = ("step", "share", "a good one may go on after", "found on the mean path")
    rows = [
        (
            str(one.step),
            percent(one.share),
            lasting(one.goes_on_after) if one.goes_on_after is not None else "never",
            "; ".join(
                f"{sight.regression}: {sight.ending}{f' after {lasting(sight.after)}' if sight.after else ''}"
                for sight in one.sights
            ),
        )
        for one in sees.outlooks
    ]
    known = f"At {sees.requests_per_second:.3g} requests/s and {rate(sees.errors)} errors ({sees.source})."
    troubles = [f"<p class='bad'>{safe(f'{one.what}. {_mend(one.mends)}')}</p>" for one in sees.troubles]
    return ["<h2>What the judge can see</h2>", _quiet(known), *_table(head, rows), *troubles]


def _mend(mends: Iterable[str]) -> str:
    told = ", or ".join(mends)
    return f"It would do with {told}." if told else ""


def _table(
    head: Sequence[str], rows: Iterable[Sequence[str]], numbers: frozenset[int] = frozenset()
) -> list[str]:
    def cells(kind: str, row: Sequence[str]) -> str:
        shown = (
            f"<{kind}{' class=number' if place in numbers else ''}>{safe(cell)}</{kind}>"
            for place, cell in enumerate(row)
        )
        return f"<tr>{''.join(shown)}</tr>"

    first = [f"<thead>{cells('th', head)}</thead>"] if head else []
    body = "".join(cells("td", row) for row in rows)
    return ['<div class="wide"><table>', *first, f"<tbody>{body}</tbody></table></div>"]
