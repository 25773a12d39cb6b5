"""The long measurement behind the figures in docs/judge.md: not a test, run by hand, about half an hour.

python -m judge.campaign [rollouts per cell] [cell …]        (from the directory tests)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import exp, pi, sin, sqrt
from random import Random
from time import perf_counter

from pilotage.core.judging import JudgeSettings
from pilotage.judge import Judge

from .streams import BOUNDS, Scene, play, steady, stream

PLAIN = JudgeSettings(latency=False)
LATENCY = JudgeSettings(latency_bounds=BOUNDS)
LENGTH = 900.0
ONSET = 450.0
"""Second of a late regression, at a share of 25 %."""

Make = Callable[[int], Scene]


def wandering(seed: int, sigma: float, base: float) -> Callable[[float], float]:
    """An Ornstein-Uhlenbeck walk of the log rate, correlation time 30 s."""
    rng, path, value = Random(seed), [], 0.0
    for _ in range(1300):
        value = value * exp(-1 / 30) + sigma * sqrt(1 - exp(-2 / 30)) * rng.gauss(0, 1)
        path.append(base * exp(value))
    return lambda t: min(0.5, path[int(t) + 301])


def incident(base: float, peak: float, begin: float, end: float) -> Callable[[float], float]:
    return lambda t: peak if begin <= t < end else base


def diurnal(base: float) -> Callable[[float], float]:
    return lambda t: base * (1.0 + 0.8 * sin(2 * pi * t / 600))


def late(before: float, after: float) -> Callable[[float], float]:
    return lambda t: after if t >= ONSET else before


HEALTHY: dict[str, tuple[JudgeSettings, Make]] = {
    "stationary": (PLAIN, lambda s: Scene()),
    "on the margin": (PLAIN, lambda s: Scene(new=steady(0.0056))),
    "on the margin, 1000 rps": (PLAIN, lambda s: Scene(rps=steady(1000.0), new=steady(0.0056))),
    "diurnal": (PLAIN, lambda s: Scene(old=diurnal(0.005), new=diurnal(0.005))),
    "shared incident": (
        PLAIN,
        lambda s: Scene(old=incident(0.005, 0.3, 300, 340), new=incident(0.005, 0.3, 300, 340)),
    ),
    "shared incident at a step": (
        PLAIN,
        lambda s: Scene(old=incident(0.005, 0.2, 415, 450), new=incident(0.005, 0.2, 415, 450)),
    ),
    "bursts of 20": (PLAIN, lambda s: Scene(burst=20.0)),
    "bursts of 20, 2 %": (PLAIN, lambda s: Scene(burst=20.0, old=steady(0.02), new=steady(0.02))),
    "mild wander": (
        PLAIN,
        lambda s: Scene(old=wandering(s, 0.2, 0.005), new=wandering(s + 10**6, 0.4, 0.005)),
    ),
    "cold start": (PLAIN, lambda s: Scene(new=lambda t: 0.1 if t < 40 else 0.005)),
    "losses and resets": (PLAIN, lambda s: Scene(lost=0.05, resets=0.01)),
    "10 rps": (PLAIN, lambda s: Scene(rps=steady(10.0), old=steady(0.02), new=steady(0.02))),
    "latency drift for both": (LATENCY, lambda s: Scene(median_old=lambda t: 0.04 * (1 + (t + 300) / 600))),
    "latency, stationary": (LATENCY, lambda s: Scene(median_old=steady(0.04))),
}

WORSE: dict[str, tuple[JudgeSettings, Make]] = {
    "x2 from the start": (PLAIN, lambda s: Scene(new=steady(0.01))),
    "x5 from the start": (PLAIN, lambda s: Scene(new=steady(0.025))),
    "x5 late": (PLAIN, lambda s: Scene(new=late(0.005, 0.025))),
    "outage late": (PLAIN, lambda s: Scene(new=late(0.005, 1.0))),
    "x5 late, after a shared incident": (
        PLAIN,
        lambda s: Scene(
            old=incident(0.005, 0.3, 300, 340),
            new=lambda t: 0.3 if 300 <= t < 340 else late(0.005, 0.025)(t),
        ),
    ),
    "x5 late, bursts of 20": (PLAIN, lambda s: Scene(burst=20.0, new=late(0.005, 0.025))),
    "all answers 3 times as slow, late": (
        LATENCY,
        lambda s: Scene(median_old=steady(0.04), median_new=late(0.04, 0.12)),
    ),
}

TOO_BAD: dict[str, tuple[JudgeSettings, Make]] = {
    "at the pass boundary": (PLAIN, lambda s: Scene(new=steady(0.008), ramp=((0.0, 0.5),))),
    "at the pass boundary, low margin": (
        JudgeSettings(latency=False, error_ratio=1.5, error_excess=0.0005),
        lambda s: Scene(new=steady(0.008), ramp=((0.0, 0.5),)),
    ),
}
"""``passed`` is what counts here: at most 5 %."""


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval for a fraction (Wilson 1927)."""
    p, z = hits / n, 1.96
    middle, half = (p + z * z / 2 / n), z * sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def cell(name: str, settings: JudgeSettings, make: Make, rollouts: int) -> None:
    failed, passed, looks, spent = [], 0, 0, 0.0
    for seed in range(rollouts):
        scene = make(seed)
        snapshots = list(stream(scene, seed, LENGTH))
        began = perf_counter()
        played = play(Judge(settings), iter(snapshots))
        spent += perf_counter() - began
        looks += len([one for one in snapshots if played.failed is None or one.t <= played.failed])
        passed += any(scene.weight(t) >= 0.5 for t in played.passes)
        if played.failed is not None:
            failed.append(played.failed)
    low, high = wilson(len(failed), rollouts)
    median = f"median {sorted(failed)[len(failed) // 2]:.0f} s" if failed else ""
    print(
        f"{name:34s} taken back {len(failed):4d}/{rollouts} ({low:.1%} … {high:.1%}) {median:14s}"
        f" passed at 50 %: {passed:4d}  {1e6 * spent / looks:.0f} µs a look",
        flush=True,
    )


def main() -> None:
    rollouts = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    wanted = sys.argv[2:]
    for name, (settings, make) in (HEALTHY | WORSE | TOO_BAD).items():
        if not wanted or any(part in name for part in wanted):
            cell(name, settings, make, rollouts)


if __name__ == "__main__":
    main()
