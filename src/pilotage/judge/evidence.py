"""E-variables: what one block of counters says about "the new version is worse" (or "is good enough").

An e-variable is a number >= 0 whose mean is at most 1 when the hypothesis under test is true; it is a bet
against that hypothesis (Grünwald, de Heide, Koolen: Safe testing; Shafer: Testing by betting). Everything here
returns its natural logarithm, the *gain*, one for every alternative of a grid.

The hypothesis is always about the two error rates p1 (new) and p0 (old) and a margin (ratio rho, excess delta):

* factors > 1 bet against  p1 <= rho * p0 + delta   (not worse), to take a version back;
* factors < 1 bet against  p1 >= rho * p0 + delta   (too bad),   to let a version go on.

Where less is worse (conversions) the two change places: rho < 1, delta = 0, factors < 1 take back.

p0 is never estimated: the bounds hold for every p0, also one that changes from block to block. That is why
trouble that both versions share, and a share of traffic that grows meanwhile, do no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import log, log1p, sqrt
from typing import NamedTuple

WORSE = (1.4, 2.0, 4.0, 12.0, 300.0)
"""Alternatives for taking back: p1 is so many times the margin (F4)."""
FINE = (0.9, 0.75, 0.55, 0.35, 0.1, 0.001)
"""Alternatives for going on (F9)."""
FEWER = (0.93, 0.85, 0.7, 0.5, 0.2, 0.01)
"""Alternatives for taking back where less is worse …"""
ENOUGH = (1.05, 1.15, 1.3, 1.6, 2.5)
"""… and for going on."""
FRACTIONS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
"""Stakes of the block-fraction bet (F5)."""
FREQUENT = 0.4
"""From this base rate on, counting misses as well as hits is worth its price (F2 instead of F1)."""


class Margin(NamedTuple):
    """The line between the hypotheses: p1 = ratio * p0 + excess."""

    ratio: float
    excess: float


DISASTER = Margin(3.0, 0.05)
"""What even a cold start does not excuse (F13)."""


class Counts(NamedTuple):
    """One block: requests and events of the new version (n1, x1) and of the old one (n0, x0); n1, n0 > 0."""

    n1: float
    x1: float
    n0: float
    x0: float


def gains(counts: Counts, margin: Margin, factors: Sequence[float], base: float) -> list[float]:
    """The gain of every alternative. ``base``: the old version's rate as known *before* this block.

    Linear in (x1, x0), so that expected counts give the expected gain (used to foretell what is missing).
    """
    if base > FREQUENT:
        return bernoulli_gains(counts, margin, factors, base)
    return poisson_gains(counts, margin, factors)


def poisson_gains(counts: Counts, margin: Margin, factors: Sequence[float]) -> list[float]:
    """F1: E[a^X1 b^X0] <= exp(n1 p1 (a-1) + n0 p0 (b-1)), as a Bernoulli sum is below the Poisson one.

    With r = factor * rho and o = n1/n0: b = (1 + rho o)/(1 + r o), a = factor * b. Then b - 1 = -o rho (a - 1)
    cancels p0 on the line, and n1 delta (a - 1) the rest. Equality for Poisson data on the line.
    """
    n1, x1, n0, x0 = counts
    ratio, excess = margin
    reach, debt, total = ratio * n1 / n0, n1 * excess, x1 + x0
    whole = 1.0 + reach
    if not total:
        return [debt * (1.0 - factor * whole / (1.0 + reach * factor)) for factor in factors]
    return [
        debt * (1.0 - factor * whole / (1.0 + reach * factor))
        + x1 * log_factor
        + total * log1p(reach * (1.0 - factor) / (1.0 + reach * factor))
        for factor, log_factor in _with_logs(tuple(factors))
    ]


@lru_cache(maxsize=16)
def _with_logs(factors: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    return tuple([(factor, log(factor)) for factor in factors])


def bernoulli_gains(counts: Counts, margin: Margin, factors: Sequence[float], base: float) -> list[float]:
    """F2 with an excess: ln likelihood ratio of (q1, q0) to a point (t1, t0) on the line t1 = rho t0 + delta.

    The mean is a product of powers of functions affine in p1 and p0: log-concave. It is 1 at (t1, t0), where q0
    is chosen to make it stationary along the line, so it is at most 1 on the whole line; and it is monotone in
    p1, so at most 1 on the whole hypothesis. t0 is the projection of the alternative for delta = 0 (F2);
    with delta = 0 the q0 chosen here is the base rate itself. Alternatives off their side of the line gain 0.
    """
    return [_bernoulli_gain(counts, margin, factor, min(base, 0.999)) for factor in factors]


def _bernoulli_gain(counts: Counts, margin: Margin, factor: float, base: float) -> float:
    n1, x1, n0, x0 = counts
    rho = margin.ratio
    odds = factor * rho * base
    q1 = odds / (1.0 - base + odds)
    hits, misses1, misses0 = n1 * q1 + n0 * base, n1 * (1.0 - q1), n0 * (1.0 - base)
    b = hits * (1.0 + rho) + misses1 * rho + misses0
    root = b * b - 4.0 * rho * (hits + misses1 + misses0) * hits
    t0 = 2.0 * hits / (b + sqrt(max(root, 0.0)))
    t1 = rho * t0 + margin.excess
    if not (0.0 < t0 < 1.0 and t1 < 1.0) or (q1 - t1) * (factor - 1.0) <= 0.0:
        return 0.0
    slope = (q1 - t1) / (t1 * (1.0 - t1))
    q0 = t0 - n1 / n0 * rho * slope * t0 * (1.0 - t0)
    if not (0.0 < q0 < 1.0 and 0.0 < q1 < 1.0):
        return 0.0
    new = x1 * log(q1 / t1) + (n1 - x1) * log((1.0 - q1) / (1.0 - t1))
    old = x0 * log(q0 / t0) + (n0 - x0) * log((1.0 - q0) / (1.0 - t0))
    return new + old


def fraction_gains(counts: Counts, margin: Margin) -> list[float]:
    """F5: bets on the new version's part of a block's events; valid for any burst inside the block.

    f = x1/(x1 + x0 + delta n0/rho) has a mean of at most pi = rho o/(1 + rho o) if p1 <= rho p0 + delta, for
    Poisson numbers of bursts of any size (Stein-Chen identity; Jensen for the bursts). Only this side is valid
    with delta > 0. Without excess a block without events says nothing; with one it must not be skipped.
    """
    n1, x1, n0, x0 = counts
    total = x1 + x0 + margin.excess * n0 / margin.ratio
    if total <= 0.0:
        return [0.0] * len(FRACTIONS)
    reach = margin.ratio * n1 / n0
    surprise = x1 / total * (1.0 + reach) / reach
    return [log(1.0 + c * (surprise - 1.0)) for c in FRACTIONS]


def fewer_gains(counts: Counts, margin: Margin) -> list[float]:
    """F5 where less is worse: the old version's part of the events must not be too large. No excess."""
    n1, x1, n0, x0 = counts
    return fraction_gains(Counts(n0, x0, n1, x1), Margin(1.0 / margin.ratio, 0.0))


def limit_gains(n: float, x: float, limit: float, factors: Sequence[float]) -> list[float]:
    """One sample against a fixed rate ``limit``: Wald's likelihood ratio; alternative odds are factor * odds.

    Monotone in the true rate, so its mean is at most 1 on the whole side of ``limit`` under test.
    """
    found = []
    for factor in factors:
        scale = 1.0 + limit * (factor - 1.0)
        found.append(x * log(factor) - n * log(scale))
    return found
