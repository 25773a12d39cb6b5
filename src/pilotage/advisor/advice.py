"""The methods in order for what is known, with what decided, what would change it, and what threatens."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pilotage.advisor.changes import MOST_CHANGES, Changes, lifted, smallest_changes
from pilotage.advisor.facts import Known
from pilotage.advisor.table import Pitfall, Rule, Table, Way, holds
from pilotage.advisor.tally import count
from pilotage.core.values import Frozen


class Reason(Frozen):
    """A rule that speaks for or against a method, and the facts that made it speak."""

    facts: tuple[Known, ...]
    because: str
    points: int
    refuses: bool = False


class Rank(Frozen):
    method: str
    way: Way
    points: int
    runs: bool
    """Whether this version of Pilotage runs it."""
    reasons: tuple[Reason, ...]
    """What decided, the heaviest first; refusals before all."""
    first_if: Changes | None
    """The smallest change that would put it first; empty: it is. None: no small one would."""
    made_possible: Changes | None
    """As ``first_if``, of facts only that a team can make better before the release."""
    allowed_if: Changes | None
    """What would end its refusal; empty: it is not refused."""

    @property
    def refused(self) -> bool:
        return any(reason.refuses for reason in self.reasons)


class Danger(Frozen):
    """A pitfall that is there, and the facts that it is there for."""

    code: str
    what: str
    mend: str
    methods: tuple[str, ...]
    facts: tuple[Known, ...]


class Advice(Frozen):
    facts: tuple[Known, ...]
    ranks: tuple[Rank, ...]
    changed_by: Changes | None
    """The smallest change that would put another method first …"""
    changed_to: str | None
    """… and which. None: no small change would, or every method is refused."""
    dangers: tuple[Danger, ...]

    @property
    def first(self) -> Rank | None:
        """None when every method is refused."""
        return None if self.ranks[0].refused else self.ranks[0]

    def rank(self, method: str) -> Rank:
        """KeyError when the table has no such method."""
        for rank in self.ranks:
            if rank.method == method:
                return rank
        raise KeyError(method)


def advise(
    table: Table, facts: Mapping[str, Known], runs: Collection[str], *, most: int = MOST_CHANGES
) -> Advice:
    """``facts`` as ``settle`` gives them; ``runs`` are the methods of this version of Pilotage.

    ``most`` facts at a time are changed to see what would put another method first.
    """
    choices = {name: known.choice for name, known in facts.items()}
    tally = count(table, choices)
    names = list(table.methods)
    any_change = smallest_changes(table, choices, most=most)
    by_team = smallest_changes(table, choices, by_team=True, most=most)
    first = None if tally.first is None else names[tally.first]
    ranks = tuple(
        Rank(
            method=names[place],
            way=table.methods[names[place]],
            points=tally.points[place],
            runs=names[place] in runs,
            reasons=_reasons(table, names[place], facts, choices),
            first_if=() if names[place] == first else any_change.get(names[place]),
            made_possible=() if names[place] == first else by_team.get(names[place]),
            allowed_if=lifted(table, choices, names[place]),
        )
        for place in tally.order
    )
    nearest = None if first is None else _nearest(any_change)
    return Advice(
        facts=tuple(facts.values()),
        ranks=ranks,
        changed_by=None if nearest is None else any_change[nearest],
        changed_to=nearest,
        dangers=tuple(_dangers(table, facts, choices)),
    )


def _nearest(changes: Mapping[str, Changes]) -> str | None:
    return min(changes, key=lambda name: len(changes[name]), default=None)


def _reasons(
    table: Table, method: str, facts: Mapping[str, Known], choices: Mapping[str, str]
) -> tuple[Reason, ...]:
    found = [
        _reason(rule, method, facts)
        for rule in table.rules
        if (method in rule.refuses or rule.effects.get(method)) and holds(rule.when, choices)
    ]
    return tuple(sorted(found, key=lambda reason: (not reason.refuses, -abs(reason.points))))


def _reason(rule: Rule, method: str, facts: Mapping[str, Known]) -> Reason:
    return Reason(
        facts=tuple(facts[fact] for fact in rule.when),
        because=rule.because,
        points=rule.effects.get(method, 0),
        refuses=method in rule.refuses,
    )


def _dangers(table: Table, facts: Mapping[str, Known], choices: Mapping[str, str]) -> list[Danger]:
    return [danger for pitfall in table.pitfalls if (danger := _danger(pitfall, facts, choices))]


def _danger(pitfall: Pitfall, facts: Mapping[str, Known], choices: Mapping[str, str]) -> Danger | None:
    there = {fact: facts[fact] for when in pitfall.when if holds(when, choices) for fact in when}
    if not there:
        return None
    return Danger(
        code=pitfall.code,
        what=pitfall.what,
        mend=pitfall.mend,
        methods=pitfall.methods,
        facts=tuple(there.values()),
    )
