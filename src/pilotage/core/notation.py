"""How people write durations, shares and rates: ``90s``, ``5m``, ``1h30m``, ``2d``; ``5%``; ``100/s``.

A bare number is refused on purpose: 30 of what?
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from pilotage.core.values import EVERYBODY

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST = 10 * 366 * 86_400
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+")
_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")
_PER = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_RATE = re.compile(r"(\d+(?:\.\d+)?) ?/ ?(s|min|h|d)")


def parse_duration(text: Any) -> Any:
    """``1h30m`` → timedelta. ValueError with a mend when it is not a duration."""
    if isinstance(text, timedelta):
        return text
    if isinstance(text, int | float) and not isinstance(text, bool):
        raise ValueError(f"a duration needs a unit: write {text}s, {text}m or {text}h")
    if isinstance(text, str) and text.startswith("P"):
        return text  # ISO 8601, as in the JSON of a plan
    if not isinstance(text, str) or not _WHOLE.fullmatch(text.replace(" ", "")):
        raise ValueError(f"{text!r} is not a duration: write it like 30s, 5m, 1h30m or 2d")
    seconds = sum(float(n) * _UNITS[u] for n, u in _PART.findall(text.replace(" ", "")))
    if seconds > _LONGEST:
        raise ValueError(f"{text!r} is a duration of more than ten years")
    return timedelta(seconds=seconds)


def parse_share(text: Any) -> int:
    """``12.5%`` → 125000 parts per million. ValueError with a mend when it is not a share."""
    match = _SHARE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        hint = f": write {text}%" if isinstance(text, int | float) and not isinstance(text, bool) else ""
        raise ValueError(f"{text!r} is not a share{hint or ': write it like 5% or 0.5%'}")
    parts = Decimal(match[1]) * 10_000
    if not 0 <= parts <= EVERYBODY:
        raise ValueError(f"{text} is not between 0% and 100%")
    if parts != int(parts):
        raise ValueError(f"{text} is finer than 0.0001%, the smallest share a router can hold")
    return int(parts)


def parse_fraction(text: Any) -> float:
    """``1%`` → 0.01, for rates and chances."""
    return parse_share(text) / EVERYBODY


def parse_rate(text: Any) -> float:
    """``100/s``, ``30/min``, ``5000/h``, ``200/d`` → a second. ValueError with a mend when it is none."""
    match = _RATE.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is not a rate: write it like 100/s, 30/min or 5000/h")
    return float(match[1]) / _PER[match[2]]


def show_duration(value: timedelta) -> str:
    """timedelta → the shortest text that parses back: ``1h30m``; ``0s``."""
    rest, text = value / timedelta(milliseconds=1), ""
    for unit in ("d", "h", "m", "s", "ms"):
        count, rest = divmod(rest, _UNITS[unit] * 1000)
        text += f"{int(count)}{unit}" if count else ""
    return text or "0s"


DurationText = Annotated[timedelta, BeforeValidator(parse_duration)]
ShareText = Annotated[int, BeforeValidator(parse_share)]
FractionText = Annotated[float, BeforeValidator(parse_fraction)]


def parse_amount(text: Any) -> Any:
    """``0.5%`` → 0.005; a bare number stays what it is: events for each unit, where there is no share."""
    return parse_fraction(text) if isinstance(text, str) else text


AmountText = Annotated[float, BeforeValidator(parse_amount)]
