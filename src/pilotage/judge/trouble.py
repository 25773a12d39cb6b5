"""Shared trouble: has the old version itself become worse than it has been? Then nothing is widened."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any, Self

NOW, USUAL = 20.0, 900.0
"""Seconds of memory (time constants) of what is going on, and of what is usual."""
TIMES = 3.0
KNOWN = 500.0
"""Remembered requests from which it is known what is usual."""


@dataclass(slots=True)
class Trouble:
    """Exponentially fading requests and errors of the old version. While there is trouble, nothing of it is
    taken for usual, but for a tenth: what lasts is not trouble for ever."""

    now_requests: float = 0.0
    now_errors: float = 0.0
    requests: float = 0.0
    errors: float = 0.0

    def learn(self, seconds: float, requests: float, errors: float) -> None:
        slow = 0.1 if self.begun() else 1.0
        keep = max(0.0, 1.0 - seconds / NOW)
        self.now_requests = self.now_requests * keep + requests
        self.now_errors = self.now_errors * keep + errors
        keep = max(0.0, 1.0 - slow * seconds / USUAL)
        self.requests = self.requests * keep + slow * requests
        self.errors = self.errors * keep + slow * errors

    def begun(self) -> bool:
        """More than three times the usual errors, and more than chance and a handful would bring."""
        if self.requests < KNOWN or self.now_requests <= 0.0:
            return False
        expected = self.usual() * self.now_requests
        return self.now_errors > TIMES * expected + 4.0 * sqrt(expected) + 5.0

    def usual(self) -> float:
        return self.errors / self.requests if self.requests > 0.0 else 0.0

    def rate(self) -> float:
        return self.now_errors / self.now_requests if self.now_requests > 0.0 else 0.0

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, data: dict[str, Any]) -> Self:
        return cls(**data)
