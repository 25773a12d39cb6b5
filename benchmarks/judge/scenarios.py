"""The rollouts that are played: healthy ones, and regressions."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.judge.truth import FINE, Truth

from pilotage.core.judging import JudgeSettings

PLAIN = Truth("plain")
DEFAULT = JudgeSettings()
MARGIN = DEFAULT.error_ratio + DEFAULT.error_excess / PLAIN.base
PASS_MARGIN = DEFAULT.error_pass_ratio + DEFAULT.error_pass_excess / PLAIN.base
"""Times as many errors as the old version: still not taken back, still not let go on."""
QUICK = (
    "stationary, 100 rps, 0.5 %",
    "shared incident",
    "bursts of 20",
    "instances wander, 0.4, 4 of each",
    "latency of both drifts",
    "x2 from the start",
    "x5 from the start",
    "outage from 450 s",
    "outage from 1200 s",
    "all answers x2",
)
"""Enough to see in under a minute whether something broke."""


def _name(rate: float) -> str:
    return f"{100 * rate:g} %"


def _stationary() -> list[Truth]:
    return [
        replace(PLAIN, name=f"stationary, {rps:g} rps, {_name(base)}", rps=rps, base=base)
        for rps in (1.0, 10.0, 100.0, 1000.0)
        for base in (0.0005, 0.005, 0.02, 0.10)
    ]


def _wandering() -> list[Truth]:
    kinds = [(sigma, new, 4) for sigma in (0.2, 0.4, 0.7) for new in (2, 4)]
    return [
        replace(
            PLAIN,
            name=f"instances wander, {sigma:g}, {new} of each"
            if new == old
            else f"instances wander, {sigma:g}",
            wander=sigma,
            new_instances=new,
            old_instances=old,
        )
        for sigma, new, old in kinds
    ]


HEALTHY: list[Truth] = [
    *_stationary(),
    replace(PLAIN, name="exactly on the margin", errors=MARGIN, excused=True),
    replace(PLAIN, name="exactly on the margin, 1000 rps", errors=MARGIN, rps=1000.0, excused=True),
    replace(PLAIN, name="an hour of history", history=3600),
    replace(PLAIN, name="looks every 15 s", every=15),
    replace(PLAIN, name="diurnal", diurnal=0.6),
    replace(PLAIN, name="shared incident", incidents=((500, 40, 0.3),)),
    replace(PLAIN, name="shared incident across a change", incidents=((700, 60, 0.2),)),
    replace(PLAIN, name="shared incidents, one in the history", incidents=((-200, 40, 0.3), (900, 40, 0.3))),
    replace(PLAIN, name="shared outage", incidents=((1100, 30, 0.95),)),
    replace(PLAIN, name="errors of both drift", drift=6.0),
    replace(PLAIN, name="bursts of 20", burst=20.0),
    replace(PLAIN, name="bursts of 20, 2 %", burst=20.0, base=0.02),
    replace(PLAIN, name="bursts of 20, 10 rps", burst=20.0, rps=10.0, base=0.02),
    replace(PLAIN, name="bursts of 20, 1000 rps", burst=20.0, rps=1000.0),
    replace(PLAIN, name="slow bursts", burst=20.0, spread=8.0),
    replace(PLAIN, name="slow bursts, 2 %", burst=20.0, spread=20.0, base=0.02),
    *_wandering(),
    replace(PLAIN, name="instances wander, 0.7, 10 of each", wander=0.7, new_instances=10, old_instances=10),
    replace(PLAIN, name="instances wander, 0.4, 2 of each, 1000 rps", wander=0.4, rps=1000.0, old_instances=2),
    replace(PLAIN, name="cold start", cold=0.1),
    replace(PLAIN, name="cold start, 1000 rps", cold=0.1, rps=1000.0),
    replace(PLAIN, name="lost looks", lost=0.05),
    replace(PLAIN, name="restarts of a version", resets="arm"),
    replace(PLAIN, name="restarts of one instance", resets="instance"),
    replace(PLAIN, name="restarts of one instance, 1000 rps", resets="instance", rps=1000.0),
    replace(PLAIN, name="latency of both drifts", latency_drift=2.5),
    replace(PLAIN, name="latency of both drifts, fine buckets", latency_drift=2.5, bounds=FINE),
    replace(PLAIN, name="noisy CPU", gauge=0.3),
    replace(PLAIN, name="slowly wandering CPU", gauge=0.1, gauge_memory=60.0),
    replace(PLAIN, name="sticky users", sticky=20.0),
    replace(PLAIN, name="sticky users, 2 %", sticky=20.0, base=0.02),
]

_LATE = (450, 1200)


def _errors() -> list[Truth]:
    found = []
    for factor in (1.5, 2.0, 5.0, 10.0):
        bad = replace(PLAIN, name=f"x{factor:g} from the start", errors=factor, beyond=factor > PASS_MARGIN)
        found.append(bad)
        found += [replace(bad, name=f"x{factor:g} from {onset} s", onset=onset) for onset in _LATE]
    return found


def _outages() -> list[Truth]:
    bad = replace(PLAIN, outage=True, beyond=True)
    found = [replace(bad, name="outage from the start")]
    found += [replace(bad, name=f"outage from {onset} s", onset=onset) for onset in _LATE]
    found += [replace(bad, name=f"outage from {onset} s, 1000 rps", onset=onset, rps=1000.0) for onset in _LATE]
    return [*found, replace(bad, name="outage from 1200 s, 10 rps", onset=1200, rps=10.0)]


BOUNDARY = "exactly at the pass margins, half at once"
WORSE: list[Truth] = [
    *_errors(),
    replace(PLAIN, name=BOUNDARY, errors=PASS_MARGIN, ramp=((0, 0.5),)),
    replace(PLAIN, name="x2, 1000 rps, 0.05 %", errors=2.0, rps=1000.0, base=0.0005),
    replace(PLAIN, name="x2, 1000 rps", errors=2.0, rps=1000.0, beyond=True),
    replace(PLAIN, name="x2, 100 rps, 10 %", errors=2.0, base=0.10, beyond=True),
    replace(PLAIN, name="x5, 10 rps, 2 %", errors=5.0, rps=10.0, base=0.02, beyond=True),
    replace(PLAIN, name="x5 from 450 s, 1000 rps", errors=5.0, rps=1000.0, onset=450, beyond=True),
    *_outages(),
    replace(PLAIN, name="x5 in bursts of 20", errors=5.0, burst=20.0, beyond=True),
    replace(PLAIN, name="x10 in bursts of 20", errors=10.0, burst=20.0, beyond=True),
    replace(PLAIN, name="x5 in bursts of 20, 1000 rps", errors=5.0, burst=20.0, rps=1000.0, beyond=True),
    replace(PLAIN, name="x5, instances wander, 0.4", errors=5.0, wander=0.4, beyond=True),
    replace(
        PLAIN,
        name="x5 after a shared incident",
        errors=5.0,
        onset=650,
        incidents=((500, 40, 0.3),),
        beyond=True,
    ),
    replace(
        PLAIN,
        name="x3 during a shared incident",
        errors=3.0,
        onset=500,
        incidents=((500, 600, 0.05),),
        beyond=True,
    ),
    replace(PLAIN, name="x5 from 450 s, lost looks", errors=5.0, onset=450, lost=0.05, beyond=True),
    replace(
        PLAIN,
        name="x5 from 450 s, restarts of one instance",
        errors=5.0,
        onset=450,
        resets="instance",
        beyond=True,
    ),
    replace(PLAIN, name="looks every 15 s, outage from 450 s", outage=True, onset=450, every=15, beyond=True),
    replace(PLAIN, name="slow leak to x10", leak=10.0, beyond=True),
    replace(PLAIN, name="all answers x1.3", latency=1.3),
    replace(PLAIN, name="all answers x1.3, fine buckets", latency=1.3, bounds=FINE),
    replace(PLAIN, name="all answers x2", latency=2.0, beyond=True),
    replace(PLAIN, name="all answers x2, fine buckets", latency=2.0, bounds=FINE, beyond=True),
    replace(PLAIN, name="all answers x3", latency=3.0, beyond=True),
    replace(PLAIN, name="all answers x3 from 450 s", latency=3.0, onset=450, beyond=True),
    replace(PLAIN, name="2 % of answers half a second slower", tail=0.02, beyond=True),
    replace(PLAIN, name="conversions −10 %", conversions=0.9),
    replace(PLAIN, name="conversions −10 %, 1000 rps", conversions=0.9, rps=1000.0),
    replace(PLAIN, name="conversions −30 %", conversions=0.7, beyond=True),
    replace(PLAIN, name="black hole", completes=0.0, beyond=True),
    replace(PLAIN, name="black hole from 450 s", completes=0.0, onset=450, beyond=True),
    replace(PLAIN, name="half a black hole", completes=0.5, beyond=True),
    replace(PLAIN, name="CPU +30 %", cpu=1.3, beyond=True),
    replace(PLAIN, name="CPU +30 % from 450 s", cpu=1.3, onset=450, beyond=True),
]
