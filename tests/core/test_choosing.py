"""Scripts about A/B tests: who wins when, what the horizon brings, and what holds the choice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playbook import FAIL, NEW, OLD, Story, plan
from pydantic import ValidationError

from pilotage.core import events as e
from pilotage.core.choosing import MISMATCHED, mismatch, remaining, standing
from pilotage.core.judging import Kind, Measure, Outcome, Verdict, Worse
from pilotage.core.routing import ByUser
from pilotage.core.state import Status
from pilotage.core.steps import Choose, Expose, Judge
from pilotage.core.values import EVERYBODY
from pilotage.strategies.ab import AB
from pilotage.strategies.pilot import Pilot

SECOND = timedelta(seconds=1)


def ab(**settings) -> AB:
    return AB(**{"decide": "orders", "hold": "10s", "at_most": "60s", "keep_warm": "0s", **settings})


def says(low, high, outcome=Outcome.PASS, *, new=1.0, requests=(5_000, 5_000), missing=()) -> Verdict:
    one = Measure(name="orders", kind=Kind.COUNT, old=0.05, new=0.05 * new, low=low, high=high)
    return Verdict(
        outcome=outcome,
        why=(outcome.value,),
        measures=(one,),
        requests_old=requests[0],
        requests_new=requests[1],
        missing=missing,
    )


NOT_KNOWN = says(0.9, 1.1)


def choosing(verdict: Verdict, **settings) -> Story:
    """Of a measure of which, as nobody has declared it, more is worse."""
    story = Story(plan(ab(**settings)), verdict=verdict)
    while not (isinstance(story.state.step, Judge) and story.state.exposed_at):
        story.step()
    return story


def ended(story: Story) -> tuple[Status, e.Cause | None]:
    story.run()
    return story.state.status, story.state.cause


NEW_STAYS, OLD_STAYS = (Status.SUCCEEDED, None), (Status.ROLLED_BACK, e.Cause.CHOSEN)


def test_users_are_split_once_and_stay_where_they_are_until_all_have_one_version():
    made = plan(ab(share="30%"))
    shown = [step for step in made.steps if isinstance(step, Expose)]
    assert [step.share(NEW.id) for step in shown] == [300_000, EVERYBODY]
    assert {step.key for step in shown} == {ByUser()}
    assert made.judge is not None
    assert not made.judge.traffic


@pytest.mark.parametrize(
    ("wins", "low", "high", "ending"),
    [
        # Fewer is better: new/old of 0.8 is a quarter better.
        ({}, 0.7, 0.9, NEW_STAYS),
        ({}, 1.1, 1.3, OLD_STAYS),
        ({"effect": "5%"}, 0.7, 0.9, NEW_STAYS),
        ({"effect": "50%"}, 0.7, 0.9, OLD_STAYS),
        ({"wins": "not-worse", "effect": "10%"}, 0.95, 1.05, NEW_STAYS),
        ({"wins": "not-worse", "effect": "10%"}, 1.2, 1.5, OLD_STAYS),
    ],
)
def test_the_measure_chooses_as_soon_as_all_of_its_interval_is_on_one_side(wins, low, high, ending):
    story = choosing(says(low, high, new=(low * high) ** 0.5), **wins)
    story.wait(5, tick=1)
    assert isinstance(story.state.step, Judge), "not before the hold"
    assert ended(story) == ending
    (judged,) = [event for event in story.of("judged") if event.verdict.measures][-1:]
    assert judged.verdict.measures[0].low == low


@pytest.mark.parametrize(
    ("no_winner", "outcome", "ending"),
    [
        ("old", Outcome.PASS, OLD_STAYS),
        ("old", Outcome.UNDECIDED, OLD_STAYS),
        ("new", Outcome.PASS, NEW_STAYS),
    ],
)
def test_without_a_winner_the_horizon_chooses_as_planned(no_winner, outcome, ending):
    story = choosing(says(0.9, 1.1, outcome), no_winner=no_winner).wait(50, tick=1)
    assert isinstance(story.state.step, Judge), "not before the horizon"
    assert ended(story) == ending


@pytest.mark.parametrize(("order", "ending"), [(e.Order.PROMOTE, NEW_STAYS), (e.Order.ROLLBACK, None)])
def test_a_person_chooses_where_nobody_has_won(order, ending):
    story = choosing(NOT_KNOWN, no_winner="ask").wait(120, tick=1)
    assert story.state.problem.code == "rollout.no-winner"
    story.send(order, by="bea", reason="the shop likes it")
    assert ended(story) == (ending or (Status.ROLLED_BACK, e.Cause.ASKED))
    if ending:
        notes = [event.note for event in story.of("step-finished")]
        assert "bea chose 2.0: the shop likes it" in notes
    else:
        assert story.of("turned-back")[0].by == "bea"


@pytest.mark.parametrize("settings", [{}, {"no_winner": "new"}])
def test_what_is_not_known_to_be_sound_never_wins(settings):
    shown = says(0.7, 0.9, Outcome.UNDECIDED) if not settings else says(0.9, 1.1, Outcome.UNDECIDED)
    story = choosing(shown, **settings).wait(120, tick=1)
    assert isinstance(story.state.step, Judge)
    assert story.state.problem.code == "rollout.not-sound"


@pytest.mark.parametrize("verdict", [None, Verdict(outcome=Outcome.PASS), says(0.7, 0.9, missing=("orders",))])
def test_missing_figures_choose_nothing(verdict):
    story = choosing(NOT_KNOWN)
    story.verdict = verdict
    story.wait(50, tick=1)
    assert isinstance(story.state.step, Judge)
    assert not story.state.back


def test_a_version_that_is_worse_is_taken_back_long_before_the_choice():
    story = choosing(NOT_KNOWN)
    story.verdict = FAIL
    assert ended(story) == (Status.ROLLED_BACK, e.Cause.JUDGED)


def test_shares_that_are_not_as_planned_hold_the_choice_until_a_person_makes_it():
    story = choosing(says(0.7, 0.9, requests=(60_000, 40_000))).wait(120, tick=1)
    assert story.state.problem.code == "rollout.share-mismatch"
    assert "40.0 % of the requests in place of 50.0 %" in story.state.problem.what
    story.send(e.Order.PROMOTE, by="bea")
    assert ended(story) == NEW_STAYS


def test_it_follows_a_pilot_with_the_same_rules():
    then = ab()
    made = plan(Pilot(who=[{"header": "x-office", "values": ["berlin"]}], hold="5s", then=then))
    (choice,) = [step for step in made.steps if isinstance(step, Judge) and step.choose]
    assert choice.at_most == 60 * SECOND
    assert made.way_back[-1].release == NEW.id
    assert made.old == OLD


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": "request"},
        {"share": "0%"},
        {"share": "100%"},
        {"at_most": "5s"},
        {"wins": "not-worse", "effect": 0.0},
    ],
)
def test_what_could_not_be_an_ab_test_is_refused(wrong):
    with pytest.raises(ValidationError):
        ab(**wrong)


ratios = st.floats(0.01, 100)


@given(new=ratios, low=ratios, high=ratios)
def test_where_more_is_worse_everything_is_turned_round(new, low, high):
    verdict = says(min(low, high), max(low, high), new=new)
    fewer = standing(Choose(measure="orders", worse=Worse.LESS, line=1), verdict)
    more = standing(Choose(measure="orders", worse=Worse.MORE, line=1), verdict)
    assert more == pytest.approx((1 / fewer.middle, 1 / fewer.high, 1 / fewer.low))


@given(users=st.integers(0, 10_000_000), share=st.integers(10_000, 990_000), each=st.floats(1, 100))
def test_shares_as_planned_are_never_called_wrong(users, share, each):
    new = users * share // EVERYBODY
    assert mismatch(users - new, new, share, each) > MISMATCHED


@given(users=st.integers(100_000, 10_000_000), share=st.integers(100_000, 900_000), less=st.floats(0.5, 0.9))
def test_users_who_get_lost_are_noticed(users, share, less):
    new = int(users * share / EVERYBODY * less)
    assert mismatch(users * (EVERYBODY - share) // EVERYBODY, new, share, 1.0) < MISMATCHED


def test_what_it_takes_yet_shrinks_to_nothing_as_the_interval_narrows():
    choose = Choose(measure="orders", worse=Worse.LESS, line=1)
    lefts = [
        remaining(choose, standing(choose, says(1.1 / wide, 1.1 * wide, new=1.1)), timedelta(days=1))
        for wide in (1.4, 1.2, 1.11, 1.09)
    ]
    assert lefts == sorted(lefts, reverse=True)
    assert lefts[-1] == timedelta(0)
    assert remaining(choose, standing(choose, NOT_KNOWN), timedelta(days=1)) is None
