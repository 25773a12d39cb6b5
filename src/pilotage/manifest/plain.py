"""What a plain (unquoted) scalar means: the core schema of YAML 1.2, and nothing that two readers read apart.

https://yaml.org/spec/1.2.2/#103-core-schema. YAML 1.1 readers take ``yes`` for true, ``0777`` for 511, ``1:30``
for 90 and ``2026-01-02`` for a date; YAML 1.2 readers do not. What would be read differently is refused, with
the two ways to say what was meant.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

Value = str | int | float | bool | None

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_YES = frozenset(["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"])
_NO = frozenset(["n", "N", "no", "No", "NO", "off", "Off", "OFF"])

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_FLOAT_TO_ALL = re.compile(r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+][0-9]+)?|\.[0-9]+(?:[eE][-+][0-9]+)?")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_OLD_OCTAL = re.compile(r"[-+]?0[0-9]+")
_OLD_NUMBER = re.compile(r"[-+]?(?:0b[01]+|0o[0-7]+|0x[0-9a-fA-F]+|[0-9]*\.?[0-9]*(?:[eE][-+]?[0-9]+)?)")
_SIXTIES = re.compile(r"[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?")
# A zone by its name makes it a text to all readers: `2026-12-01T02:00 Europe/Berlin`.
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?(?:(?:[Tt]|[ \t]+)\d\d?:\d\d[^A-Ya-y]*)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MOST_DIGITS = 18
"""More do not fit a JSON number that everybody reads alike."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """This can be read in two ways, or in none."""

    what: str
    mend: str


def read_plain(text: str) -> Value | Doubt:
    """``true`` → True, ``12`` → 12, ``1.5`` → 1.5, ``5m`` → "5m", nothing → None; a Doubt for the rest."""
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text in _YES or text in _NO:
        boolean = "true" if text in _YES else "false"
        return Doubt(
            f"`{text}` is a boolean to some YAML readers and a text to others",
            f'write {boolean}, or "{text}" in quotes when the text is meant',
        )
    return _read_number(text) if text[0] in "+-.0123456789" else text


def _read_number(text: str) -> Value | Doubt:
    doubt = _doubtful_number(text)
    if doubt:
        return doubt
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 0)
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return (
            number if math.isfinite(number) else Doubt(f"`{text}` is too large a number", "write a smaller one")
        )
    return text


def _doubtful_number(text: str) -> Doubt | None:
    quoted = f'"{text}" in quotes when the text is meant'
    if _OLD_OCTAL.fullmatch(text):
        plain = text.lstrip("+-").lstrip("0") or "0"
        octal = (
            f"octal {int(plain, 8)}"
            if plain.isdigit() and not set(plain) & set("89") and len(plain) < 20
            else "octal"
        )
        return Doubt(
            f"`{text}` is {octal} to some YAML readers and {_crop(plain)} to others",
            f"write {_crop(plain)}, or {quoted}",
        )
    if _SIXTIES.fullmatch(text.replace("_", "")):
        return Doubt(
            f"`{text}` is a number of base 60 to some YAML readers and a text to others",
            f"write a duration like 1h30m, or {quoted}",
        )
    if _DATE.fullmatch(text):
        return Doubt(
            f"`{text}` is a date to some YAML readers and a text to others", f'write "{text}" in quotes'
        )
    if (
        not _plainly(text)
        and any(sign.isdigit() for sign in text)
        and _OLD_NUMBER.fullmatch(text.replace("_", ""))
    ):
        return Doubt(
            f"`{text}` is a number to some YAML readers and a text to others",
            f"write plain digits, or {quoted}",
        )
    if _NOT_FINITE.fullmatch(text):
        return Doubt(f"`{text}` is no number that one could reach", f"write a finite one, or {quoted}")
    if len(text) > _MOST_DIGITS and (_INTEGER.fullmatch(text) or _HEXADECIMAL.fullmatch(text)):
        return Doubt(f"`{_crop(text)}` has too many digits for a number", "write it in quotes")
    return None


def _plainly(text: str) -> bool:
    """A number to everybody."""
    return any(form.fullmatch(text) for form in (_INTEGER, _FLOAT_TO_ALL, _HEXADECIMAL))


def _crop(text: str) -> str:
    return text if len(text) <= _MOST_DIGITS else text[: _MOST_DIGITS - 1] + "…"
