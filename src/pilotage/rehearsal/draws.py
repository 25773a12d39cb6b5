"""Numbers of events as chance has them. Whoever draws brings the chance along."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import exp, lgamma, log, sqrt
from typing import Protocol

FEW = 30.0
"""Below this mean events are counted one by one."""
SINGLY = 64
"""So many are sorted into cells one by one."""


class Chance(Protocol):
    """``random.Random`` is one."""

    def random(self) -> float:
        """0 … 1."""
        ...


def poisson(chance: Chance, mean: float) -> int:
    """How many events come where ``mean`` are expected."""
    if mean <= 0.0:
        return 0
    if mean < FEW:
        return _by_products(chance, mean)
    return _by_rejection(chance, mean)


def _by_products(chance: Chance, mean: float) -> int:
    """Knuth, The Art of Computer Programming, volume 2, section 3.4.1."""
    limit, product, found = exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        found += 1
    return found


def _by_rejection(chance: Chance, mean: float) -> int:
    """Hörmann, The transformed rejection method for generating Poisson random variables (1993), PTRS."""
    b = 0.931 + 2.53 * sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha, v_r, log_mean = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2.0), log(mean)
    while True:
        u, v = chance.random() - 0.5, chance.random()
        us = 0.5 - abs(u)
        if us <= 0.0:
            continue
        k = int((2.0 * a / us + b) * u + mean + 0.43) if (2.0 * a / us + b) * u + mean + 0.43 >= 0 else -1
        if us >= 0.07 and v <= v_r and k >= 0:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        accepted = log(v) + log(inverse_alpha) - log(a / (us * us) + b)
        if accepted <= k * log_mean - mean - lgamma(k + 1.0):
            return k


def cells(chance: Chance, mean: float, parts: Sequence[float]) -> list[int]:
    """Poisson events sorted into cells with these chances (which sum to 1): each cell's number is Poisson, and
    they are independent."""
    if mean < SINGLY:
        found, edges = [0] * len(parts), list(accumulate(parts))
        for _ in range(poisson(chance, mean)):
            found[min(bisect_right(edges, chance.random()), len(parts) - 1)] += 1
        return found
    return [poisson(chance, mean * part) for part in parts]
