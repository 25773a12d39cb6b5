"""Where two bodies differ: JSON by its paths, text by its lines, anything else by its bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pilotage.comparing.answers import Answer, Spot, Spots, note
from pilotage.comparing.places import Path, Rules, key, name
from pilotage.core.comparing import ITEM, Trait, Within

DEEPEST = 60
"""What is nested deeper is compared as one value."""
LINES = 100
"""Lines of a text that are places of their own."""
_MILLISECONDS = 1e11
"""Numbers from here on are milliseconds since 1970, smaller ones seconds."""
_NOTHING = object()


def compare(old: Answer, other: Answer, rules: Rules, spots: Spots) -> None:
    """Adds where the bodies differ."""
    if old.body == other.body:
        return
    left, right = _parsed(old), _parsed(other)
    if left is not _NOTHING and right is not _NOTHING:
        _values(left, right, ("$",), rules, spots)
    elif left is not _NOTHING or right is not _NOTHING:
        if not rules.ignored(("$",)):
            note(spots, Spot("$", Trait.TYPE), _shape(left), _shape(right))
    else:
        _texts(old.body, other.body, rules, spots)


def _shape(value: object) -> object:
    return "not JSON" if value is _NOTHING else value


def _parsed(answer: Answer) -> Any:
    """The JSON value, or nothing when it says that it is something else, or is none."""
    kind = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
    if kind and "json" not in kind.lower():
        return _NOTHING
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return _NOTHING


def _values(old: Any, other: Any, path: Path, rules: Rules, spots: Spots) -> None:
    if rules.ignored(path):
        return
    if _kind(old) is not _kind(other):
        if not _same_scalar(old, other, path, rules):
            note(spots, Spot(name(path), Trait.TYPE), old, other)
    elif len(path) >= DEEPEST or not isinstance(old, dict | list):
        if not _same_scalar(old, other, path, rules):
            note(spots, Spot(name(path), Trait.VALUE), old, other)
    elif isinstance(old, dict):
        _objects(old, other, path, rules, spots)
    else:
        _lists(old, other, path, rules, spots)


def _kind(value: Any) -> type:
    """As JSON has it: a boolean is no number, and there is one kind of number."""
    if isinstance(value, bool):
        return bool
    return float if isinstance(value, int | float) else type(value)


def _objects(old: dict[str, Any], other: dict[str, Any], path: Path, rules: Rules, spots: Spots) -> None:
    for own, value in old.items():
        below = (*path, key(own))
        if own in other:
            _values(value, other[own], below, rules, spots)
        elif not rules.ignored(below):
            note(spots, Spot(name(below), Trait.MISSING), value, None)
    for own in other.keys() - old.keys():
        below = (*path, key(own))
        if not rules.ignored(below):
            note(spots, Spot(name(below), Trait.EXTRA), None, other[own])


def _lists(old: list[Any], other: list[Any], path: Path, rules: Rules, spots: Spots) -> None:
    if len(old) != len(other):
        note(spots, Spot(name(path), Trait.LENGTH), len(old), len(other))
    by = rules.unordered(path)
    if by is not None:
        old, other = _sorted(old, by), _sorted(other, by)
        if by and len(old) != len(other):  # items of the same key are compared, whoever is missing
            known = {_key_of(item, by) for item in old} & {_key_of(item, by) for item in other}
            old, other = _only(old, by, known), _only(other, by, known)
    for left, right in zip(old, other, strict=False):
        _values(left, right, (*path, ITEM), rules, spots)


def _sorted(items: list[Any], by: str) -> list[Any]:
    return sorted(items, key=lambda item: _key_of(item, by))


def _key_of(item: Any, by: str) -> str:
    told = item.get(by) if by and isinstance(item, dict) else item
    return json.dumps(told, sort_keys=True)


def _only(items: Iterable[Any], by: str, known: set[str]) -> list[Any]:
    return [item for item in items if _key_of(item, by) in known]


def _same_scalar(old: Any, other: Any, path: Path, rules: Rules) -> bool:
    if old == other and _kind(old) is _kind(other):
        return True
    apart = rules.time(path)
    if apart is not None and _times_within(old, other, apart):
        return True
    if _kind(old) is not float or _kind(other) is not float:
        return False
    if math.isnan(old) or math.isnan(other):
        return math.isnan(old) and math.isnan(other)
    return _numbers_within(old, other, rules.number(path) or Within())


def _numbers_within(old: float, other: float, rule: Within) -> bool:
    distance = abs(old - other)
    # A hair more, because 0.3 - 0.2 is a little more than 0.1.
    allowed = max(rule.apart, rule.part * max(abs(old), abs(other))) * (1 + 1e-9)
    return distance <= allowed


def _times_within(old: Any, other: Any, apart: timedelta) -> bool:
    left, right = _time(old), _time(other)
    return left is not None and right is not None and abs(left - right) <= apart


def _time(value: Any) -> datetime | None:
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        if _kind(value) is float:
            return datetime.fromtimestamp(value / 1000 if abs(value) >= _MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None


def _texts(old: bytes, other: bytes, rules: Rules, spots: Spots) -> None:
    try:
        left, right = old.decode().splitlines(), other.decode().splitlines()
    except UnicodeDecodeError:
        if not rules.ignored(("text",)):
            note(spots, Spot("(bytes)", Trait.VALUE), len(old), len(other))
        return
    if len(left) != len(right) and not rules.ignored(("text",)):
        note(spots, Spot("text", Trait.LENGTH), len(left), len(right))
    for number, (one, two) in enumerate(zip(left, right, strict=False), start=1):
        place = ("text", str(min(number, LINES)))
        if one != two and not rules.ignored(("text",)) and not rules.ignored(place):
            note(spots, Spot(name(place), Trait.VALUE), one, two)
