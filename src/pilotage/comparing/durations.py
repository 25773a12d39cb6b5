"""How long answers took, in buckets of which each is a tenth longer than the one before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import ceil, log
from typing import Any

GROWTH = 1.1
SHORTEST = 1e-4
"""Seconds; what is shorter counts as this."""


@dataclass
class Durations:
    buckets: Counter[int] = field(default_factory=Counter)

    def add(self, seconds: float) -> None:
        self.buckets[max(0, ceil(log(max(seconds, SHORTEST) / SHORTEST, GROWTH)))] += 1

    def within(self, part: float) -> float | None:
        """Seconds within which this part of the answers came, to a tenth; None: there was none."""
        left = part * sum(self.buckets.values())
        for bucket in sorted(self.buckets):
            left -= self.buckets[bucket]
            if left <= 0:
                return float(f"{SHORTEST * GROWTH**bucket:.3g}")
        return None

    def dump(self) -> dict[str, Any]:
        return {"buckets": dict(self.buckets)}

    @classmethod
    def load(cls, data: dict[str, Any]) -> Durations:
        return cls(Counter({int(bucket): count for bucket, count in data["buckets"].items()}))
