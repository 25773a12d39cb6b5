"""Where the headers of two answers differ. Names are compared in any case, values exactly."""

from __future__ import annotations

from collections.abc import Iterable

from pilotage.comparing.answers import Spot, Spots, note
from pilotage.comparing.places import Rules
from pilotage.core.comparing import Trait

UNTOLD = frozenset(
    {
        "age", "connection", "content-encoding", "content-length", "date", "keep-alive", "proxy-authenticate",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "via",
    }
)  # fmt: skip
"""Of the way and not of the answer (RFC 9110, 7.6.1), the clock, and what the body says better."""


def compare(
    old: Iterable[tuple[str, str]], other: Iterable[tuple[str, str]], rules: Rules, spots: Spots
) -> None:
    """Adds where they differ; a header that comes several times is one list of values."""
    left, right = _by_name(old), _by_name(other)
    for name in sorted(left.keys() | right.keys()):
        if name in UNTOLD or rules.ignored(("header", name)):
            continue
        before, after = left.get(name), right.get(name)
        if before != after:
            trait = Trait.MISSING if after is None else Trait.EXTRA if before is None else Trait.VALUE
            note(spots, Spot(f"header.{name}", trait), _shown(before), _shown(after))


def _by_name(headers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value.strip())
    return found


def _shown(values: list[str] | None) -> str | None:
    return None if values is None else ", ".join(values)
