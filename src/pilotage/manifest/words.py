"""The small types a manifest is made of: each knows how it is written, refused, and described to an editor."""

from __future__ import annotations

import ipaddress
import re
import shlex
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, NoReturn

from pydantic import (
    AfterValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from pilotage.core.notation import parse_rate
from pilotage.core.routing import Address
from pilotage.core.shorthand import One

MOST_RATE = 1e6
"""Requests a second beyond which a figure is a slip of the pen."""
_LONGEST = 2000
"""No name, path or pin is longer; a pattern need not be tried on a megabyte."""


def refuse(code: str, what: str, mend: str | None = None) -> NoReturn:
    """Refuse a value in our own words. ``{shown}`` in them becomes the value as written, unless secret."""
    raise PydanticCustomError(f"manifest.{code}", "{what}", {"what": what, "mend": mend})


@dataclass(frozen=True)
class Spelled:
    """A text of a certain spelling: ``what`` is it meant to be, and what is the rule."""

    pattern: str
    what: str
    rule: str
    code: str = "spelling"

    def check(self, text: str) -> str:
        if len(text) > _LONGEST or not re.fullmatch(self.pattern, text):
            refuse(self.code, "{shown} is not " + self.what, self.rule)
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$"}


class OneOrMany(One):
    """One text or mapping may stand for a list of one."""

    def expand(self, value: Any) -> Any:
        return [value] if isinstance(value, str | dict) else value

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        many = handler(schema)
        return {"anyOf": [*many["items"]["anyOf"], many]}


class _Split(One):
    """A command in one text is split as a shell would, and no shell sees it."""

    def expand(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            words = shlex.split(value)
        except ValueError:
            refuse(
                "command", "a quote or a backslash in the command is never closed", "close it, or use a list"
            )
        if not words:
            refuse("command", "the command is empty")
        return words


_ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]):\d{1,5}"


def parse_address(value: Any) -> Address:
    """``127.0.0.1:8080``, ``[::1]:8080``; no names, because a name can be several addresses."""
    mend = "write it like 127.0.0.1:8080, or 0.0.0.0:8080 for every address of the machine"
    if not isinstance(value, str):
        refuse("address", "{shown} is not an address with a port", mend)
    host, _, port = value.rpartition(":")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        refuse("address", "{shown} is not an address with a port from 1 to 65535", mend)
    if host == "localhost":
        refuse("address", "`localhost` can mean two addresses", f"write 127.0.0.1:{port}")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        version = ipaddress.ip_address(bare).version
    except ValueError:
        refuse("address", "{shown} does not begin with an IP address", mend)
    if (version == 6) != (bare != host) or "%" in bare:
        refuse(
            "address",
            "{shown} is not written like an address",
            "IPv6 addresses, and only they, stand in [brackets]",
        )
    return Address(host=bare, port=int(port))


_RATE = r"^ *\d+(?:\.\d+)? ?/ ?(?:s|min|h|d) *$"


def _rate(value: Any) -> float:
    try:
        found = parse_rate(value)
    except ValueError:
        refuse("rate", "{shown} is not a rate", "write it like 100/s, 30/min or 5000/h")
    if not 0.0 < found <= MOST_RATE:
        refuse("rate", "{shown} is not a rate that can be", "more than nothing, a million a second at most")
    return found


NAME = r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?"
VERSION = r"[A-Za-z0-9][A-Za-z0-9._+!~-]{0,99}"
_HTTP_PATH = r"/[!-~]*"
_PIN = (
    r"\s*[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:\[[A-Za-z0-9._, -]*\])?\s*==\s*[^\s;,*=]+\s*(?:;.*)?"
)

VERSION_RULE = "letters, digits and ._+!~- only, beginning with a letter or digit, at most 100"

Name = Annotated[str, Spelled(NAME, "a name", "lower-case letters, digits and - only, at most 40", "name")]
Version = Annotated[str, Spelled(VERSION, "a version", VERSION_RULE, "version")]
HttpPath = Annotated[
    str, Spelled(_HTTP_PATH, "a path", "write it like /health: it begins with / and has no spaces", "path")
]
Variable = Annotated[
    str, Spelled(r"[A-Za-z_][A-Za-z0-9_]*", "a variable's name", "letters, digits and _ only", "name")
]
Figure = Annotated[
    str,
    Spelled(
        r"[A-Za-z_][A-Za-z0-9_.-]{0,63}",
        "the name of a figure",
        "letters, digits and _.- only, beginning with a letter, at most 64",
        "name",
    ),
]
HeaderName = Annotated[
    str, Spelled(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "a header's name", "no spaces or colons", "name")
]
HeaderValue = Annotated[str, Spelled(r"[^\r\n]*", "a header's value", "it stands on one line")]
Sha256 = Annotated[
    str,
    Spelled(
        r"[0-9a-f]{64}|[^\r\n]*(?:\.sha256|\.sha256sum|SHA256SUMS)",
        "a SHA-256 digest",
        "write 64 digits 0-9 and a-f, or a file that has it, like dist/app-{version}.tar.gz.sha256",
        "digest",
    ),
]
Pin = Annotated[str, Spelled(_PIN, "pinned to one version", "write it like datasette=={version}", "not-pinned")]
ArchiveFile = Annotated[
    str,
    Spelled(r".*\.(?:tar|tar\.gz|tgz|tar\.xz|zip)", "an archive", "it ends in .tar, .tar.gz, .tar.xz or .zip"),
]
FilePath = Annotated[
    str, Spelled(r"\S(?:[^\r\n]*\S)?", "a path", "it stands on one line, without spaces around it")
]
Command = Annotated[tuple[str, ...], Field(min_length=1), _Split()]
ListenAddress = Annotated[
    Address,
    PlainValidator(parse_address),
    WithJsonSchema({"type": "string", "pattern": f"^{_ADDRESS}$", "examples": ["127.0.0.1:8080"]}),
]


def _rising(bounds: tuple[float, ...]) -> tuple[float, ...]:
    if any(below >= above for below, above in pairwise((0.0, *bounds))):
        refuse("value", "bounds of buckets are more than 0, and each is more than the one before")
    return bounds


Bounds = Annotated[tuple[Annotated[float, Field(strict=True)], ...], AfterValidator(_rising)]
"""Upper bounds of a histogram's buckets."""
Rate = Annotated[
    float,
    PlainValidator(_rate),
    WithJsonSchema({"type": "string", "pattern": _RATE, "examples": ["100/s", "30/min"]}),
]
Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]
Truth = Annotated[bool, Field(strict=True)]


class OrOff:
    """``false`` instead of a mapping: not at all. It becomes None, for a null can not be meant."""

    @staticmethod
    def expand(value: Any) -> Any:
        return None if value is False else value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.expand, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"const": False}, handler(schema)]}
