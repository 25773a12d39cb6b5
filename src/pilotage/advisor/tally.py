"""Points and refusals of every method, counted by the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pilotage.advisor.table import Rule, Table, holds

REFUSAL = 100_000
"""A refusal weighs more than all points together: what is refused stands below all that is not."""


@dataclass(frozen=True)
class Tally:
    """``points`` and ``refusals`` stand in the order of the table's methods."""

    points: tuple[int, ...]
    refusals: tuple[int, ...]

    @property
    def standing(self) -> list[int]:
        """Points less refusals: the highest is the best, equals stand as the table has them."""
        return [one - REFUSAL * bool(no) for one, no in zip(self.points, self.refusals, strict=True)]

    @property
    def order(self) -> list[int]:
        """Places of the methods, the best first."""
        standing = self.standing
        return sorted(range(len(standing)), key=lambda place: (-standing[place], place))

    @property
    def first(self) -> int | None:
        """The place of the best method; None when every one is refused."""
        best = self.order[0]
        return None if self.refusals[best] else best


def count(table: Table, choices: Mapping[str, str]) -> Tally:
    points = {name: way.points for name, way in table.methods.items()}
    refusals = dict.fromkeys(table.methods, 0)
    for rule in table.rules:
        if holds(rule.when, choices):
            for name, value in rule.effects.items():
                points[name] += value
            for name in rule.refuses:
                refusals[name] += 1
    return Tally(tuple(points.values()), tuple(refusals.values()))


class Shifts:
    """What changes of facts add to the methods, from one set of choices: fast enough to try thousands.

    Rules about one fact add up; those about several are looked at by themselves.
    """

    def __init__(self, table: Table, choices: Mapping[str, str]) -> None:
        self._table = table
        self._choices = choices
        self._joint = [rule for rule in table.rules if len(rule.when) > 1]
        self._joined = {fact for rule in self._joint for fact in rule.when}
        tally = count(table, choices)
        self._start = [one - REFUSAL * no for one, no in zip(tally.points, tally.refusals, strict=True)]

    def of(self, fact: str, choice: str) -> list[int]:
        """What one other choice adds, by the rules about that fact alone."""
        shift = [0] * len(self._start)
        for rule in self._table.rules:
            if list(rule.when) == [fact]:
                was, will = self._choices[fact] in rule.when[fact], choice in rule.when[fact]
                self._add(shift, rule, will - was)
        return shift

    def first(self, change: Mapping[str, str], shifts: list[list[int]]) -> int | None:
        """The place of the method that would be first; None when every one would be refused."""
        standing = [sum(parts) for parts in zip(self._start, *shifts, strict=True)]
        if not self._joined.isdisjoint(change):
            after = {**self._choices, **change}
            for rule in self._joint:
                self._add(standing, rule, holds(rule.when, after) - holds(rule.when, self._choices))
        best = max(standing)
        return None if best < -REFUSAL // 2 else standing.index(best)

    def _add(self, standing: list[int], rule: Rule, sign: int) -> None:
        if not sign:
            return
        for place, name in enumerate(self._table.methods):
            weight = rule.effects.get(name, 0) - REFUSAL * (name in rule.refuses)
            standing[place] += sign * weight
