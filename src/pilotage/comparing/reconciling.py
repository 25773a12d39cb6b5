"""The report of a parallel run, made of the counts at any time; the same counts give the same report."""

from __future__ import annotations

from datetime import datetime
from math import log
from typing import assert_never

from pilotage.comparing.evidence import Pairs, fewer_than, more_than, still_needed, upper_bound
from pilotage.comparing.ledger import PLACES, Ledger, Site, Tally
from pilotage.core.comparing import Difference, Finding, Reconciliation, Trait
from pilotage.core.judging import Outcome

FALSE_ALARM = 0.01
"""The chance, over a whole parallel run, to call any difference wrong (or real) that is noise."""
FALSE_PASS = 0.05
"""The chance, over a whole parallel run, to let pass what differs in more answers than is allowed."""
SHOWN = 50
"""Places in the report."""
_THRESHOLD = log((PLACES + 1) / FALSE_ALARM)
"""Nats, for each place: all of them together err with FALSE_ALARM (union bound)."""


def reconcile(ledger: Ledger, most: float, began: datetime, now: datetime) -> Reconciliation:
    """``most`` (0 … 1) is the largest part of answers that may differ beyond noise."""
    counts = ledger.counts
    rows = sorted(
        (_row(ledger, site, tally, most) for site, tally in counts.tallies.items() if tally.new or tally.noise),
        key=_telling,
    )
    wrong = [row for row in rows if row.finding is Finding.WRONG]
    passed = not wrong and fewer_than(counts.quiet, most) >= log(1.0 / FALSE_PASS)
    outcome = Outcome.FAIL if wrong else Outcome.PASS if passed else Outcome.UNDECIDED
    return Reconciliation(
        began=began,
        at=now,
        copies=counts.copies,
        compared=counts.compared,
        equal=counts.compared - counts.different,
        different=counts.different,
        noisy=counts.noisy,
        left_out=dict(sorted(counts.left_out.items())),
        outcome=outcome,
        why=_why(outcome, wrong, counts.quiet, most),
        missing=_missing(counts.quiet, most) if outcome is Outcome.UNDECIDED else "",
        at_most=upper_bound(counts.quiet, FALSE_PASS),
        differences=tuple(rows[:SHOWN]),
        more=len(rows[SHOWN:]),
        old_seconds=(counts.old.within(0.5), counts.old.within(0.95)),
        new_seconds=(counts.new.within(0.5), counts.new.within(0.95)),
    )


def _row(ledger: Ledger, site: Site, tally: Tally, most: float) -> Difference:
    limit = ledger.settings.slower.most if site.trait is Trait.SLOWER else most
    pairs = tally.pairs(ledger.counts.compared_at(site))
    against = more_than(pairs, limit)
    return Difference(
        endpoint=site.endpoint,
        place=site.place,
        trait=site.trait,
        new=tally.new,
        noise=tally.noise,
        finding=_finding(pairs, tally, against),
        against=round(min(1.0, max(0.0, against / _THRESHOLD)), 4),
        examples=tuple(tally.examples),
    )


def _finding(pairs: Pairs, tally: Tally, against: float) -> Finding:
    if against >= _THRESHOLD:
        return Finding.WRONG
    if more_than(pairs, 0.0) >= _THRESHOLD:
        return Finding.REAL
    return Finding.NOISE if tally.noise else Finding.UNCLEAR


_ORDER = (Finding.WRONG, Finding.REAL, Finding.UNCLEAR, Finding.NOISE)


def _telling(row: Difference) -> tuple[int, int, str, str, str]:
    return _ORDER.index(row.finding), -row.new, row.endpoint, row.place, row.trait.value


def _why(outcome: Outcome, wrong: list[Difference], quiet: Pairs, most: float) -> tuple[str, ...]:
    match outcome:
        case Outcome.FAIL:
            return tuple(sentence(row) for row in wrong[:5])
        case Outcome.PASS:
            return (
                f"less than {percent(most)} of the answers differ beyond noise: shown by {quiet.of} answers",
            )
        case Outcome.UNDECIDED:
            return ()
        case _:
            assert_never(outcome)


def percent(part: float) -> str:
    """``0.001`` → ``0.1 %``."""
    return f"{100 * part:.4f}".rstrip("0").rstrip(".") + " %"


def sentence(row: Difference) -> str:
    """``GET /orders/*: $.total is another type in 40 answers (the old version by itself: 0)``."""
    counted = f"in {row.new} answers (the old version by itself: {row.noise})"
    match row.trait:
        case Trait.UNANSWERED:
            said = "no answer"
        case Trait.STATUS:
            said = "another status"
        case Trait.MISSING:
            said = f"{row.place} is missing"
        case Trait.EXTRA:
            said = f"{row.place} is new"
        case Trait.TYPE:
            said = f"{row.place} has another type"
        case Trait.VALUE:
            said = f"{row.place} differs"
        case Trait.LENGTH:
            said = f"{row.place} has another length"
        case Trait.SLOWER:
            said = "slower"
        case _:
            assert_never(row.trait)
    return f"{row.endpoint}: {said} {counted}"


def _missing(quiet: Pairs, most: float) -> str:
    needed = still_needed(quiet, most, FALSE_PASS)
    return f"about {max(needed, 1):,} more compared requests without a difference".replace(",", " ")
