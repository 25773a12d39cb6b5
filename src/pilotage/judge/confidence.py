"""How many times as often: a confidence sequence for the ratio new/old, valid at every look (F17)."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from pilotage.judge.evidence import FINE, WORSE, Counts, Margin, poisson_gains

LEVEL = 0.05
REACH = log(1e4)
"""Ratios beyond 1 : 10 000 are not told apart from none."""
STEP = 0.1
"""How far, as ln of the ratio, a bound moves between two looks as a rule …"""
NEARBY = 4
"""… and how often that is halved."""
UP, DOWN = (1.01, 1.03, 1.1, *WORSE), (0.99, 0.97, *FINE)
"""Alternatives beside a bound that may have to tell a few per cent (``near``), of twice as many halvings."""
HALVINGS = 10
"""The bounds are exact to a factor of e^(2·9.2/2^10) < 1.02, rounded outwards."""


Bounds = tuple[float | None, float | None]


def interval(
    steps: Sequence[Counts], phi: float, before: Bounds = (None, None), *, near: bool = False
) -> Bounds:
    """(low, high): the ratios that neither one-sided mixture rejects at 2/0.05 (Ville).

    ``steps`` are the totals of each stretch with a constant split. None: no bound yet. Exact for a base rate
    that moves while the split stands still; ``phi`` divides the gains (bursts). ``before``: what was found
    last, from which it is not far. ``near``: for ratios near 1, of which others have no need.
    """
    counted = [counts for counts in steps if counts.n1 > 0.0 and counts.n0 > 0.0]
    if not counted:
        return None, None
    up, down, times = (UP, DOWN, 2) if near else (WORSE, FINE, 1)
    low = _bound(counted, phi, up, before[0], rejected=-REACH, kept=REACH, times=times)
    high = _bound(counted, phi, down, before[1], rejected=REACH, kept=-REACH, times=times)
    return low, high


def _bound(
    steps: list[Counts],
    phi: float,
    factors: tuple[float, ...],
    before: float | None,
    *,
    rejected: float,
    kept: float,
    times: int,
) -> float | None:
    """Halve between a log ratio that is rejected and one that is kept; None if nothing is rejected."""
    halvings, near = times * HALVINGS, _near(before, rejected)
    if near and _rejects(steps, phi, factors, near[0]) and not _rejects(steps, phi, factors, near[1]):
        (rejected, kept), halvings = near, times * NEARBY
    elif not _rejects(steps, phi, factors, rejected):
        return None
    for _ in range(halvings):
        middle = 0.5 * (rejected + kept)
        if _rejects(steps, phi, factors, middle):
            rejected = middle
        else:
            kept = middle
    return exp(rejected)


def _near(before: float | None, rejected: float) -> tuple[float, float] | None:
    """A little to the rejected side of the last bound, and a little to the other."""
    if before is None or before <= 0.0:
        return None
    step = STEP if rejected > 0.0 else -STEP
    return log(before) + step, log(before) - step


def _rejects(steps: list[Counts], phi: float, factors: tuple[float, ...], log_ratio: float) -> bool:
    margin = Margin(exp(log_ratio), 0.0)
    sums = [0.0] * len(factors)
    for counts in steps:
        sums = [a + b for a, b in zip(sums, poisson_gains(counts, margin, factors), strict=True)]
    top = max(sums) / phi
    return top + log(sum([exp(value / phi - top) for value in sums]) / len(sums)) >= log(2.0 / LEVEL)
