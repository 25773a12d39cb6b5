"""Shifts and windows: the rule of gaps against counting minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pilotage.dossier.covering import first_gap, told, window_of
from pilotage.dossier.people import Shift
from pilotage.dossier.terms import Window

DAY = datetime(2026, 12, 1, tzinfo=UTC)


def at(minute: int) -> datetime:
    return DAY + timedelta(minutes=minute)


SHIFTS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.integers(1, 20)).map(
        lambda one: Shift(who=one[0], start=at(one[1]), end=at(one[1] + one[2]))
    ),
    max_size=6,
)


@given(rota=SHIFTS, wanted=st.integers(1, 3), start=st.integers(0, 40), length=st.integers(0, 30))
def test_a_gap_is_where_counting_finds_one(rota: list[Shift], wanted: int, start: int, length: int) -> None:
    gap = first_gap(rota, wanted, at(start), at(start + length))
    minutes = [start] if length == 0 else range(start, start + length)
    short = [m for m in minutes if len({s.who for s in rota if s.start <= at(m) < s.end}) < wanted]
    if gap is None:
        assert short == []
    else:
        assert gap.start == at(short[0])
        assert gap.there < gap.wanted == wanted


def test_who_stands_by_twice_is_one() -> None:
    twice = [Shift(who="ada", start=at(0), end=at(60)), Shift(who="ada", start=at(0), end=at(60))]
    gap = first_gap(twice, 2, at(0), at(30))
    assert gap is not None
    assert told(gap) == "1 of 2 stand by from 2026-12-01 00:00 UTC to 2026-12-01 00:30 UTC"


def test_a_window_holds_all_of_it() -> None:
    window = Window(name="night", start=at(0), end=at(60))
    assert window_of([window], at(0), at(60)) is window
    assert window_of([window], at(0), at(61)) is None
    assert window_of([window], at(-1), at(30)) is None
