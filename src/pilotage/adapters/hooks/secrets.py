"""Values by reference, and a text without them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from pilotage.core.hooks import Reference

MOST_BYTES = 64 * 1024
SHORTEST = 4
"""A shorter value is no secret, and would blot out half of a text."""
COVER = "•••"
_IN_ADDRESS = re.compile(r"://[^\s/:@]*:([^\s/@]+)@")


class Unreadable(Exception):
    """A reference leads to nothing. Says its name, never a value."""


def value(reference: Reference) -> str:
    """What it stands for now. Unreadable when it is not there, or empty."""
    found = _file(reference) if reference.file is not None else os.environ.get(reference.env or "", "")
    if not found.strip():
        raise Unreadable(f"{reference.told} is not there, or is empty, where the worker runs")
    return found.strip()


def _file(reference: Reference) -> str:
    assert reference.file is not None
    try:
        with Path(reference.file).open("rb") as file:
            return file.read(MOST_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Unreadable(f"{reference.told} can not be read: {why}") from None


def resolved(environment: Mapping[str, str | Reference]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The variables with their values, and what must not be shown: what references stand for, and the passwords
    in it."""
    found = {name: one if isinstance(one, str) else value(one) for name, one in environment.items()}
    hidden = [found[name] for name, one in environment.items() if not isinstance(one, str)]
    passwords = [match[1] for text in hidden for match in _IN_ADDRESS.finditer(text)]
    return found, tuple(sorted({*hidden, *passwords}, key=len, reverse=True))


def covered(text: str, hidden: tuple[str, ...]) -> str:
    """The text without what must not be shown, and without any password in an address."""
    for one in hidden:
        if len(one) >= SHORTEST:
            text = text.replace(one, COVER)
    return _IN_ADDRESS.sub(lambda match: match[0].replace(f":{match[1]}@", f":{COVER}@"), text)
