"""What is told of two values that differ: their shapes, unless the values themselves may be kept."""

from __future__ import annotations

import json
from typing import assert_never

from pilotage.core.comparing import Examples, Trait

LONGEST = 60


def told(trait: Trait, old: object, new: object, keep: Examples) -> str | None:
    """``number → text of 12``. A status and a time are no secret, so they are told as they are."""
    match keep:
        case Examples.NONE:
            return None
        case Examples.SHAPES | Examples.VALUES:
            show = value if keep is Examples.VALUES or trait in _OPEN else shape
            return f"{_seen(trait, old, show)} → {_seen(trait, new, show)}"
        case _:
            assert_never(keep)


_OPEN = (Trait.STATUS, Trait.LENGTH, Trait.SLOWER, Trait.UNANSWERED)


def _seen(trait: Trait, one: object, show: object) -> str:
    if trait is Trait.SLOWER and isinstance(one, float):
        return f"{one:.3f} s"
    if one is None and trait in (Trait.MISSING, Trait.EXTRA, Trait.UNANSWERED):
        return "no answer" if trait is Trait.UNANSWERED else "nothing"
    assert callable(show)
    return str(show(one))


def shape(one: object) -> str:
    """What kind of value it is, and how large; nothing of what it says."""
    if one is None or isinstance(one, bool):
        return "null" if one is None else "boolean"
    if isinstance(one, int | float):
        return "number"
    if isinstance(one, str):
        return f"text of {len(one)}"
    if isinstance(one, list):
        return f"list of {len(one)}"
    return f"object of {len(one)}" if isinstance(one, dict) else type(one).__name__


def value(one: object) -> str:
    text = json.dumps(one, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
