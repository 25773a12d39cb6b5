"""Answers of two versions to the same requests: how they are to be compared, and what came of it.

A copy of a user's request is asked of the old version twice and of the new version once. What differs between
the two answers of the old version is noise; what the new version's answer differs in beyond that is real.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from pilotage.core.judging import Outcome
from pilotage.core.notation import DurationText, parse_fraction
from pilotage.core.values import Frozen, Instant, digest

_SEGMENT = re.compile(r'\.?([^.\[\]"]+)|\[(\*)\]|\["([^"]*)"\]')
ITEM = "[*]"
"""Any item of a list: places in lists are counted together."""


ROOTS = ("$", "header", "status", "text", "time")


def segments(pattern: str) -> tuple[str, ...]:
    """``$.items[*].price`` → ``$``, ``items``, ``[*]``, ``price``. ValueError when it is no place."""
    found, at = [], 0
    while at < len(pattern):
        match = _SEGMENT.match(pattern, at)
        if match is None:
            break
        found.append(ITEM if match[2] else match[1] if match[1] is not None else match[3])
        at = match.end()
    if at < len(pattern) or not found or found[0] not in ROOTS:
        mend = "write it like $.items[*].price, header.etag, status, text or time"
        raise ValueError(f"{pattern!r} is not a place in an answer: {mend}")
    return tuple(found)


def _place(pattern: str) -> str:
    segments(pattern)
    return pattern


def _order(pattern: str) -> str:
    place, _, key = pattern.partition(" by ")
    if " by " in pattern and not key.strip():
        raise ValueError(f"{pattern!r} does not say by which key: write it like $.items by id")
    return _place(place.strip()) + (f" by {key.strip()}" if key else "")


Place = Annotated[str, AfterValidator(_place)]
Order = Annotated[str, AfterValidator(_order)]


class Within(Frozen):
    """How far apart two numbers may be and still be the same: absolutely, or as a part of the larger one."""

    apart: float = Field(default=0.0, ge=0)
    part: float = Field(default=0.0, ge=0, le=1)


def parse_within(said: Any) -> Any:
    """``0.01`` is a distance, ``1%`` a part."""
    if isinstance(said, str):
        return Within(part=parse_fraction(said))
    if isinstance(said, int | float) and not isinstance(said, bool):
        return Within(apart=said)
    return said


WithinText = Annotated[Within, BeforeValidator(parse_within)]


class Examples(StrEnum):
    """What is kept of answers that differ, to look at."""

    NONE = "none"
    SHAPES = "shapes"
    """What kind of value each side had (``text of 12``, ``number``), never the value."""
    VALUES = "values"
    """The values themselves, cut short: only for services without personal data or secrets."""


class Slower(Frozen):
    """From when on an answer counts as slower than the old version's to the same request."""

    times: float = Field(default=2.0, ge=1, description="So many times as long as the old version took …")
    plus: DurationText = Field(default=timedelta(milliseconds=50), description="… and so much more.")
    most: float = Field(
        default=0.05, gt=0, lt=1, description="The largest part of answers that may be slower, beyond noise."
    )


class CompareSettings(Frozen):
    """What counts as a difference. A place is a path: ``$.items[*].price``, ``header.etag``, ``status``; ``*``
    stands for one part of it, ``**`` for any number."""

    ignore: tuple[Place, ...] = Field(default=(), description="Places that are not compared.")
    numbers: dict[Place, WithinText] = Field(
        default_factory=dict,
        description="Numbers at these places are the same within so much (0.01), or such a part (1%).",
    )
    times: dict[Place, DurationText] = Field(
        default_factory=dict, description="Times at these places are the same when they are no further apart."
    )
    unordered: tuple[Order, ...] = Field(
        default=(), description="Lists whose order does not matter: `$.items`, or `$.items by id`."
    )
    slower: Slower = Field(
        default=Slower(), description="When an answer counts as slower; `ignore: [time]` leaves that out."
    )
    examples: Examples = Field(
        default=Examples.SHAPES,
        description="What is kept of answers that differ: none, shapes (kinds of values), or values.",
    )


class Trait(StrEnum):
    """In what two answers differ at a place."""

    UNANSWERED = "unanswered"
    STATUS = "status"
    MISSING = "missing"
    """The old version has it, the other has not."""
    EXTRA = "extra"
    TYPE = "type"
    VALUE = "value"
    LENGTH = "length"
    SLOWER = "slower"


class Finding(StrEnum):
    """What is known of the differences at one place."""

    WRONG = "wrong"
    """Shown to be more frequent, beyond noise, than is allowed."""
    REAL = "real"
    """Shown to be more frequent than noise; not shown to be more than is allowed."""
    NOISE = "noise"
    """The old version differs from itself there."""
    UNCLEAR = "unclear"
    """Seen, too seldom to say."""


class Difference(Frozen):
    """One place where answers differed. Counts are of compared requests."""

    endpoint: str
    """``GET /orders/*``: parts of a path that look like ids are one."""
    place: str
    trait: Trait
    new: int
    """The new version's answer differed from the old one's here."""
    noise: int
    """The old version's second answer differed from its first here."""
    finding: Finding
    against: float = 0.0
    """In 0 … 1: how far the evidence is towards more than is allowed."""
    examples: tuple[str, ...] = ()


class Reconciliation(Frozen):
    """The report of a parallel run so far. Its digest is what a person signs off."""

    began: Instant
    at: Instant
    copies: int = 0
    """Of requests that came from the router."""
    compared: int = 0
    """Answered by the old version twice and asked of the new one."""
    equal: int = 0
    different: int = 0
    """Differs at a place where the old version does not, as far as that was known then."""
    noisy: int = 0
    """The old version's two answers differed from each other."""
    left_out: dict[str, int] = Field(default_factory=dict)
    """Copies that were not compared, and so count for nothing: why → how many."""
    outcome: Outcome = Outcome.UNDECIDED
    why: tuple[str, ...] = ()
    missing: str = ""
    """What is missing for a decision, in words."""
    at_most: float | None = None
    """With 95 %, no larger part of answers differs beyond noise; None: nothing is known."""
    differences: tuple[Difference, ...] = ()
    """The most telling first."""
    more: int = 0
    """Further places, left out of ``differences``."""
    old_seconds: tuple[float | None, float | None] = (None, None)
    """Half, and 95 % of the answers came within so long."""
    new_seconds: tuple[float | None, float | None] = (None, None)

    @cached_property
    def digest(self) -> str:
        return digest(self)
