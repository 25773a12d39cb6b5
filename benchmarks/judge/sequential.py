"""Published sequential tests on errors, the plain Poisson mixture, and an oracle.

All test "no worse at all" (ratio 1, no excess), at every second, with the same alpha. None of them knows of
bursts. Each is a product over seconds, so that a share that changes in between does no harm by itself.
"""

from __future__ import annotations

import numpy as np
from benchmarks.judge.streams import Seconds
from benchmarks.judge.thresholds import WARM_UP, first
from benchmarks.judge.truth import Array, Truth

from pilotage.judge.evidence import WORSE

PRIOR = 10.0
"""Errors' worth of belief that the share of errors is the share of requests (Lindon, Malek)."""
HALF = 0.18
"""Turner, Ly and Grünwald's choice for the Beta prior of both rates."""


def _serving(data: Seconds) -> tuple[Array, Array, Array, Array, Array]:
    on = (data.t > WARM_UP) & (data.weight > 0.0) & (data.n0 > 0.0)
    return data.t[on], data.n1[on], data.x1[on], data.n0[on], data.x0[on]


def poisson_mixture(data: Seconds, alpha: float) -> float | None:
    """F1 alone: every second's e-variable against ratio 1, a uniform mixture over seven ratios."""
    t, n1, x1, n0, x0 = _serving(data)
    logs = np.stack([np.cumsum(_poisson(n1, x1, n0, x0, ratio)) for ratio in WORSE])
    return first(t, np.logaddexp.reduce(logs, axis=0) - np.log(len(WORSE)) >= np.log(1.0 / alpha))


def _poisson(n1: Array, x1: Array, n0: Array, x0: Array, ratio: float) -> Array:
    odds = n1 / n0
    b = np.log1p(odds) - np.log1p(ratio * odds)
    found: Array = x1 * (np.log(ratio) + b) + x0 * b
    return found


def beta_binomial(data: Seconds, alpha: float) -> float | None:
    """Of x1 + x0 errors the new version has its share of requests: Beta mixture against it, anew at each share.

    Lindon, Malek: Anytime-valid inference for multinomial count data (2022). Two-sided; only more counts here.
    """
    t, _, x1, _, x0 = _serving(data)
    share = _at(t, data)
    total, before = np.zeros_like(t), 0.0
    for value in np.unique(share):
        on = share == value
        new, old = np.cumsum(x1[on]), np.cumsum(x0[on])
        a, b = PRIOR * value, PRIOR * (1.0 - value)
        log = _log_beta(a + new, b + old) - _log_beta(a, b) - new * np.log(value) - old * np.log(1.0 - value)
        total[on] = before + log
        before = float(total[on][-1])
    more = np.cumsum(x1) > np.cumsum((x1 + x0) * share)
    return first(t, more & (total >= np.log(1.0 / alpha)))


def safe_two_by_two(data: Seconds, alpha: float) -> float | None:
    """Safe test of two proportions: both rates as learnt so far, against their mean weighted by requests.

    Turner, Ly, Grünwald: Generic E-variables for exact sequential k-sample tests (2024). One-sided: only bets
    while the new version's rate looks higher.
    """
    t, n1, x1, n0, x0 = _serving(data)
    new, old = _learnt(n1, x1), _learnt(n0, x0)
    middle = (n1 * new + n0 * old) / (n1 + n0)
    log = x1 * np.log(new / middle) + (n1 - x1) * np.log((1.0 - new) / (1.0 - middle))
    log += x0 * np.log(old / middle) + (n0 - x0) * np.log((1.0 - old) / (1.0 - middle))
    return first(t, np.cumsum(np.where(new > old, log, 0.0)) >= np.log(1.0 / alpha))


def oracle(data: Seconds, truth: Truth, alpha: float) -> float | None:
    """Wald's test of one sample by someone who knows the base rate, the regression and when it begins."""
    t, n1, x1, _, _ = _serving(data)
    old, new = truth.old_errors(t), truth.new_errors(t)
    new = np.where(truth.bad(t) & (new > old), new, np.minimum(2.0 * old, 0.9) if truth.healthy else old)
    log = np.where(t > truth.onset, x1 * np.log(new / old) - n1 * (new - old), 0.0)
    return first(t, np.cumsum(log) >= np.log(1.0 / alpha))


def _learnt(n: Array, x: Array) -> Array:
    """A rate as known before each second."""
    found: Array = (np.cumsum(x) - x + HALF) / (np.cumsum(n) - n + 2.0 * HALF)
    return found


def _at(t: Array, data: Seconds) -> Array:
    found: Array = data.weight[np.searchsorted(data.t, t)]
    return found


def _log_beta(a: Array | float, b: Array | float) -> Array:
    return _log_gamma(np.asarray(a)) + _log_gamma(np.asarray(b)) - _log_gamma(np.asarray(a) + np.asarray(b))


def _log_gamma(x: Array) -> Array:
    """Stirling's series, after six steps of the recurrence."""
    shifted = x + 6.0
    series = (shifted - 0.5) * np.log(shifted) - shifted + 0.5 * np.log(2.0 * np.pi)
    series += 1.0 / (12.0 * shifted) - 1.0 / (360.0 * shifted**3) + 1.0 / (1260.0 * shifted**5)
    found: Array = series - sum(np.log(x + i) for i in range(6))
    return found
