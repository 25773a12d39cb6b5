"""Values as the tools write them. What a tool itself would refuse is refused, with its place."""

from __future__ import annotations

import math
import re
from datetime import timedelta

from pilotage.core.notation import show_duration
from pilotage.importing.fields import Field
from pilotage.importing.ledger import Ledger
from pilotage.manifest.nodes import Entries, Items, Scalar

_GO_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_GO_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST = timedelta(days=3650)


def is_computed(text: str) -> bool:
    """Made by a template when the tool runs, and not known here."""
    return "<%" in text or "{{" in text or "${" in text


def number(ledger: Ledger, field: Field | None) -> float | None:
    if field is None or field.text is None:
        return None
    try:
        found = float(field.text.replace("_", "").removesuffix("%"))
    except ValueError:
        found = math.nan
    if math.isfinite(found):
        return found
    if not is_computed(field.text):
        ledger.refuse(field, "type", f"`{_cropped(field)}` is not a number", "write a number")
    return None


def whole(ledger: Ledger, field: Field | None, least: int = 0, most: int = 1_000_000) -> int | None:
    found = number(ledger, field)
    if found is None or field is None:
        return None
    if found != int(found) or not least <= found <= most:
        what = f"`{_cropped(field)}` is not a whole number from {least} to {most}"
        ledger.refuse(field, "range", what)
        return None
    return int(found)


def truth(ledger: Ledger, field: Field | None) -> bool | None:
    if field is None or field.text is None:
        return None
    if field.text.lower() in ("true", "false"):
        return field.text.lower() == "true"
    if not is_computed(field.text):
        ledger.refuse(field, "type", f"`{_cropped(field)}` is neither true nor false")
    return None


def duration(ledger: Ledger, field: Field | None) -> timedelta | None:
    """``90``, ``"90"`` (seconds), ``1m30s``."""
    if field is None or field.text is None:
        return None
    text = field.text.strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        seconds = float(text)
    elif _GO_DURATION.fullmatch(text):
        seconds = sum(float(count) * _SECONDS[unit] for count, unit in _GO_PART.findall(text))
    else:
        if not is_computed(text):
            ledger.refuse(field, "type", f"`{_cropped(field)}` is not a duration", "write it like 30s or 5m")
        return None
    if seconds > _LONGEST.total_seconds():
        ledger.refuse(field, "range", f"`{_cropped(field)}` is longer than ten years")
        return None
    return timedelta(milliseconds=round(seconds * 1000))


def must_be_mapping(ledger: Ledger, field: Field | None) -> None:
    """An empty value stands for an empty mapping, as the tools take it."""
    if field is not None and not isinstance(field.value, Entries) and not _is_nothing(field):
        ledger.refuse(field, "type", f"`{field.name}` must be a mapping", "write `key: value` below it")


def must_be_list(ledger: Ledger, field: Field | None) -> None:
    if field is not None and not isinstance(field.value, Items) and not _is_nothing(field):
        ledger.refuse(field, "type", f"`{field.name}` must be a list", "begin each item with `- `")


def shown(length: timedelta) -> str:
    return show_duration(length)


def _is_nothing(field: Field) -> bool:
    return isinstance(field.value, Scalar) and field.text is None


def _cropped(field: Field) -> str:
    return field.shown[:40]
