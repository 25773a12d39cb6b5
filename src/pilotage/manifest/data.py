"""Tree → plain data for pydantic, with everything that YAML readers would read apart."""

from __future__ import annotations

import re
from typing import Any

from pilotage.manifest.nodes import Entries, Items, Node, Scalar, Span, Spot, scalars
from pilotage.manifest.plain import Doubt, read_plain
from pilotage.manifest.source import Finding

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_DURATION = re.compile(f"(?:{_PART.pattern})+")
_DAYS = {"ms": 1 / 86_400_000, "s": 1 / 86_400, "m": 1 / 1440, "h": 1 / 24, "d": 1.0, "w": 7.0}
_LONGEST_DAYS = 3653


class Reading:
    """The data, the findings, and the nodes that have been found wrong (one finding a node is enough)."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.findings: list[Finding] = []
        self.faulty: set[int] = set()
        self.data = self._read(Spot(None, root))

    def fault(self, node: Node, finding: Finding) -> None:
        """Once a node: through an alias it can be met again."""
        if id(node) not in self.faulty:
            self.findings.append(finding)
            self.faulty.add(id(node))

    def _read(self, spot: Spot) -> Any:
        match spot.value:
            case Scalar() as scalar:
                return self._scalar(spot, scalar)
            case Items(items=items):
                return [self._read(Spot(None, item)) for item in items]
            case Entries() as entries:
                return self._placeholder(entries) or self._mapping(entries)

    def _mapping(self, mapping: Entries) -> dict[str, Any]:
        data: dict[str, Any] = {}
        seen: dict[str, Scalar] = {}
        for key, value in mapping.entries:
            first = seen.setdefault(key.text, key)
            if first is not key:
                self._duplicate(first, key)
                continue
            self._key(key)
            data[key.text] = self._read(Spot(key, value))
        return data

    def _key(self, key: Scalar) -> None:
        read = key.text if key.quoted or key.secret else read_plain(key.text)
        if isinstance(read, Doubt):
            self.fault(key, Finding(key.span, "manifest.ambiguous", read.what, f'write "{key.text}" in quotes'))
        elif not isinstance(read, str):
            what = f"the key {shown(key)} is {kind_of(read)} in YAML, and a key is a text"
            mend = f'write "{key.text}" in quotes' if key.text else "write a key before the colon"
            self.fault(key, Finding(key.span, "manifest.not-text", what, mend))

    def _duplicate(self, first: Scalar, key: Scalar) -> None:
        where = f"the first is in line {first.span.line + 1}, column {first.span.column + 1}"
        what, mend = f"{shown(key)} is given twice", "keep one of the two"
        self.fault(key, Finding(key.span, "manifest.duplicate-key", what, mend, where))

    def _placeholder(self, value: Entries) -> str | None:
        """``{port}`` without quotes is a mapping to YAML. It is never meant."""
        if len(value.entries) != 1:
            return None
        key, empty = value.entries[0]
        if key.quoted or not isinstance(empty, Scalar) or empty.text or empty.quoted:
            return None
        if key.span.line != value.span.line or key.span.column != value.span.column + 1:
            return None
        what = "braces without quotes are a mapping in YAML"
        mend = "put the whole in quotes" if key.secret else f'write "{{{key.text}}}" in quotes'
        span = Span(value.span.line, value.span.column, key.span.end_line, key.span.end_column + 1)
        self.fault(value, Finding(span, "manifest.placeholder", what, mend))
        return "{" + key.text + "}"

    def _scalar(self, spot: Spot, scalar: Scalar) -> Any:
        escaped = _CONTROL.search(scalar.text)
        if escaped:
            what = f"an escape in this text makes the control character U+{ord(escaped[0]):04X}"
            mend = "use 'single' quotes when the backslash itself is meant"
            self.fault(scalar, Finding(scalar.span, "manifest.character", what, mend))
        if _endless(scalar.text):
            what, mend = f"{shown(scalar)} is longer than ten years", "write a shorter duration"
            self.fault(scalar, Finding(scalar.span, "manifest.duration", what, mend))
            return "1s"
        if scalar.quoted:
            return scalar.text
        value = read_plain(scalar.text)
        if isinstance(value, Doubt):
            if not scalar.secret:  # which is refused as a secret, without showing it
                self.fault(scalar, Finding(scalar.span, "manifest.ambiguous", value.what, value.mend))
            return scalar.text
        if value is None:
            self._empty(spot, scalar)
        return value

    def _empty(self, spot: Spot, scalar: Scalar) -> None:
        name = f"{shown(spot.key)} has no value" if spot.key else "there is no value here"
        self.fault(scalar, Finding(spot.span, "manifest.no-value", name, "give it one, or remove the line"))


def _endless(text: str) -> bool:
    """A duration that no clock could wait for, nor a timedelta hold."""
    text = text.replace(" ", "")
    if not _DURATION.fullmatch(text):
        return False
    days = [(float(number), unit) for number, unit in _PART.findall(text)]
    return sum(number * _DAYS[unit] for number, unit in days) > _LONGEST_DAYS


def kind_of(value: object) -> str:
    """What a person calls it."""
    match value:
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return "nothing"


def shown(node: Node) -> str:
    """A value in a sentence: short, and never a secret."""
    if any(scalar.secret for scalar in scalars(node)):
        return "this value"
    match node:
        case Scalar(text=text):
            text = " ".join(text.split())
            if not text:
                return "an empty text"
            return f"`{text if len(text) <= 40 else text[:39] + '…'}`"
        case Items():
            return "a list"
        case Entries():
            return "a mapping"
