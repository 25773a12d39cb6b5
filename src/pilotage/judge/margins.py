"""How much instances of one version differ, and the margin that this asks for (F18).

A new version on few instances can not be told from those instances: a ratio that instances of one version
reach among themselves must not count as worse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from pilotage.judge.pretend import Counts, Moment

BLOCK = 600.0
"""Seconds of history in which the instances are compared with each other."""
ENOUGH = 5.0
"""Events that each instance must have in a block, for the logarithm of its rate to mean anything."""
LEAST = 1.1
"""No margin is smaller."""
SURE = 2.33
"""One in a hundred of a normal distribution lies above it."""


Read = Callable[[Counts], tuple[float, float]]
"""(requests, events) of one instance."""


@dataclass(frozen=True)
class Margin:
    """``ratio`` is the margin that the differences between instances ask for; ``wander`` the standard deviation
    of the logarithm of one instance's rate; ``blocks`` how many comparisons that rests on."""

    measure: str
    ratio: float
    wander: float
    blocks: int


def margin(
    measure: str, moments: Iterable[Moment], read: Read, *, new: int, old: int, stands_for: float = 1.0
) -> Margin | None:
    """ρ = max(1.1, exp(2.33 σ √(1/k1 + 1/k0))) with σ² the variance of ln(rate) between instances, less what
    chance alone makes of it (Poisson: 1/events). None: too few events, or no instances to compare.

    ``new``, ``old``: instances of either version (k1, k0). ``stands_for``: instances that one shard sums up.
    """
    found = [one for block in _blocks(moments) if (one := _between(block, read)) is not None]
    if not found:
        return None
    wander = sqrt(max(0.0, stands_for * sum(found) / len(found)))
    ratio = max(LEAST, exp(SURE * wander * sqrt(1.0 / new + 1.0 / old)))
    return Margin(measure, ratio, wander, len(found))


def _blocks(moments: Iterable[Moment]) -> list[list[Moment]]:
    """Cut every BLOCK seconds, and where an instance comes or goes."""
    blocks: list[list[Moment]] = []
    for moment in moments:
        last = blocks[-1] if blocks else None
        same = last is not None and len(last[0].parts) == len(moment.parts)
        if last is None or not same or moment.t - last[0].t > BLOCK:
            blocks.append([moment])
        else:
            last.append(moment)
    return blocks


def _between(block: Sequence[Moment], read: Read) -> float | None:
    """The variance of ln(rate) between the instances, less the part of chance; may be negative."""
    width = len(block[0].parts)
    sums = [[read(moment.parts[place]) for moment in block] for place in range(width)]
    totals = [(sum([n for n, _ in one]), sum([x for _, x in one])) for one in sums]
    if width < 2 or any(x < ENOUGH or n <= 0.0 for n, x in totals):
        return None
    logs = [log(x / n) for n, x in totals]
    mean = sum(logs) / width
    spread = sum([(one - mean) ** 2 for one in logs]) / (width - 1)
    return spread - sum([1.0 / x for _, x in totals]) / width
