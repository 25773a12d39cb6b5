"""JSON Pointer, RFC 6901: the way to one value in a JSON document."""

from __future__ import annotations

import re

SPELLING = r"(?:/(?:[^~/]|~[01])*)*"
"""Nothing (the whole document), or steps that each begin with a slash; ``~1`` is a slash, ``~0`` a tilde."""
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")


class Missing(LookupError):
    """The document has nothing there."""


def step(text: str) -> str:
    """A text as one step of a pointer."""
    return text.replace("~", "~0").replace("/", "~1")


def resolve(document: object, pointer: str) -> object:
    """What stands there. Raises Missing; ValueError when it is not spelt like a pointer."""
    if not re.fullmatch(SPELLING, pointer, re.DOTALL):
        raise ValueError("a JSON pointer is empty or begins with /, and ~ stands only in ~0 and ~1")
    value = document
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and _INDEX.fullmatch(name) and int(name) < len(value):
            value = value[int(name)]
        else:
            raise Missing(pointer)
    return value
