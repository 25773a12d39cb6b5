"""A group of people, told by what their requests carry: a header or a cookie with one of some values."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from pilotage.core.routing import Pin
from pilotage.core.shorthand import One, OneMapping
from pilotage.core.values import Frozen

MOST = 1000
"""Values of one group. More of them belong into the service that sets the header."""

_NAME = r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?"
_VALUE = r"[^\r\n;,]{1,200}"


def _named(name: str) -> str:
    if not re.fullmatch(_NAME, name):
        raise ValueError("a name has lower-case letters, digits and - only, at most 40: write it like berlin-1")
    return name


def _valued(value: str) -> str:
    if not re.fullmatch(_VALUE, value):
        raise ValueError("a header or cookie can not have this value: write one line without ; and ,")
    return value


GroupName = Annotated[str, AfterValidator(_named), WithJsonSchema({"type": "string", "pattern": f"^{_NAME}$"})]
Value = Annotated[str, AfterValidator(_valued), WithJsonSchema({"type": "string", "pattern": f"^{_VALUE}$"})]


class Who(Frozen):
    """Requests that carry this header or cookie with one of these values: an office, a tenant, some users."""

    header: str | None = Field(default=None, description="Name of the header, like `x-site`.")
    cookie: str | None = Field(default=None, description="Name of the cookie, like `user`.")
    values: Annotated[tuple[Value, ...], One()] = Field(
        min_length=1, max_length=MOST, description="Its exact value, or several that mean the same."
    )

    @model_validator(mode="after")
    def _one_of(self) -> Who:
        if (self.header is None) == (self.cookie is None):
            raise ValueError("name either a header or a cookie")
        return self

    def pin(self, release: str, group: str) -> Pin:
        first, *more = self.values
        return Pin(
            release=release, header=self.header, cookie=self.cookie, value=first, more=tuple(more), group=group
        )


Whom = Annotated[tuple[Who, ...], OneMapping()]
"""One or several: whoever fits any of them belongs to the group."""
