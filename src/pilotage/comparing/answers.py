"""What a comparison works on: answers, and spots in which two of them differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pilotage.core.comparing import Trait


@dataclass(frozen=True)
class Answer:
    """One version's answer, its body without transfer or content encoding, and how long it took."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float


class Spot(NamedTuple):
    """A place in an answer, and in what the two differ there."""

    place: str
    trait: Trait


Spots = dict[Spot, tuple[object, object]]
"""Where two answers differ, each with the two values that were found first: not kept, only looked at."""

MOST_SPOTS = 200
"""In one pair of answers; what is beyond is one spot more."""
ELSEWHERE = Spot("(elsewhere)", Trait.VALUE)


def note(spots: Spots, spot: Spot, old: object, other: object) -> None:
    """Adds one, unless there are too many already."""
    if len(spots) >= MOST_SPOTS:
        spot = ELSEWHERE
    spots.setdefault(spot, (old, other))
