"""The table that is shipped, and what is refused in another."""

from __future__ import annotations

import pytest

from pilotage.advisor import advise, settle
from pilotage.advisor.facts import Answer
from pilotage.manifest.advice_files import load_table_text, shipped_table
from pilotage.manifest.model import ManifestError
from pilotage.strategies.registry import METHODS

TABLE = shipped_table()
PITFALLS = {
    "advice.big-bang-unproven": {"rollback": "written"},
    "advice.data-compatibility": {"data_migration": "breaking"},
    "advice.people-unprepared": {"training": "open"},
    "advice.operations-underestimated": {"change_window": "tight"},
    "advice.success-unseen": {"telemetry": "none"},
    "advice.vendors-out-of-step": {"vendors": "out-of-step"},
}

SMALL = """\
facts:
  users:
    asks: How many?
    help: All of them.
    choices: {few: not many, many: a lot}
    counted: {few: 0, many: 100}
    cautious: many
methods:
  canary: {means: m, points: 1, time: t, capacity: c, people: p}
rules:
  - when: {users: few}
    because: there are few
    effects: {canary: +1}
pitfalls:
  - code: advice.alone
    what: w
    mend: m
    when: [{users: few}]
"""


def best() -> dict[str, str]:
    """Every fact on the side that no rule of the pitfalls is about."""
    bad = {fact: words for one in TABLE.pitfalls for when in one.when for fact, words in when.items()}
    return {
        name: next(choice for choice in reversed(fact.choices) if choice not in bad.get(name, ()))
        for name, fact in TABLE.facts.items()
    }


def codes(choices: dict[str, str]) -> set[str]:
    said = {name: Answer(value, "said") for name, value in choices.items()}
    return {danger.code for danger in advise(TABLE, settle(TABLE, said), (), most=0).dangers}


def test_every_method_that_runs_can_be_advised() -> None:
    assert METHODS.keys() <= TABLE.methods.keys()


def test_the_nine_methods() -> None:
    assert set(TABLE.methods) == {
        "canary", "blue-green", "rolling", "big-bang", "pilot", "phased", "parallel-run", "feature-flag",
        "ab",
    }  # fmt: skip


def test_every_fact_is_asked_for_a_reason() -> None:
    used = {fact for rule in TABLE.rules for fact in rule.when}
    used |= {fact for one in TABLE.pitfalls for when in one.when for fact in when}
    assert used == set(TABLE.facts)


def test_the_six_pitfalls() -> None:
    assert {one.code for one in TABLE.pitfalls} == set(PITFALLS)
    assert codes(best()) == set()


@pytest.mark.parametrize("code", PITFALLS)
def test_each_pitfall_is_warned_of_by_itself(code: str) -> None:
    assert codes({**best(), **PITFALLS[code]}) == {code}


def test_a_small_table_is_sound() -> None:
    assert load_table_text(SMALL, "small.yaml").facts["users"].choice(99) == "few"


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("cautious: many", "cautious: lots", 7, "`lots` is not a choice of users"),
        ("when: {users: few}\n    because", "when: {user: few}\n    because", 11, "`user` is not a fact"),
        (
            "when: {users: few}\n    because",
            "when: {users: [few, lot]}\n    because",
            11,
            "`lot` is not a choice",
        ),
        ("effects: {canary: +1}", "effects: {canari: +1}", 13, "`canari` is not a method"),
        ("effects: {canary: +1}", "effects: {canary: +10}", 13, "too large: it must be at most 9"),
        ("effects: {canary: +1}", "efects: {canary: +1}", 13, "`efects` is not a key here"),
        ("effects: {canary: +1}", "effects: {canary: 0}", 11, "a rule without effects does nothing"),
        ("many: 100}", "many: 0}", 6, "the numbers of `counted` begin at 0 and grow"),
        ("many: 100}", "lots: 100}", 6, "`lots` is not a choice of users"),
        ("counted: {few: 0, many: 100}", "counted: {many: 100}", 6, "begin at 0"),
        ("advice.alone", "alone", 15, "`alone`"),
        ("users: few}]", "users: fewer}]", 18, "`fewer` is not a choice of users"),
        ("means: m, ", "", 9, "`means` is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, line: int, what: str) -> None:
    assert old in SMALL
    with pytest.raises(ManifestError) as caught:
        load_table_text(SMALL.replace(old, new, 1), "small.yaml")
    (problem,) = caught.value.problems
    assert problem.where is not None
    assert (problem.where.line, what in problem.what) == (line, True), problem


def test_a_code_is_given_once() -> None:
    twice = SMALL + SMALL.partition("pitfalls:\n")[2]
    with pytest.raises(ManifestError, match=r"`advice\.alone` is given twice"):
        load_table_text(twice, "small.yaml")
