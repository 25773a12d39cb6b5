"""How many different users a number of requests reaches, when every user asks as often as any other.

Of U users, R requests spread evenly and independently reach U·(1 - e^(-R/U)) (the classical occupancy problem:
Feller, An Introduction to Probability Theory, volume 1, chapter IV).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import expm1


def reached(users: float, requests: float) -> float:
    """Of so many users, those who made at least one of the requests."""
    if users <= 0.0:
        return 0.0
    return min(requests, -users * expm1(-requests / users))  # the least of floats are rounded upwards


@dataclass
class Crowd:
    """Users who have seen the new version. By request, everybody may; by user, those below the share: who
    belongs to it once belongs to every greater one."""

    users: int
    by_user: bool
    seen: float = 0.0
    """Requests to the new version, while shares were of requests."""
    bands: list[tuple[float, float]] = field(default_factory=list)
    """(part of all users, requests of them): each share that was greater than all before added its part."""

    def saw(self, requests: float, share: float) -> None:
        """So many requests to the new version at this share (0 … 1)."""
        if not self.by_user:
            self.seen += requests
            return
        known = sum(part for part, _ in self.bands)
        if share > known:
            self.bands.append((share - known, 0.0))
        left, found = share, []
        for part, before in self.bands:
            mine = min(part, max(left, 0.0))
            found.append((part, before + (requests * mine / share if share else 0.0)))
            left -= part
        self.bands = found

    @property
    def exposed(self) -> float:
        """Expected users who have seen it at least once."""
        if not self.by_user:
            return reached(self.users, self.seen)
        return sum(reached(part * self.users, requests) for part, requests in self.bands)
