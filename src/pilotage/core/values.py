"""The small things every other value is made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

EVERYBODY = 1_000_000
"""A share is in parts per million of requests (or of users): 1_000_000 is everybody."""

Share = Annotated[int, Field(ge=0, le=EVERYBODY)]


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_in_utc)]
Duration = timedelta


class Frozen(BaseModel):
    """A value: cannot be changed, refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, but without the cached properties: a changed copy has another digest."""
        copy = super().model_copy(update=update, deep=deep)
        if update:
            for name in copy.__dict__.keys() - type(self).model_fields.keys():
                del copy.__dict__[name]
        return copy


class Growing(Frozen):
    """A value that has got new fields since it was first kept.

    A field named in ``added`` is only written when it differs from its default: what was kept before, and what
    is made now with the same meaning, have one text and one digest.
    """

    added: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _lean(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        data: dict[str, Any] = whole(self)
        for name in self.added:
            if getattr(self, name) == type(self).model_fields[name].get_default(call_default_factory=True):
                data.pop(name, None)
        return data


def canonical_json(value: Any) -> str:
    """One text for one value: sorted keys, no spaces, no NaN. ``value`` is JSON data or a Frozen."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """``sha256:`` and 64 hex digits over the canonical JSON of ``value``."""
    return "sha256:" + hashlib.sha256(canonical_json(value).encode()).hexdigest()


def percent(share: Share) -> str:
    """``125000`` → ``12.5 %``; as many decimals as are needed and no more."""
    text = f"{share / 10_000:.4f}".rstrip("0").rstrip(".")
    return f"{text} %"
