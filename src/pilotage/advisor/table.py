"""The table of the adviser as it is written: facts, methods, rules, pitfalls; and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from pilotage.core.values import Frozen

MOST_POINTS = 9


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[tuple[str, ...], BeforeValidator(_list), Field(min_length=1)]
Condition = Annotated[dict[str, Words], Field(min_length=1)]
"""Fact → the choices that it may have; all of its facts must fit."""
Points = Annotated[int, Field(ge=-MOST_POINTS, le=MOST_POINTS, strict=True)]
Location = tuple[str | int, ...]


class Fact(Frozen):
    """Something that is so or so of a release. ``choices`` are in order: neighbours are near each other."""

    asks: Text
    help: Text
    choices: dict[str, Text] = Field(min_length=2)
    counted: dict[str, Annotated[int, Field(ge=0, strict=True)]] = Field(default_factory=dict)
    """Choice → the number that it begins at; empty: numbers are no answer."""
    cautious: str
    """What is assumed when nobody knows."""
    by_team: bool = False
    """A team can make it better before the release; then the choices stand from worst to best."""

    def choice(self, answer: str | int) -> str:
        """The choice that an answer means; KeyError when it is none."""
        if isinstance(answer, str):
            if answer in self.choices:
                return answer
            raise KeyError(answer)
        fitting = [name for name, least in self.counted.items() if answer >= least]
        if not fitting:
            raise KeyError(answer)
        return fitting[-1]


class Way(Frozen):
    """A method as the adviser sees it: what it is, what it costs, the points it begins with."""

    means: Text
    points: Points
    time: Text
    capacity: Text
    people: Text


class Rule(Frozen):
    """When all of ``when`` is so, methods gain or lose points or are refused."""

    when: Condition
    because: Text
    effects: dict[str, Points] = Field(default_factory=dict)
    refuses: Words | tuple[()] = ()


class Pitfall(Frozen):
    """A warning. It holds when any of ``when`` is so; ``methods``: whom it is about, empty: all."""

    code: Annotated[str, Field(pattern=r"advice\.[a-z]+(?:-[a-z]+)*")]
    what: Text
    mend: Text
    methods: Words | tuple[()] = ()
    when: tuple[Condition, ...] = Field(min_length=1)


class Table(Frozen):
    """All that the adviser knows."""

    facts: dict[str, Fact] = Field(min_length=1)
    methods: dict[str, Way] = Field(min_length=1)
    rules: tuple[Rule, ...]
    pitfalls: tuple[Pitfall, ...]


def holds(when: Mapping[str, tuple[str, ...]], choices: Mapping[str, str]) -> bool:
    return all(choices[fact] in wanted for fact, wanted in when.items())


def faults(table: Table) -> Iterator[tuple[Location, str]]:
    """Words that lead nowhere, and rules that do nothing: where, and what is wrong."""
    for name, fact in table.facts.items():
        yield from _fact_faults(name, fact)
    for number, rule in enumerate(table.rules):
        at: Location = ("rules", number)
        yield from _condition_faults(table, rule.when, (*at, "when"))
        yield from _method_faults(table, rule.effects, (*at, "effects"))
        yield from _method_faults(table, rule.refuses, (*at, "refuses"))
        if not any(rule.effects.values()) and not rule.refuses:
            yield at, "a rule without effects does nothing"
    codes: set[str] = set()
    for number, pitfall in enumerate(table.pitfalls):
        if pitfall.code in codes:
            yield ("pitfalls", number, "code"), f"`{pitfall.code}` is given twice"
        codes.add(pitfall.code)
        yield from _method_faults(table, pitfall.methods, ("pitfalls", number, "methods"))
        for place, when in enumerate(pitfall.when):
            yield from _condition_faults(table, when, ("pitfalls", number, "when", place))


def _fact_faults(name: str, fact: Fact) -> Iterator[tuple[Location, str]]:
    at: Location = ("facts", name)
    if fact.cautious not in fact.choices:
        yield (*at, "cautious"), f"`{fact.cautious}` is not a choice of {name}"
    if not fact.counted:
        return
    for choice in fact.counted.keys() - fact.choices.keys():
        yield (*at, "counted", choice), f"`{choice}` is not a choice of {name}"
    numbers = list(fact.counted.values())
    if numbers[0] != 0 or numbers != sorted(set(numbers)):
        yield (*at, "counted"), "the numbers of `counted` begin at 0 and grow"


def _condition_faults(
    table: Table, when: Mapping[str, tuple[str, ...]], at: Location
) -> Iterator[tuple[Location, str]]:
    for fact, wanted in when.items():
        if fact not in table.facts:
            yield (*at, fact), f"`{fact}` is not a fact"
            continue
        for choice in wanted:
            if choice not in table.facts[fact].choices:
                yield (*at, fact), f"`{choice}` is not a choice of {fact}"


def _method_faults(table: Table, methods: Any, at: Location) -> Iterator[tuple[Location, str]]:
    for method in methods:
        if method not in table.methods:
            yield at, f"`{method}` is not a method"
