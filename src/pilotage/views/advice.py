"""What the adviser says: every method in order, why, at what cost, and what would change it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pilotage.advisor.advice import Advice, Danger, Rank, Reason
from pilotage.advisor.changes import MOST_CHANGES, Changes
from pilotage.advisor.facts import Known
from pilotage.core.values import Frozen
from pilotage.views.ink import EMPTY, Line, Span, Tone, line, span, wrap

NOT_KNOWN = "not known: assumed the cautious side"
NOT_YET = "not run by this version yet"
SHOWN = 3
"""Of the reasons for a method, and of those against it, so many are drawn; the data has all."""
_LABEL = 10
_INDENT = 4


class FactView(Frozen):
    fact: str
    choice: str
    value: str | int
    source: str
    """Who says so; empty: nobody, the cautious side is assumed."""


class ReasonView(Frozen):
    because: str
    facts: tuple[FactView, ...]
    points: int
    refuses: bool


class ChangeView(Frozen):
    fact: str
    before: str
    after: str
    known: bool
    """Whether ``before`` was said or found, and not only assumed."""


class CostView(Frozen):
    time: str
    capacity: str
    people: str


class RankView(Frozen):
    place: int
    method: str
    means: str
    points: int
    begins_with: int
    """Of the points, what the method has before any fact."""
    refused: bool
    runs: bool
    """Whether this version of Pilotage runs it."""
    reasons: tuple[ReasonView, ...]
    first_if: tuple[ChangeView, ...] | None
    """Empty: it is first. None: no small change would put it first."""
    made_possible: tuple[ChangeView, ...] | None
    """The same, by what a team can make better."""
    allowed_if: tuple[ChangeView, ...] | None
    """What would end its refusal; empty: it is not refused."""
    costs: CostView


class DangerView(Frozen):
    code: str
    what: str
    mend: str
    methods: tuple[str, ...]
    facts: tuple[FactView, ...]


class AdviceView(Frozen):
    subject: str
    first: str | None
    """None: every method is refused."""
    ranks: tuple[RankView, ...]
    changed_to: str | None
    """What the smallest change would put first instead …"""
    changed_by: tuple[ChangeView, ...] | None
    """… and that change."""
    dangers: tuple[DangerView, ...]
    facts: tuple[FactView, ...]


def view_of(advice: Advice, subject: str = "this release") -> AdviceView:
    known = {fact.fact: not fact.assumed for fact in advice.facts}
    return AdviceView(
        subject=subject,
        first=advice.first.method if advice.first else None,
        ranks=tuple(_rank(place, rank, known) for place, rank in enumerate(advice.ranks, start=1)),
        changed_to=advice.changed_to,
        changed_by=_changes(advice.changed_by, known),
        dangers=tuple(_danger(one) for one in advice.dangers),
        facts=_facts(advice.facts),
    )


def _rank(place: int, rank: Rank, known: dict[str, bool]) -> RankView:
    way = rank.way
    return RankView(
        place=place,
        method=rank.method,
        means=way.means,
        points=rank.points,
        begins_with=way.points,
        refused=rank.refused,
        runs=rank.runs,
        reasons=tuple(_reason(one) for one in rank.reasons),
        first_if=_changes(rank.first_if, known),
        made_possible=_changes(rank.made_possible, known),
        allowed_if=_changes(rank.allowed_if, known),
        costs=CostView(time=way.time, capacity=way.capacity, people=way.people),
    )


def _reason(one: Reason) -> ReasonView:
    return ReasonView(because=one.because, facts=_facts(one.facts), points=one.points, refuses=one.refuses)


def _danger(one: Danger) -> DangerView:
    return DangerView(code=one.code, what=one.what, mend=one.mend, methods=one.methods, facts=_facts(one.facts))


def _facts(facts: Iterable[Known]) -> tuple[FactView, ...]:
    return tuple(
        FactView(fact=one.fact, choice=one.choice, value=one.value, source=one.source) for one in facts
    )


def _changes(changes: Changes | None, known: dict[str, bool]) -> tuple[ChangeView, ...] | None:
    if changes is None:
        return None
    return tuple(
        ChangeView(fact=one.fact, before=one.before, after=one.after, known=known[one.fact]) for one in changes
    )


def draw(view: AdviceView, width: int = 100, *, whole: bool = False) -> list[Line]:
    """``whole``: with every reason."""
    lines = [*wrap(line(span(f"Advice for {view.subject}", Tone.STRONG)), width), EMPTY]
    if view.first is None:
        told = "With these facts no method is safe. What would end each refusal stands below."
        lines += [*wrap(line(span(told, Tone.BAD)), width), EMPTY]
    for rank in view.ranks:
        lines += [*_head(rank, width), *_body(view, rank, width, whole=whole), EMPTY]
    if view.dangers:
        lines += [line(span("Pitfalls", Tone.STRONG))]
        for danger in view.dangers:
            lines += _drawn_danger(danger, width)
        lines += [EMPTY]
    return [*lines, *_sources(view.facts, width)]


def _head(rank: RankView, width: int) -> list[Line]:
    tone = Tone.BAD if rank.refused else Tone.GOOD if rank.place == 1 else Tone.STRONG
    score = "refused" if rank.refused else signed(rank.points)
    yet = () if rank.runs else (span(f"  {NOT_YET}", Tone.WARN),)
    head = wrap(
        line(span(f"{rank.place:>2}  ", Tone.DIM), span(rank.method, tone), f"  {score}", *yet), width, _INDENT
    )
    means = f"{rank.means} (begins with {signed(rank.begins_with)})"
    return [*head, *wrap(line(" " * _INDENT, span(means, Tone.DIM)), width, _INDENT)]


def _body(view: AdviceView, rank: RankView, width: int, *, whole: bool) -> list[Line]:
    lines: list[Line] = []
    refusals = [one for one in rank.reasons if one.refuses]
    good = [one for one in rank.reasons if not one.refuses and one.points > 0]
    bad = [one for one in rank.reasons if not one.refuses and one.points < 0]
    lines += _reasons("refused", Tone.BAD, refusals, len(refusals), width)
    lines += _reasons("for", Tone.GOOD, good, len(good) if whole else SHOWN, width)
    lines += _reasons("against", Tone.WARN, bad, len(bad) if whole else SHOWN, width)
    costs = f"time: {rank.costs.time}; capacity: {rank.costs.capacity}; people: {rank.costs.people}"
    lines += _labelled("costs", Tone.DIM, costs, width)
    if view.first == rank.method:
        return lines + _labelled("changed", Tone.DIM, _changed(view), width)
    return lines + _otherwise(rank, width)


def _reasons(label: str, tone: Tone, reasons: Sequence[ReasonView], most: int, width: int) -> list[Line]:
    lines: list[Line] = []
    for number, one in enumerate(reasons[:most]):
        points = "" if one.refuses else f" {signed(one.points)}"
        told = (f"{one.because} ", span(f"({', '.join(map(_told, one.facts))})", Tone.DIM), points)
        lines += _row(label if not number else "", tone, told, width)
    more = reasons[most:]
    if more:
        told_more = f"and {len(more)} more ({signed(sum(one.points for one in more))})"
        lines += _row("", tone, (span(told_more, Tone.DIM),), width)
    return lines


def _otherwise(rank: RankView, width: int) -> list[Line]:
    """What would put it first; and what would at least allow it."""
    lines: list[Line] = []
    if rank.refused:
        ends = f"if {conditions(rank.allowed_if)}" if rank.allowed_if else "by nothing in the table"
        lines += _labelled("allowed", Tone.DIM, ends, width)
    if rank.first_if is None:
        none = f"no change of {MOST_CHANGES} facts or fewer would put it first"
        return lines + _labelled("first", Tone.DIM, none, width)
    lines += _labelled("first", Tone.DIM, f"if {conditions(rank.first_if)}", width)
    if rank.made_possible and rank.made_possible != rank.first_if:
        lines += _labelled("you can", Tone.DIM, f"put it first: {conditions(rank.made_possible)}", width)
    elif rank.made_possible:
        lines += _labelled("you can", Tone.DIM, "bring that about before the release", width)
    return lines


def _changed(view: AdviceView) -> str:
    if not view.changed_by:
        return f"no change of {MOST_CHANGES} facts or fewer would put another method first"
    return f"{view.changed_to} would be first if {conditions(view.changed_by)}"


def conditions(changes: Iterable[ChangeView]) -> str:
    """``telemetry were by-version (now none) and flags were available (not known)``"""
    return " and ".join(
        f"{one.fact} were {one.after} ({f'now {one.before}' if one.known else 'not known'})" for one in changes
    )


def _told(fact: FactView) -> str:
    said = fact.choice if fact.value == fact.choice else f"{fact.value} = {fact.choice}"
    return f"{fact.fact}: {said}" if fact.source else f"{fact.fact}: {said}*"


def _labelled(label: str, tone: Tone, text: str, width: int) -> list[Line]:
    return _row(label, tone, (text,), width)


def _row(label: str, tone: Tone, parts: tuple[str | Span, ...], width: int) -> list[Line]:
    lead = " " * _INDENT
    return wrap(line(lead, span(f"{label:<{_LABEL}}", tone), *parts), width, _INDENT + _LABEL)


def _drawn_danger(danger: DangerView, width: int) -> list[Line]:
    about = f" ({', '.join(danger.methods)})" if danger.methods else ""
    lines = wrap(
        line(span("  ! ", Tone.WARN), span(danger.code, Tone.DIM), f"  {danger.what}{about}"), width, 4
    )
    lines += wrap(line("    because  ", ", ".join(map(_told, danger.facts))), width, 13)
    return lines + wrap(line("    ", span("mend     ", Tone.GOOD), danger.mend), width, 13)


def _sources(facts: Sequence[FactView], width: int) -> list[Line]:
    """Where the facts come from, a line for each source; what is only assumed last."""
    lines: list[Line] = []
    for source in dict.fromkeys(fact.source for fact in facts if fact.source):
        told = ", ".join(_told(fact) for fact in facts if fact.source == source)
        lines += wrap(line(span(f"{source}: ", Tone.DIM), told), width, 2)
    assumed = [_told(fact) for fact in facts if not fact.source]
    if assumed:
        head = f"{NOT_KNOWN[0].upper()}{NOT_KNOWN[1:]} (marked *): "
        lines += wrap(line(span(head, Tone.WARN), ", ".join(assumed)), width, 2)
    return lines


def rationale(view: AdviceView, method: str) -> str:
    """For the record, in a few lines: who advised it, what spoke for it, what was only assumed."""
    rank = next(one for one in view.ranks if one.method == method)
    place = "first" if view.first == method else f"place {rank.place}"
    told = [f"Advised by `pilotage advise`: {place} of {len(view.ranks)} with {signed(rank.points)}."]
    good = [one for one in rank.reasons if one.points > 0 and not one.refuses]
    told += [f"- {one.because} ({', '.join(map(_told, one.facts))})" for one in good[:SHOWN]]
    assumed = sum(1 for fact in view.facts if not fact.source)
    if assumed:
        told.append(f"{assumed} of {len(view.facts)} facts were {NOT_KNOWN}.")
    return "\n".join(told)


def signed(points: int) -> str:
    """``+3``, ``-3``, ``0``"""
    return f"+{points}" if points > 0 else f"-{-points}" if points else "0"
