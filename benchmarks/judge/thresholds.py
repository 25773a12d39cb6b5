"""Rules that look at rates: a fixed threshold (Argo Rollouts, Flagger), and the fixed-horizon test.

Written from their behaviour; they get the errors and requests of each second, without losses or restarts.
Argo Rollouts: `analysis/analysis.go` (a run fails when more measurements failed than `failureLimit`).
Flagger: `pkg/controller/scheduler.go` (a failed or missing check counts; rolled back at `threshold`).
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from benchmarks.judge.streams import Seconds
from benchmarks.judge.truth import Array, Flags

MINUTE = 60
WARM_UP = 60.0
"""Seconds that every rule leaves out at the beginning, as ours does."""
LIMIT = 3
"""Argo's example: so many measurements may fail."""
CHECKS = 10
"""Flagger's example: taken back at so many failed checks."""
FLAGGER = 0.01
"""Flagger's example: at least 99 % must succeed."""


def minutes(data: Seconds) -> tuple[Array, Array, Array, Array, Array]:
    """(time, n1, x1, n0, x0) of each whole minute with the new version."""
    serving = data.t > WARM_UP
    whole = int(serving.sum()) // MINUTE
    columns = [
        one[serving][: whole * MINUTE].reshape(whole, MINUTE) for one in (data.n1, data.x1, data.n0, data.x0)
    ]
    n1, x1, n0, x0 = [one.sum(axis=1) for one in columns]
    return WARM_UP + np.arange(1, whole + 1, dtype=np.float64) * MINUTE, n1, x1, n0, x0


def first(t: Array, hit: Flags) -> float | None:
    return float(t[np.argmax(hit)]) if hit.any() else None


def argo(data: Seconds, most: float) -> float | None:
    """One measurement a minute: at most the fraction ``most`` may fail. Without requests there is none."""
    t, n1, x1, _, _ = minutes(data)
    failed = np.cumsum((n1 > 0) & (x1 > most * n1))
    return first(t, failed > LIMIT)


def flagger(data: Seconds) -> float | None:
    t, n1, x1, _, _ = minutes(data)
    failed = np.cumsum((n1 == 0) | (x1 > FLAGGER * n1))
    return first(t, failed >= CHECKS)


def fixed_horizon(data: Seconds, alpha: float, *, peeking: bool) -> float | None:
    """The two-proportion z test on all there was so far; at the end, where it is right, or at every second."""
    t, n1, x1, n0, x0 = pooled(data)
    z = zeta(n1, x1, n0, x0)
    hit = z > NormalDist().inv_cdf(1.0 - alpha)
    return first(t, hit) if peeking else first(t[-1:], hit[-1:])


def pooled(data: Seconds) -> tuple[Array, Array, Array, Array, Array]:
    serving = (data.t > WARM_UP) & (data.weight > 0.0)
    columns = [np.cumsum(one[serving]) for one in (data.n1, data.x1, data.n0, data.x0)]
    return data.t[serving], columns[0], columns[1], columns[2], columns[3]


def zeta(n1: Array, x1: Array, n0: Array, x0: Array) -> Array:
    """The pooled z of a difference of two proportions; 0 while there is nothing to tell."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = (x1 + x0) / (n1 + n0)
        z = (x1 / n1 - x0 / n0) / np.sqrt(p * (1.0 - p) * (1.0 / n1 + 1.0 / n0))
    found: Array = np.nan_to_num(z, nan=0.0, posinf=0.0, neginf=0.0)
    return found


def mixture_sprt(data: Seconds, alpha: float, base: float) -> float | None:
    """mSPRT on pooled counts, normal mixture with the base rate as its standard deviation.

    Johari, Koomen, Pekelis, Walsh: Always valid inference (2022), equation for two streams.
    """
    t, n1, x1, n0, x0 = pooled(data)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = (x1 + x0) / (n1 + n0)
        variance = p * (1.0 - p) * (1.0 / n1 + 1.0 / n0)
        difference = x1 / n1 - x0 / n0
        wide = variance + base * base
        log = 0.5 * np.log(variance / wide) + (difference * base) ** 2 / (2.0 * variance * wide)
    return first(t, (np.nan_to_num(log, nan=0.0) >= np.log(1.0 / alpha)) & (difference > 0.0))
