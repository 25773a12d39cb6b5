"""The dates of a rollout as RFC 5545: windows, start, shares, promotion, shifts, due days.

https://www.rfc-editor.org/rfc/rfc5545. DTSTAMP is the planned start: nothing in it depends on when it was made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from pilotage.views.documents.case import Case
from pilotage.views.documents.pictures import stretches

NAME = "rollout.ics"
_MOST = 75
"""Octets of a line."""


def calendar(case: Case) -> str | None:
    """None: nobody has said when it starts, and a calendar without a moment is none."""
    if case.start is None:
        return None
    rows = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Pilotage//Rollout plan//EN", "CALSCALE:GREGORIAN"]
    for title, start, end, told in _spans(case, case.start):
        rows += _event(case, title, _utc(start), _utc(end), told)
    for title, day, told in _days(case):
        rows += _event(
            case, title, f";VALUE=DATE:{day:%Y%m%d}", f";VALUE=DATE:{day + timedelta(days=1):%Y%m%d}", told
        )
    return "".join(_folded(row) for row in [*rows, "END:VCALENDAR"])


def _spans(case: Case, start: datetime) -> Iterator[tuple[str, datetime, datetime, str]]:
    new, promoted = case.plan.new.version, start + case.view.promoted_after
    yield (
        f"{case.about}: rollout",
        start,
        max(promoted, start + timedelta(minutes=1)),
        f"{case.plan.method}; at the earliest",
    )
    for one in stretches(case):
        if one.share:
            yield f"{one.title}", start + one.start, start + one.end, "at the earliest; held at least so long"
    if case.view.keep_warm:
        yield (
            f"{case.old} is kept ready beside {new}",
            promoted,
            promoted + case.view.keep_warm,
            "a way back in an instant",
        )
    for window in case.release.windows:
        yield f"Cut-over window: {window.name}", window.start, window.end, "the cut-over may be done"
    if case.release.support is not None:
        for shift in case.release.support.rota:
            yield f"{shift.who} stands by", shift.start, shift.end, shift.role or "stands by"


def _days(case: Case) -> Iterator[tuple[str, date, str]]:
    file = case.release
    for training in file.training:
        yield f"Due: training of {training.audience}", training.due, f"{training.what}; {training.owner}"
    for message in file.communication:
        if message.due is not None:
            yield f"Due: message to {message.audience}", message.due, f"{message.channel}; {message.owner}"
    for vendor in file.vendors:
        yield (
            f"{vendor.name}: the {vendor.kind.value} ends",
            vendor.valid_until,
            f"{vendor.product}; {vendor.owner}",
        )
    for one in file.interfaces:
        yield f"{one.name} is removed", one.keep_until, one.owner


def _event(case: Case, title: str, start: str, end: str, told: str) -> list[str]:
    assert case.start is not None
    key = f"{case.plan.digest} {title} {start}"
    return [
        "BEGIN:VEVENT",
        f"UID:{hashlib.sha256(key.encode()).hexdigest()[:32]}@pilotage",
        f"DTSTAMP{_utc(case.start)}",
        f"DTSTART{start}",
        f"DTEND{end}",
        f"SUMMARY:{_text(title)}",
        f"DESCRIPTION:{_text(f'{told}. Plan {case.plan.digest}')}",
        "END:VEVENT",
    ]


def _utc(at: datetime) -> str:
    return f":{at:%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "")


def _folded(row: str) -> str:
    """Lines of 75 octets at most, broken between characters; the next begins with a blank."""
    lines, line, size = [], "", 0
    for sign in row:
        width = len(sign.encode())
        if size + width > _MOST:
            lines.append(line)
            line, size = " ", 1
        line, size = line + sign, size + width
    return "\r\n".join([*lines, line]) + "\r\n"
