"""Places in answers, the rules about them, and endpoints: requests of one kind under one name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import TypeVar
from urllib.parse import unquote

from pilotage.core.comparing import ITEM, CompareSettings, Within, segments

Path = tuple[str, ...]
ANY = "*"
_T = TypeVar("_T")

_PLAIN = re.compile(r"[\w-]+")
_ID = re.compile(r"\d+|(?=.*\d)[0-9a-fA-F-]{8,}|(?=.*\d)[\w.~=+-]{12,}|.*@.*|.{40,}")
"""What stands for one of many: numbers, hexadecimal, long words with digits, addresses of mail."""


def name(path: Path) -> str:
    """``$``, ``items``, ``[*]``, ``a b`` → ``$.items[*]["a b"]``."""
    text = path[0]
    for part in path[1:]:
        if part == ITEM:
            text += ITEM
        elif part == ANY or _PLAIN.fullmatch(part):
            text += f".{part}"
        else:
            text += f"[{json.dumps(part, ensure_ascii=False)}]"
    return text


def key(text: str) -> str:
    """A key of a JSON object; keys that look like ids count together, for there is no end of them."""
    return ANY if _ID.fullmatch(text) else text


def endpoint(method: str, target: str) -> str:
    """``GET /orders/17?x=1`` → ``GET /orders/*``: no ids, nothing of the query."""
    path = unquote(target.partition("?")[0].partition("#")[0])
    parts = [ANY if _ID.fullmatch(part) else part for part in path.split("/")[:8]]
    return f"{method} {'/'.join(parts) or '/'}"


def matches(pattern: Path, path: Path) -> bool:
    """``*`` stands for one part of the path, ``**`` for any number of them."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(matches(pattern[1:], path[start:]) for start in range(len(path) + 1))
    return bool(path) and pattern[0] in (ANY, path[0]) and matches(pattern[1:], path[1:])


@dataclass
class Rules:
    """The settings, ready to be asked for a place."""

    settings: CompareSettings
    _ignored: tuple[Path, ...] = field(init=False)
    _numbers: tuple[tuple[Path, Within], ...] = field(init=False)
    _times: tuple[tuple[Path, timedelta], ...] = field(init=False)
    _unordered: tuple[tuple[Path, str], ...] = field(init=False)

    def __post_init__(self) -> None:
        self._ignored = tuple(map(_lower_header, map(segments, self.settings.ignore)))
        self._numbers = tuple((segments(place), one) for place, one in self.settings.numbers.items())
        self._times = tuple((segments(place), one) for place, one in self.settings.times.items())
        split = (place.partition(" by ") for place in self.settings.unordered)
        self._unordered = tuple((segments(place), by) for place, _, by in split)
        self.ignored = lru_cache(4096)(self._is_ignored)
        self.unordered = lru_cache(4096)(self._order)

    def _is_ignored(self, path: Path) -> bool:
        return any(matches(pattern, path) for pattern in self._ignored)

    def _order(self, path: Path) -> str | None:
        """None: the order matters. Else the key that tells items apart; empty: the items themselves do."""
        return _first(path, self._unordered)

    def number(self, path: Path) -> Within | None:
        return _first(path, self._numbers)

    def time(self, path: Path) -> timedelta | None:
        return _first(path, self._times)


def _first(path: Path, rules: Iterable[tuple[Path, _T]]) -> _T | None:
    return next((one for pattern, one in rules if matches(pattern, path)), None)


def _lower_header(pattern: Path) -> Path:
    return (pattern[0], *(part.lower() for part in pattern[1:])) if pattern[0] == "header" else pattern
