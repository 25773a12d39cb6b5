"""Did you mean?"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST = 60
"""Comparing takes the square of the length, and nobody mistypes a key into a paragraph."""


def closest(word: object, known: Iterable[str]) -> str | None:
    """The one known word that this was most likely meant to be."""
    if not isinstance(word, str) or len(word) > _LONGEST:
        return None
    plain = {_plain(name): name for name in known}
    same = plain.get(_plain(word))
    if same is not None:
        return same
    found = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=0.65)
    return plain[found[0]] if found else None


def did_you_mean(word: object, known: Iterable[str]) -> str | None:
    near = closest(word, known)
    return f"did you mean `{near}`?" if near else None


def _plain(word: str) -> str:
    """``warmUp``, ``warm-up`` and ``warm_up`` are one word."""
    return word.replace("-", "").replace("_", "").replace(" ", "").lower()
