"""Is it more than noise, and is it few enough? Bets on paired answers that may be looked at at any time.

For each compared request X is 1 where only the new version's answer differs from the old one's first answer, -1
where only the old one's second answer does, and 0 where both do or neither. When the new version does what the
old one does, the two are exchangeable, and the mean of X is 0 whatever the noise. So for a bound d

    prod (1 + l (X - d)),  0 <= l < 1 / (1 + d)      bets against  mean of X <= d
    prod (1 - l (X - d)),  0 <= l < 1 / (1 - d)      bets against  mean of X >= d

are test supermartingales: neither ever exceeds 1/alpha with a chance of more than alpha (Ville 1939;
Waudby-Smith and Ramdas 2024, Estimating means of bounded random variables by betting). The mean may move from
request to request. A mixture over a grid of l stays one, and needs only three counts.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, log, log1p
from typing import NamedTuple

FRACTIONS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.99)
"""Of the largest stake."""
WEIGHTS = (*(0.5 / (len(FRACTIONS) - 1),) * (len(FRACTIONS) - 1), 0.5)
"""Half of it is on the largest: as a rule hardly an answer differs, or all do."""
HALVINGS = 40


class Pairs(NamedTuple):
    """How often only the new answer differed, only the old version's second one, and neither or both."""

    new: int = 0
    noise: int = 0
    same: int = 0

    @property
    def of(self) -> int:
        return self.new + self.noise + self.same

    def and_then(self, *, new: bool, noise: bool) -> Pairs:
        same = new == noise
        return Pairs(self.new + (new and not same), self.noise + (noise and not same), self.same + same)


def more_than(pairs: Pairs, most: float) -> float:
    """Nats of evidence that the new version differs beyond noise in more than the part ``most`` of answers."""
    stakes = tuple(part / (1.0 + most) for part in FRACTIONS)
    return _mixed(
        [
            pairs.new * log1p(stake * (1.0 - most))
            + pairs.noise * log1p(-stake * (1.0 + most))
            + pairs.same * log1p(-stake * most)
            for stake in stakes
        ]
    )


def fewer_than(pairs: Pairs, most: float) -> float:
    """Nats of evidence that it differs beyond noise in less than the part ``most`` of answers."""
    stakes = tuple(part / (1.0 - most) for part in FRACTIONS)
    return _mixed(
        [
            pairs.new * log1p(-stake * (1.0 - most))
            + pairs.noise * log1p(stake * (1.0 + most))
            + pairs.same * log1p(stake * most)
            for stake in stakes
        ]
    )


def _mixed(gains: list[float]) -> float:
    top = max(gains)
    weighed = (weight * exp(gain - top) for weight, gain in zip(WEIGHTS, gains, strict=True))
    return top + log(sum(weighed))


@lru_cache(256)
def upper_bound(pairs: Pairs, chance: float) -> float | None:
    """Except with this chance, never above: the smallest part that ``fewer_than`` rejects. None: no bound."""
    needed = log(1.0 / chance)
    low, high = 0.0, 1.0 - 1e-6
    if fewer_than(pairs, high) < needed:
        return None
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if fewer_than(pairs, middle) >= needed else (middle, high)
    return high


def still_needed(pairs: Pairs, most: float, chance: float) -> int:
    """So many more compared requests, if none of them differs, until ``fewer_than`` says so."""
    needed = log(1.0 / chance)
    if fewer_than(pairs, most) >= needed:
        return 0
    low, high = 0, 1
    while fewer_than(pairs._replace(same=pairs.same + high), most) < needed:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = fewer_than(pairs._replace(same=pairs.same + middle), most) >= needed
        low, high = (low, middle) if enough else (middle, high)
    return high
