"""The other rules by name. They are given errors and requests only: none of them is judged on anything else."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.judge import sequential, thresholds
from benchmarks.judge.figures import ALPHA
from benchmarks.judge.kayenta import kayenta
from benchmarks.judge.ours import Played
from benchmarks.judge.streams import Stream

Rule = Callable[[Stream], float | None]
"""When it takes the new version back; None: never."""

PEERS: dict[str, Rule] = {
    "argo-2x": lambda s: thresholds.argo(s.seconds, 2.0 * s.truth.base),
    "argo-95": lambda s: thresholds.argo(s.seconds, 0.05),
    "flagger": lambda s: thresholds.flagger(s.seconds),
    "kayenta": lambda s: kayenta(s.seconds),
    "z-peeking": lambda s: thresholds.fixed_horizon(s.seconds, ALPHA, peeking=True),
    "z-at-end": lambda s: thresholds.fixed_horizon(s.seconds, ALPHA, peeking=False),
    "msprt": lambda s: thresholds.mixture_sprt(s.seconds, ALPHA, s.truth.base),
    "beta-binomial": lambda s: sequential.beta_binomial(s.seconds, ALPHA),
    "safe-2x2": lambda s: sequential.safe_two_by_two(s.seconds, ALPHA),
    "poisson": lambda s: sequential.poisson_mixture(s.seconds, ALPHA),
    "oracle": lambda s: sequential.oracle(s.seconds, s.truth, ALPHA),
}


def play(name: str, stream: Stream) -> Played:
    return Played(rolled=PEERS[name](stream))
