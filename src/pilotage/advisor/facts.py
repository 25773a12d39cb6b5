"""What is known of a release, fact by fact; where nothing is, the cautious side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pilotage.advisor.table import Table
from pilotage.core.values import Frozen


class Answer(NamedTuple):
    """A choice, or a number where numbers count; and who says so."""

    value: str | int
    source: str


class Known(Frozen):
    """One fact as it is taken. ``source`` is empty when it is only assumed."""

    fact: str
    choice: str
    value: str | int
    source: str = ""

    @property
    def assumed(self) -> bool:
        return not self.source


def settle(table: Table, answers: Mapping[str, Answer]) -> dict[str, Known]:
    """Every fact of the table. KeyError for an answer that is no choice of its fact."""
    settled: dict[str, Known] = {}
    for name, fact in table.facts.items():
        answer = answers.get(name)
        if answer is None:
            settled[name] = Known(fact=name, choice=fact.cautious, value=fact.cautious)
        else:
            choice = fact.choice(answer.value)
            settled[name] = Known(fact=name, choice=choice, value=answer.value, source=answer.source)
    return settled
