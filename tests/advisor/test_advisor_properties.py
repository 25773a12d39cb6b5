"""What holds for all facts: nothing crashes, nothing unsafe is first, what would change it does change it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pilotage.advisor import Advice, advise, settle
from pilotage.advisor.changes import smallest_changes
from pilotage.advisor.facts import Answer
from pilotage.advisor.tally import count
from pilotage.manifest.advice_files import facts_text, load_facts_text, shipped_table

TABLE = shipped_table()
answers = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(st.sampled_from(list(fact.choices)), *[st.integers(0, 10**12)] * bool(fact.counted))
        for name, fact in TABLE.facts.items()
    },
)
choices = st.fixed_dictionaries(
    {name: st.sampled_from(list(fact.choices)) for name, fact in TABLE.facts.items()}
)
LEVELS = list(TABLE.facts["telemetry"].choices)


def advice_of(given_answers: dict[str, str | int], most: int = 1) -> Advice:
    said = {name: Answer(value, "said") for name, value in given_answers.items()}
    return advise(TABLE, settle(TABLE, said), (), most=most)


def first(of: dict[str, str]) -> str | None:
    place = count(TABLE, of).first
    return None if place is None else list(TABLE.methods)[place]


@given(answers)
def test_any_facts_give_every_method_a_rank(some: dict[str, str | int]) -> None:
    advice = advice_of(some)
    assert {rank.method for rank in advice.ranks} == set(TABLE.methods)
    assert {fact.fact for fact in advice.facts if not fact.assumed} == set(some)
    refused = [rank.refused for rank in advice.ranks]
    assert refused == sorted(refused)
    points = [rank.points for rank in advice.ranks if not rank.refused]
    assert points == sorted(points, reverse=True)


@given(answers)
def test_points_are_what_the_reasons_say(some: dict[str, str | int]) -> None:
    for rank in advice_of(some, most=0).ranks:
        assert rank.points == rank.way.points + sum(reason.points for reason in rank.reasons)


@given(answers)
def test_what_is_not_known_is_taken_as_if_the_cautious_side_were_said(some: dict[str, str | int]) -> None:
    said = {name: fact.cautious for name, fact in TABLE.facts.items()} | some
    without, with_all = advice_of(some), advice_of(said)
    assert [(one.method, one.points) for one in without.ranks] == [
        (one.method, one.points) for one in with_all.ranks
    ]


@given(choices)
def test_an_unsafe_big_bang_is_never_first(some: dict[str, str]) -> None:
    unsafe = some["rollback"] != "rehearsed" or some["recovery"] == "none"
    big_bang = advice_of(dict(some)).rank("big-bang")
    assert big_bang.refused == unsafe
    if unsafe:
        assert first(some) != "big-bang"


@given(choices)
def test_more_telemetry_never_lowers_canary(some: dict[str, str]) -> None:
    places = []
    for level in LEVELS:
        order = count(TABLE, {**some, "telemetry": level}).order
        places.append(order.index(list(TABLE.methods).index("canary")))
    assert places == sorted(places, reverse=True)


@settings(deadline=None, max_examples=40)
@given(choices)
def test_what_would_change_it_changes_it(some: dict[str, str]) -> None:
    for by_team in (False, True):
        for method, changes in smallest_changes(TABLE, some, by_team=by_team, most=2).items():
            assert first(some) != method
            assert all(some[one.fact] == one.before for one in changes)
            assert first(some | {one.fact: one.after for one in changes}) == method
            for one in changes if by_team else ():
                names = list(TABLE.facts[one.fact].choices)
                assert TABLE.facts[one.fact].by_team
                assert names.index(one.after) > names.index(one.before)


@settings(deadline=None, max_examples=40)
@given(choices)
def test_a_smaller_change_would_not_do(some: dict[str, str]) -> None:
    single = {
        first({**some, name: choice}) for name, fact in TABLE.facts.items() for choice in fact.choices
    } - {first(some), None}
    found = smallest_changes(TABLE, some, most=2)
    assert {method for method, changes in found.items() if len(changes) == 1} == single


@given(choices)
def test_what_would_end_a_refusal_ends_it(some: dict[str, str]) -> None:
    for rank in advice_of(dict(some), most=0).ranks:
        if rank.allowed_if is None:
            continue
        after = some | {one.fact: one.after for one in rank.allowed_if}
        assert not advice_of(dict(after), most=0).rank(rank.method).refused
        assert bool(rank.allowed_if) == rank.refused


@given(answers)
def test_kept_answers_are_read_again(some: dict[str, str | int]) -> None:
    assert load_facts_text(facts_text(TABLE, some), "facts.yaml", TABLE) == some
