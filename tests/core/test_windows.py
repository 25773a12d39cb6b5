"""Windows against a naive look at the clock on the wall, minute by minute, when it is put forward and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pilotage.core.windows import (
    DAYS,
    Window,
    all_open,
    next_open,
    parse_start,
    parse_window,
    show_window,
)

MINUTE = timedelta(minutes=1)
CHANGES = {
    "Europe/Berlin": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),
    "America/Havana": ("2026-03-08T05:00", "2026-11-01T05:00"),
    "Asia/Kathmandu": ("2026-03-29T01:00",),
}
MOMENTS = [(zone, f"{at}+00:00") for zone, times in CHANGES.items() for at in times]


def naive(text: str, at: datetime) -> bool:
    """As a person reads the clock and the text."""
    days, hours, zone = text.split()
    shown = at.astimezone(ZoneInfo(zone))
    today, time = DAYS[shown.weekday()], f"{shown:%H:%M}"
    yesterday = DAYS[shown.weekday() - 1]
    opens, closes = hours.split("-")
    if opens < closes:
        return today in days and opens <= time < closes
    return (today in days and time >= opens) or (yesterday in days and time < closes)


@st.composite
def texts(draw, zone: str) -> str:
    days = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True))
    # Near the hours that are skipped and doubled more often than elsewhere.
    minutes = st.one_of(st.integers(0, 1439), st.integers(0, 230))
    opens = draw(minutes)
    closes = draw(minutes.filter(lambda one: one != opens))
    hours = f"{opens // 60:02}:{opens % 60:02}-{closes // 60:02}:{closes % 60:02}"
    return f"{','.join(days)} {hours} {zone}"


@st.composite
def cases(draw):
    zone, change = draw(st.sampled_from(MOMENTS))
    since = datetime.fromisoformat(change) + draw(st.integers(-1500, 200)) * MINUTE
    return draw(st.lists(texts(zone), min_size=1, max_size=2)), since


@settings(max_examples=40, deadline=None)
@given(cases())
@example((["Sun 02:15-02:45 Europe/Berlin"], datetime(2026, 3, 28, 12, tzinfo=UTC)))
@example((["Sun 02:15-02:45 Europe/Berlin"], datetime(2026, 10, 25, 0, 45, tzinfo=UTC)))
@example((["Sun 02:30-03:30 Europe/Berlin"], datetime(2026, 3, 28, 12, tzinfo=UTC)))
@example((["Sat 22:00-02:30 Europe/Berlin"], datetime(2026, 10, 25, 0, 40, tzinfo=UTC)))
def test_it_opens_when_a_look_each_minute_finds_it_open(case):
    written, since = case
    windows = tuple(map(parse_window, written))
    found = next_open((windows,), since)
    assert found is not None
    at = since
    for _ in range(3 * 24 * 60):
        expected = any(naive(text, at) for text in written)
        assert all_open((windows,), at) is expected
        if expected:
            assert found == at
            return
        at += MINUTE
    assert found >= at


@pytest.mark.parametrize(
    ("since", "opens"),
    [
        # The hour is skipped on 29 March: that Sunday has no such window, the next one has.
        ("2026-03-28T12:00+00:00", "2026-04-05T00:15+00:00"),
        # It comes twice on 25 October: open in both.
        ("2026-10-24T12:00+00:00", "2026-10-25T00:15+00:00"),
        ("2026-10-25T00:45+00:00", "2026-10-25T01:15+00:00"),
        ("2026-10-25T01:45+00:00", "2026-11-01T01:15+00:00"),
    ],
)
def test_a_window_in_the_hour_that_is_skipped_or_doubled(since, opens):
    windows = (parse_window("Sun 02:15-02:45 Europe/Berlin"),)
    assert next_open((windows,), datetime.fromisoformat(since)) == datetime.fromisoformat(opens)


def test_one_that_crosses_midnight_belongs_to_the_day_on_which_it_opens():
    window = parse_window("Mon 22:00-04:00 Europe/Berlin")
    assert window.open(datetime(2026, 12, 1, 2, 59, tzinfo=UTC))
    assert not window.open(datetime(2026, 12, 1, 3, 0, tzinfo=UTC))
    assert not window.open(datetime(2026, 11, 30, 2, 0, tzinfo=UTC))


def test_of_two_sets_one_of_each_must_be_open():
    sets = ((parse_window("Mon-Fri 09:00-12:00 Europe/Berlin"),), (parse_window("daily 11:00-23:00 UTC"),))
    assert next_open(sets, datetime(2026, 1, 3, tzinfo=UTC)) is None
    sets = (sets[0], (parse_window("daily 10:30-23:00 UTC"),))
    assert next_open(sets, datetime(2026, 1, 3, tzinfo=UTC)) == datetime(2026, 1, 5, 10, 30, tzinfo=UTC)


@given(st.data())
def test_what_is_shown_is_read_back(data):
    window = parse_window(data.draw(texts("Europe/Berlin")))
    assert parse_window(show_window(window)) == window
    assert Window.model_validate_json(window.model_dump_json()) == window


def test_ranges_of_days_go_over_the_weekend():
    assert parse_window("Fri-Mon 22:00-24:00 UTC").days == (0, 4, 5, 6)
    assert show_window(parse_window("daily 00:00-24:00 UTC")) == "daily 00:00-24:00 UTC"
    assert show_window(parse_window("mon-thu 09:00-16:00 UTC")) == "Mon-Thu 09:00-16:00 UTC"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Mon-Thu 09:00-16:00", "write it like Mon-Thu"),
        ("Mon-Thu 09:00-16:00 Europe/Berln", "write Europe/Berlin"),
        ("Mon-Thu 09:00-16:00 ../../etc/passwd", "no time zone"),
        ("Mun 09:00-16:00 UTC", "no such day 'mun'"),
        ("daily 09:00-09:00 UTC", "never open"),
        ("daily 09:00-24:30 UTC", "no clock shows"),
        ("daily 09:60-10:00 UTC", "no clock shows"),
        (7, "not a window"),
    ],
)
def test_bad_windows_say_what_to_write(text, what):
    with pytest.raises(ValueError, match=what):
        parse_window(text)


def test_a_start_has_a_zone_or_an_offset():
    assert parse_start("2026-12-01T02:00 Europe/Berlin").at == datetime(2026, 12, 1, 1, tzinfo=UTC)
    assert parse_start("2026-12-01 02:00+02:00").at == datetime(2026, 12, 1, 0, tzinfo=UTC)
    for bad in ("2026-12-01T02:00", "2026-02-30T02:00 UTC", "tomorrow"):
        with pytest.raises(ValueError, match="not a start: write it like"):
            parse_start(bad)
