"""Things that go wrong by chance: at most three, each as likely as any other."""

from __future__ import annotations

from datetime import timedelta

from pilotage.rehearsal.draws import Chance
from pilotage.rehearsal.fault import Fault, FaultKind, From

MOST = 3
WITHIN = 2 * 3600.0
"""Seconds after the first user in which all begins."""


def drawn_faults(chance: Chance) -> tuple[Fault, ...]:
    """None up to ``MOST`` of them."""
    return tuple(_one(chance) for _ in range(int(chance.random() * (MOST + 1))))


def _one(chance: Chance) -> Fault:
    kinds = list(FaultKind)
    kind = kinds[int(chance.random() * len(kinds))]
    # Most trouble comes soon: the moment is spread evenly on a logarithmic scale from a second on.
    moment = timedelta(seconds=round(WITHIN ** chance.random()))
    return Fault(
        kind=kind,
        factor=round(1.5 + 8.5 * chance.random(), 1),
        part=round(0.001 * 100 ** chance.random(), 4),
        lasts=timedelta(seconds=round(60 * 60 ** chance.random())),
        moment=moment,
        since=From.EXPOSURE,
        old=kind is FaultKind.CRASH and chance.random() < 0.5,
    )
