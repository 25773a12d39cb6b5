"""From what a source of telemetry was told to figures that can be used. What can not be is left out and noted.

Pure, and shared by all sources: a number that is no number, is negative, endless or beyond counting must never
reach the judge as a figure, whoever sent it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite

from pilotage.core.judging import Arm

MOST = 1e15
"""Beyond it a float can not count by ones."""
MOST_BUCKETS = 1000
MOST_SHARDS = 1000
PLAIN = ("requests", "errors", "latency_bucket", "shards")
"""The fields that every arm has; all others are declared measures."""


def figure(value: object, name: str, notes: list[str]) -> float | None:
    """A finite number from 0 to MOST; None for what is none, and a note that says so.

    Nothing at all (None) is not known, and needs no note.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        notes.append(f"{name} is {_kind(value)}, not a number: left out")
    elif isinstance(value, float) and not isfinite(value):
        notes.append(f"{name} is {value}: left out")
    elif value < 0:
        notes.append(f"{name} is negative: left out")
    elif value > MOST:
        notes.append(f"{name} is too large: left out")
    else:
        return float(value)
    return None


def cumulative(value: object, name: str, notes: list[str]) -> tuple[float, ...] | None:
    """Counts up to each bound, never falling from one to the next; None and a note for anything else."""
    if value is None:
        return None
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or not 2 <= len(value) <= MOST_BUCKETS:
        notes.append(f"{name} is not a list of at least two counts: left out")
        return None
    found = [figure(count, f"{name}[{place}]", notes) for place, count in enumerate(value)]
    counts = [count for count in found if count is not None]
    if len(counts) < len(found):
        notes.extend([] if None not in value else [f"{name} has a gap: left out"])
        return None
    if any(more < less for less, more in pairwise(counts)):
        notes.append(f"{name} is not cumulative: left out")
        return None
    return tuple(counts)


def arm(raw: Mapping[str, object], whose: str, notes: list[str]) -> Arm:
    """The figures of one version, those that can be used. ``whose`` names it in the notes."""
    values: dict[str, object] = {
        name: figure(value, f"{name} of {whose}", notes) for name, value in raw.items() if name not in PLAIN
    }
    for name in ("requests", "errors"):
        values[name] = figure(raw.get(name), f"{name} of {whose}", notes)
    values["latency_bucket"] = cumulative(raw.get("latency_bucket"), f"latency_bucket of {whose}", notes)
    values["shards"] = _shards(raw.get("shards"), whose, notes)
    made = Arm.model_validate({name: value for name, value in values.items() if value is not None})
    if made.requests is not None and made.errors is not None and made.errors > made.requests:
        notes.append(f"more errors than requests of {whose}: its errors were left out")
        return made.model_copy(update={"errors": None})
    return made


def cleaned(given: Arm, whose: str, notes: list[str]) -> Arm:
    """An arm that a stranger's code has made, without what can not be used."""
    raw: dict[str, object] = {name: getattr(given, name) for name in PLAIN}
    return arm(raw | (given.model_extra or {}), whose, notes)


def bounds(value: object, notes: list[str]) -> tuple[float, ...]:
    """Upper bounds of buckets in seconds, rising, without +Inf; none and a note for anything else."""
    if value is None:
        return ()
    numbers = value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()
    found = [figure(bound, f"latency_bounds[{place}]", notes) for place, bound in enumerate(numbers)]
    rising = tuple(bound for bound in found if bound is not None)
    if len(rising) < len(found) or any(b <= a for a, b in pairwise(rising)) or (value and not found):
        notes.append("latency_bounds are not rising numbers of seconds: left out")
        return ()
    return rising


def _shards(value: object, whose: str, notes: list[str]) -> tuple[Arm, ...] | None:
    if value is None:
        return None
    parts = value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()
    made = []
    for number, part in enumerate(parts[:MOST_SHARDS], start=1):
        name = f"shard {number} of {whose}"
        if isinstance(part, Arm):
            made.append(cleaned(part.model_copy(update={"shards": None}), name, notes))
        elif isinstance(part, Mapping):
            made.append(arm({key: one for key, one in part.items() if key != "shards"}, name, notes))
        else:
            break
    if len(made) < 2 or len(made) < len(parts):
        notes.append(f"shards of {whose} are not a list of at least two: left out")
        return None
    return tuple(made)


def _kind(value: object) -> str:
    match value:
        case bool():
            return "true or false"
        case str() | bytes():
            return "a text"
        case Mapping():
            return "a mapping"
        case _:
            return "a list" if isinstance(value, Sequence) else "something else"
