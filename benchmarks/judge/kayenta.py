"""Kayenta's NetflixACAJudge on one critical metric: errors, a point a minute, analysed every five minutes.

Written from its behaviour (spinnaker/kayenta, `MannWhitneyClassifier`, `NetflixACAJudge`): the metric is High
when the lower end of the Mann-Whitney interval of the shift (98 %, normal approximation, continuity corrected)
is above a quarter of the estimated shift, and the mean is not lower; a critical metric that is High fails the
analysis. Every analysis looks at all points so far.
"""

from __future__ import annotations

from math import floor, sqrt
from statistics import NormalDist

import numpy as np
from benchmarks.judge.streams import Seconds
from benchmarks.judge.thresholds import minutes
from benchmarks.judge.truth import Array

CONFIDENCE = 0.98
TOLERANCE = 0.25
EVERY = 5
"""Points, and so minutes, between analyses."""


def kayenta(data: Seconds) -> float | None:
    t, n1, x1, n0, x0 = minutes(data)
    for i in range(EVERY, t.size + 1, EVERY):
        new, old = _rates(n1[:i], x1[:i]), _rates(n0[:i], x0[:i])
        if new.size and old.size and high(new, old):
            return float(t[i - 1])
    return None


def high(new: Array, old: Array) -> bool:
    if np.array_equal(new, old) or old.mean() > new.mean():
        return False
    low, estimate = shift(new, old)
    return low > TOLERANCE * abs(estimate)


def shift(new: Array, old: Array, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """(lower end, Hodges-Lehmann estimate) of how much higher ``new`` is than ``old``."""
    differences = np.sort(np.subtract.outer(new, old).ravel())[::-1]
    pairs = differences.size
    sigma = sqrt(pairs * (new.size + old.size + 1) / 12.0)
    z = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    # The least shift that leaves so few differences above it that the test no longer refuses it.
    above = floor(pairs / 2.0 + 0.5 + z * sigma)
    return float(differences[min(above, pairs - 1)]), float(np.median(differences))


def _rates(n: Array, x: Array) -> Array:
    found: Array = x[n > 0] / n[n > 0]
    return found
