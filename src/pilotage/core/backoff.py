"""How long to wait before something that failed is tried again."""

from __future__ import annotations

from datetime import timedelta
from zlib import crc32

_SPREAD = 0.25
_DOUBLINGS = 20
"""More are longer than anybody waits, and some hundreds more are no number any more."""


def grown(failures: int, *, first: float = 0.5, most: float = 30.0) -> timedelta:
    """Twice as long after every failure in a row, up to ``most`` seconds."""
    return timedelta(seconds=min(first * 2 ** min(failures - 1, _DOUBLINGS), most))


def backoff(who: str, failures: int, *, first: float = 0.5, most: float = 30.0) -> timedelta:
    """As ``grown``; a quarter more or less.

    The spread is a function of who waits and how often it has failed, so that nothing random is in a decision:
    many that failed at one moment, because of the same thing, do not come again at one moment.
    """
    drawn = crc32(f"{who} {failures}".encode()) / 2**32
    return grown(failures, first=first, most=most) * (1 - _SPREAD + 2 * _SPREAD * drawn)
