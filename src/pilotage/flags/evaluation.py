"""Who has which variant of a flag. Pure; the same answer as flagd's clients give for the compiled definition.

A user's place is MurmurHash3 (32 bits, seed 0) over the CBOR array of the flag's key and the user's id, as a
part of EVERYBODY: ``hash * 1_000_000 >> 32``. Whoever's place is below the share has the feature; the place
never changes, so a growing share takes it from nobody. Sources: flagd, *Fractional Operation* (hash, integer
buckets); RFC 8949 section 3 and 4.2.1 (CBOR, the shortest form).
"""

from __future__ import annotations

from collections.abc import Mapping

from pilotage.core.flags import FlagRule, Segment
from pilotage.core.values import EVERYBODY
from pilotage.flags.murmur import murmur3

_ARRAY, _TEXT = 0x80, 0x60
_SHORT = 24
"""Lengths below stand in the first byte itself."""


def variant(rule: FlagRule, user: str | None, attributes: Mapping[str, object] | None = None) -> str:
    """The name of the variant of a user. Without an id nobody is in a share, but all are in everybody."""
    if rule.killed:
        return rule.off
    known = attributes or {}
    if any(fits(segment, known) for segment in rule.segments):
        return rule.on
    if rule.share == EVERYBODY:
        return rule.on
    return rule.on if user and place(rule.key, user) < rule.share else rule.off


def fits(segment: Segment, attributes: Mapping[str, object]) -> bool:
    """Whether somebody with these attributes is in the segment; a value that is no text is in none."""
    value = attributes.get(segment.attribute)
    if not isinstance(value, str):
        return False
    if segment.starts_with is not None:
        return value.startswith(segment.starts_with)
    return value in (segment.one_of or (segment.equals,))


def place(key: str, user: str) -> int:
    """Of a user among all: 0 … 999 999. The same for ever, and another one for another flag."""
    return murmur3(bytes([_ARRAY | 2]) + _text(key) + _text(user)) * EVERYBODY >> 32


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) < _SHORT:
        return bytes([_TEXT | len(data)]) + data
    for more, size in enumerate((1, 2, 4, 8)):
        if len(data) < 1 << 8 * size:
            return bytes([_TEXT | _SHORT + more]) + len(data).to_bytes(size, "big") + data
    raise AssertionError("no text is as long as that")
