"""JSON from outside: parsed without trust, and never shown."""

from __future__ import annotations

import json
from typing import Any

from pilotage.errors import Problem
from pilotage.ports import TelemetryError

MOST_BYTES = 1_000_000
"""No document of a few figures is longer."""


class Doubled:
    """Stands for the value of a key that was given twice: which one is meant nobody knows."""


DOUBLED = Doubled()


def parse(content: bytes, whose: str) -> Any:
    """The document; NaN and Infinity as floats, DOUBLED for what was given twice.

    Raises TelemetryError when it is no JSON; ``whose`` names its source.
    """
    try:
        return json.loads(content, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        where = (
            f" in line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        )
        raise TelemetryError(
            Problem(
                code="telemetry.not-json",
                what=f"{whose} did not answer with JSON",
                why=f"it can not be read{where} ({len(content)} bytes)",
                mend="look at what it answers; `pilotage` wants JSON as RFC 8259 describes it",
            )
        ) from None


def too_large(whose: str) -> TelemetryError:
    what = f"{whose} answered with more than {MOST_BYTES // 1_000_000} MB"
    mend = "point to a document with the few figures that the judge needs"
    return TelemetryError(Problem(code="telemetry.too-large", what=what, mend=mend))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = DOUBLED if key in found else value
    return found
