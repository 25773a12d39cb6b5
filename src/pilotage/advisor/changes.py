"""The smallest change of facts that would put each method first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, product

from pilotage.advisor.table import Fact, Rule, Table, holds
from pilotage.advisor.tally import Shifts, count
from pilotage.core.values import Frozen

MOST_CHANGES = 3
"""A method that needs more facts to be otherwise is for another release."""


class Change(Frozen):
    fact: str
    before: str
    after: str


Changes = tuple[Change, ...]
_Step = tuple[str, str, int, list[int]]
"""Fact, its other choice, how far that is, what it adds."""


def smallest_changes(
    table: Table, choices: Mapping[str, str], *, by_team: bool = False, most: int = MOST_CHANGES
) -> dict[str, Changes]:
    """Method → what would put it first: as few facts as possible, and those as little as possible.

    ``by_team``: only what a team can make better. A method that is first already, or is not by ``most``
    changes, is not in it.
    """
    names, shifts = list(table.methods), Shifts(table, choices)
    first = count(table, choices).first
    wanted = {name for place, name in enumerate(names) if place != first}
    steps = _steps(table, choices, shifts, by_team=by_team)
    found: dict[str, Changes] = {}
    for size in range(1, most + 1):
        nearest: dict[str, int] = {}
        for chosen in _of_size(steps, size):
            change = {fact: choice for fact, choice, _, _ in chosen}
            place = shifts.first(change, [shift for _, _, _, shift in chosen])
            if place is None or names[place] not in wanted:
                continue
            far = sum(distance for _, _, distance, _ in chosen)
            if far < nearest.get(names[place], far + 1):
                nearest[names[place]] = far
                found[names[place]] = tuple(
                    Change(fact=f, before=choices[f], after=c) for f, c in change.items()
                )
        wanted -= found.keys()
        if not wanted:
            break
    return found


def _steps(table: Table, choices: Mapping[str, str], shifts: Shifts, *, by_team: bool) -> list[list[_Step]]:
    """Of each fact that may change: its other choices."""
    used = {fact for rule in table.rules for fact in rule.when}
    steps = []
    for name, fact in table.facts.items():
        if name in used and (fact.by_team or not by_team):
            others = _others(fact, choices[name], better=by_team)
            steps.append([(name, choice, far, shifts.of(name, choice)) for choice, far in others])
    return steps


def _others(fact: Fact, now: str, *, better: bool) -> list[tuple[str, int]]:
    names = list(fact.choices)
    here = names.index(now)
    places = [(choice, place - here) for place, choice in enumerate(names)]
    return [(choice, abs(far)) for choice, far in places if far > 0 or (far < 0 and not better)]


def _of_size(steps: list[list[_Step]], size: int) -> Iterator[tuple[_Step, ...]]:
    """Every change of exactly so many facts."""
    for facts in combinations(steps, size):
        yield from product(*facts)


def lifted(table: Table, choices: Mapping[str, str], method: str) -> Changes | None:
    """The nearest choices with which no rule refuses the method; None when these bring another refusal."""
    after = dict(choices)
    for rule in table.rules:
        if method in rule.refuses and holds(rule.when, after):
            fact, choice = _nearest_outside(table, rule, after)
            after[fact] = choice
    if any(method in rule.refuses and holds(rule.when, after) for rule in table.rules):
        return None
    return tuple(
        Change(fact=fact, before=choices[fact], after=choice)
        for fact, choice in after.items()
        if choice != choices[fact]
    )


def _nearest_outside(table: Table, rule: Rule, choices: Mapping[str, str]) -> tuple[str, str]:
    """The first fact of the rule that has a choice the rule does not name."""
    for fact, wanted in rule.when.items():
        others = _others(table.facts[fact], choices[fact], better=False)
        outside = [(far, choice) for choice, far in others if choice not in wanted]
        if outside:
            return fact, min(outside)[1]
    return next((fact, choices[fact]) for fact in rule.when)
