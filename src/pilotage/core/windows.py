"""Windows in which exposure may grow, as clocks on the wall show them: ``Mon-Thu 09:00-16:00 Europe/Berlin``.

A window is open at an instant when a clock in its zone shows a time in it then, and never else. What falls into
the hour that spring skips does not open that day; what lies in the hour that autumn repeats opens twice. Who
writes ``until 16:00`` means the clock on the wall, and no window is worth a minute of growth outside of it.

The zones are those of the tz database (IANA) that Python has: a rule that a country changes is followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, PlainValidator, WithJsonSchema

from pilotage.core.values import Frozen, Instant

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY = 24 * 60
AHEAD = 16
"""Days that are looked ahead: a week twice, because one day of it may be skipped, and a bit."""

_WINDOW = re.compile(r"(\S+) +(\d{2}):(\d{2}) ?- ?(\d{2}):(\d{2}) +(\S+)")
_START = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?: +(\S+)|(Z|[+-]\d{2}:\d{2}))")
_LIKE_WINDOW = "write it like Mon-Thu 09:00-16:00 Europe/Berlin, or daily 22:00-04:00 UTC"
_LIKE_START = "write it like 2026-12-01T02:00 Europe/Berlin"


class Window(Frozen):
    """Open on these days of the week (0 is Monday) from ``opens`` until before ``closes``, minutes of the day.

    One that closes before it opens closes on the next day; its days are those on which it opens.
    """

    days: tuple[Annotated[int, Field(ge=0, le=6)], ...] = Field(min_length=1)
    opens: int = Field(ge=0, lt=DAY)
    closes: int = Field(gt=0, le=DAY)
    zone: str

    def open(self, at: datetime) -> bool:
        """Whether a clock on the wall shows a time in it."""
        local = at.astimezone(zone_of(self.zone))
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.opens < self.closes:
            return day in self.days and self.opens <= minute < self.closes
        late = day in self.days and minute >= self.opens
        return late or ((day - 1) % 7 in self.days and minute < self.closes)


class Start(Frozen):
    """Not before this instant; ``zone`` is where it is told."""

    at: Instant
    zone: str


Windows = tuple[Window, ...]
"""One of them must be open."""


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """ValueError with a mend when there is no such zone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = get_close_matches(name[:60], sorted(available_timezones()), n=1)
        known = near[0] if near else "one of the tz database, like Europe/Berlin"
        raise ValueError(f"there is no time zone {name[:60]!r}: write {known}") from None


def parse_window(text: Any) -> Window:
    """ValueError with a mend when it is no window."""
    if isinstance(text, Window):
        return text
    found = _WINDOW.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"this is not a window: {_LIKE_WINDOW}")
    opens, closes = int(found[2]) * 60 + int(found[3]), int(found[4]) * 60 + int(found[5])
    if max(int(found[3]), int(found[5])) > 59 or opens >= DAY or closes > DAY:
        raise ValueError("this window has a time that no clock shows: write hours from 00:00 to 24:00")
    if opens == closes:
        raise ValueError("this window is never open, it ends when it begins: write 00:00-24:00 for whole days")
    zone_of(found[6])
    return Window(days=_days(found[1]), opens=opens, closes=closes or DAY, zone=found[6])


def _days(text: str) -> tuple[int, ...]:
    if text.lower() == "daily":
        return tuple(range(7))
    short = {day.lower(): number for number, day in enumerate(DAYS)}
    found: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = part.partition("-")
        if first not in short or (last or first) not in short:
            raise ValueError(f"this is not a window, it has no such day {part!r}: {_LIKE_WINDOW}")
        length = (short[last or first] - short[first]) % 7
        found |= {(short[first] + day) % 7 for day in range(length + 1)}
    return tuple(sorted(found))


def parse_start(text: Any) -> Start:
    """ValueError with a mend when it is no moment, or its zone is not said."""
    if isinstance(text, Start):
        return text
    found = _START.fullmatch(text.strip()) if isinstance(text, str) else None
    try:
        if found is None:
            raise ValueError
        local = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[4] or ''}")
    except ValueError:
        raise ValueError(f"this is not a start: {_LIKE_START}") from None
    if local.tzinfo is not None:
        return Start(at=local, zone="UTC")
    return Start(at=local.replace(tzinfo=zone_of(found[3])), zone=found[3])


def show_window(window: Window) -> str:
    """The text that parses back."""
    days = ",".join(DAYS[day] for day in window.days)
    first, last = window.days[0], window.days[-1]
    if len(window.days) > 2 and last - first == len(window.days) - 1:
        days = "daily" if len(window.days) == 7 else f"{DAYS[first]}-{DAYS[last]}"
    return f"{days} {_clock(window.opens)}-{_clock(window.closes)} {window.zone}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def all_open(sets: Iterable[Windows], at: datetime) -> bool:
    """Whether one of each is open."""
    return all(any(window.open(at) for window in windows) for windows in sets)


def next_open(sets: tuple[Windows, ...], since: datetime) -> datetime | None:
    """The first instant from ``since`` on at which one of each is open; None: never."""
    if all_open(sets, since):
        return since
    windows = {window for one in sets for window in one}
    found = sorted({at for window in windows for at in _openings(window, since) if at > since})
    return next((at for at in found if all_open(sets, at)), None)


def _openings(window: Window, since: datetime) -> Iterator[datetime]:
    """When it may begin to be open: its hour comes, once or twice, or the clock is put to a time in it."""
    zone = zone_of(window.zone)
    midnight = since.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    for number in range(-1, AHEAD):
        day = midnight + timedelta(days=number)
        for fold in (0, 1):
            local = (day + timedelta(minutes=window.opens)).replace(tzinfo=zone, fold=fold)
            yield local.astimezone(UTC)
        change = _change(zone, day)
        if change is not None:
            yield change


def _change(zone: ZoneInfo, day: datetime) -> datetime | None:
    """When the clock is put forward or back within a day that begins at this midnight."""
    low = day.replace(tzinfo=zone).astimezone(UTC)
    high = (day + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC)
    before, after = _offset(zone, low), _offset(zone, high)
    if before == after:
        return None
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def _offset(zone: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(zone).utcoffset()


_WRITTEN = r"^\S+ +\d{2}:\d{2} ?- ?\d{2}:\d{2} +\S+$"
WindowText = Annotated[
    Window,
    PlainValidator(parse_window),
    WithJsonSchema({"type": "string", "pattern": _WRITTEN, "examples": ["Mon-Thu 09:00-16:00 Europe/Berlin"]}),
]
StartText = Annotated[
    Start,
    PlainValidator(parse_start),
    WithJsonSchema({"type": "string", "examples": ["2026-12-01T02:00 Europe/Berlin"]}),
]
