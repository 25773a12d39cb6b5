"""Bounds: how quickly evidence can grow at most, and what a regression costs before it is found (F15).

Wald 1945: a test that errs with a chance of alpha at most needs ln(1/alpha) nats, and an observation brings its
expected log likelihood ratio at most. For two Poisson counts with a margin p1 <= rho p0 + delta, o new requests
for each old one, that is for each new request

    g = max over a of  p1 ln a + (p0 / o) ln(1 - o rho (a - 1)) - delta (a - 1)

which is also what the best bet of evidence.py gains.
"""

from __future__ import annotations

from math import inf, log, log1p

from pilotage.judge.evidence import Margin

HALVINGS = 200


def best_gain(new: float, old: float, odds: float, margin: Margin) -> float:
    """Nats for each request on the new version, against "not worse than the margin"; 0: none to be had.

    ``new`` and ``old`` are the true rates, ``odds`` the new version's requests over the old one's.
    """
    if new <= margin.ratio * old + margin.excess:
        return 0.0
    reach = odds * margin.ratio
    low, high = 0.0, 1.0 / reach if old > 0.0 else 1e9
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        slope = new / (1.0 + middle) - margin.excess
        slope -= margin.ratio * old / (1.0 - reach * middle) if old > 0.0 else 0.0
        low, high = (middle, high) if slope > 0.0 else (low, middle)
    lost = old / odds * log1p(-reach * low) if old > 0.0 else 0.0
    return new * log1p(low) + lost - margin.excess * low


def least_requests(new: float, old: float, odds: float, margin: Margin, chance: float) -> float:
    """Requests on the new version before any test that errs so rarely can be expected to tell; inf: never."""
    gain = best_gain(new, old, odds, margin)
    return log(1.0 / chance) / gain if gain > 0.0 else inf


def harm(ratio: float, nats: float) -> float:
    """Failed requests beyond what the old version would have failed, before ``nats`` of evidence are in.

    The harm law: nats (r - 1) / (r ln r - r + 1), whatever the traffic, the base rate and the share. It holds
    for errors ``ratio`` (> 1) times as frequent as the old version's, clearly beyond the margin, at a small
    share, and where a block holds less evidence than the cap on one block's gain.
    """
    return nats * (ratio - 1.0) / (ratio * log(ratio) - ratio + 1.0)
