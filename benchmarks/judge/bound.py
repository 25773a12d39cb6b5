"""How much there was to be known: the information of a second, and what it takes at least.

Two Poisson samples with rates p1 (new) and p0 (old), exposures n1 and n0 = n1/o. The best e-variable against
p1 <= rho p0 + delta gains, for each request on the new version,

    g = max over a of  p1 ln a + (p0/o) ln(1 - o rho (a - 1)) - delta (a - 1)

on average; no test that errs in at most alpha of the rollouts can do with less than ln(1/alpha)/g requests on
average (Wald 1945; Lorden 1971). A rule's information ratio is what had been there from the onset until it
took the version back, over ln(1/alpha): 1 is the bound.
"""

from __future__ import annotations

from math import log

import numpy as np
from benchmarks.judge.truth import Array, Truth

ROUNDS = 60


def gain(p1: Array, p0: Array, odds: Array, rho: float, delta: float) -> Array:
    """g, found by golden sections in ln a: concave in a, and so unimodal in its logarithm."""
    golden = (5.0**0.5 - 1.0) / 2.0
    low, high = np.zeros_like(p1), np.log(1.0 + 1.0 / (odds * rho)) * (1.0 - 1e-9)
    for _ in range(ROUNDS):
        left, right = high - golden * (high - low), low + golden * (high - low)
        worse = _value(left, p1, p0, odds, rho, delta) < _value(right, p1, p0, odds, rho, delta)
        low, high = np.where(worse, left, low), np.where(worse, high, right)
    return np.maximum(_value((low + high) / 2.0, p1, p0, odds, rho, delta), 0.0)


def _value(log_a: Array, p1: Array, p0: Array, odds: Array, rho: float, delta: float) -> Array:
    more = np.expm1(log_a)
    found: Array = p1 * log_a + p0 / odds * np.log1p(-odds * rho * more) - delta * more
    return found


def information(truth: Truth, until: Array, alpha: float, rho: float = 1.0, delta: float = 0.0) -> Array:
    """The information ratio of rollbacks at ``until`` (s): 1 is the bound."""
    t = truth.seconds
    share, traffic = truth.weight(t - 1.0), truth.traffic(t)
    serving = (t > truth.onset) & (share > 0.0) & (share < 1.0)
    share = np.where(serving, share, 0.5)
    each = gain(truth.new_errors(t), truth.old_errors(t), share / (1.0 - share), rho, delta)
    total = np.cumsum(np.where(serving, each * traffic * share, 0.0))
    found: Array = np.interp(until, t, total) / log(1.0 / alpha)
    return found
