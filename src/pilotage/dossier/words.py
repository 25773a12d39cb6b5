"""Days, moments and texts of a release file: how each is written, and what is refused."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

_DAY = r"\d{4}-\d{2}-\d{2}"
_MOMENT = rf"{_DAY}[T ]\d{{2}}:\d{{2}}(?::\d{{2}})?(?:Z|[+-]\d{{2}}:\d{{2}})"


def parse_day(text: Any) -> date:
    """``2026-12-01`` → date. ValueError with a mend when it is none."""
    if isinstance(text, date) and not isinstance(text, datetime):
        return text
    try:
        if isinstance(text, str) and re.fullmatch(_DAY, text):
            return date.fromisoformat(text)
    except ValueError:
        raise ValueError("this day is not in the calendar") from None
    raise ValueError('this is not a day: write it like "2026-12-01", in quotes')


def parse_moment(text: Any) -> datetime:
    """``2026-12-01T22:00+01:00`` → datetime in UTC. ValueError with a mend when it is none."""
    if isinstance(text, datetime) and text.tzinfo is not None:
        return text.astimezone(UTC)
    try:
        if isinstance(text, str) and re.fullmatch(_MOMENT, text):
            return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("this moment is not in the calendar") from None
    mend = 'write it like "2026-12-01T22:00+01:00" or "2026-12-01T21:00Z", in quotes'
    raise ValueError(f"this is not a moment with its offset from UTC: {mend}")


Day = Annotated[
    date,
    BeforeValidator(parse_day),
    WithJsonSchema({"type": "string", "pattern": f"^{_DAY}$", "examples": ["2026-12-01"]}),
]
Moment = Annotated[
    datetime,
    BeforeValidator(parse_moment),
    WithJsonSchema({"type": "string", "pattern": f"^{_MOMENT}$", "examples": ["2026-12-01T22:00+01:00"]}),
]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}"


def _spelled(id: str) -> str:
    if not re.fullmatch(_ID, id):
        raise ValueError("this is not an id: write letters, digits and ._- only, at most 40")
    return id


Id = Annotated[str, AfterValidator(_spelled), WithJsonSchema({"type": "string", "pattern": f"^{_ID}$"})]
Five = Annotated[int, Field(strict=True, ge=1, le=5)]
"""From 1, hardly at all, to 5, as much as can be."""
Ten = Annotated[int, Field(strict=True, ge=1, le=10)]
