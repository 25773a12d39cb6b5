"""What is true in a rollout: traffic, errors, latency, instances, and what goes wrong when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
"""One value a second, or one row an instance and one column a second."""
Flags: TypeAlias = NDArray[np.bool_]

RAMP = ((0, 0.01), (360, 0.05), (720, 0.10), (1080, 0.25), (1440, 0.50))
"""(from second, share of the new version)."""
COARSE = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Prometheus' default latency bounds, in seconds."""
FINE = tuple(round(0.004 * 1.2**i, 6) for i in range(40))
"""Exponential buckets: each bound a fifth above the one before."""
COLD = 40
"""Seconds of a cold start."""
MOST = 0.95
"""No rate is higher, unless everything fails."""


@dataclass(frozen=True)
class Truth:
    """A rollout. Seconds count from the new version's first traffic; rates are fractions of requests."""

    name: str
    rps: float = 100.0
    base: float = 0.005
    """Errors of a healthy version."""
    conversion: float = 0.05
    median: float = 0.04
    """Seconds; latency is log-normal with sigma 0.6."""
    bounds: tuple[float, ...] = COARSE
    ramp: tuple[tuple[int, float], ...] = RAMP
    history: int = 600
    """Seconds of the old version alone, before."""
    length: int = 1800
    every: int = 1
    """Seconds between looks."""
    new_instances: int = 2
    old_instances: int = 4

    # What both versions live through
    diurnal: float = 0.0
    """Traffic and errors go up and down by this fraction, in 20 minutes."""
    incidents: tuple[tuple[int, int, float], ...] = ()
    """(from second, seconds, errors of both meanwhile)."""
    drift: float = 1.0
    """Errors of both grow to so many times as many by the end."""
    latency_drift: float = 1.0
    burst: float = 1.0
    """Mean size of a burst of errors; each belongs to one instance."""
    spread: float = 0.0
    """Mean seconds until an error of a burst shows."""
    wander: float = 0.0
    """Standard deviation of the log of each instance's error rate, which wanders on its own …"""
    memory: float = 120.0
    """… and forgets in so many seconds."""
    sticky: float = 0.0
    """Requests of a mean user, who stays with a version and has errors after a manner of his own."""
    gauge: float = 0.05
    """Noise of the log of an instance's CPU …"""
    gauge_memory: float = 10.0
    """… which forgets in so many seconds."""

    # What is wrong with the telemetry, or only at the beginning
    cold: float = 0.0
    """Errors of the new version in its first 40 s; it is three times as slow meanwhile."""
    lost: float = 0.0
    """Fraction of looks that are lost; now and then half a minute of them."""
    resets: str = ""
    """Counters restart every few minutes: of a whole ``arm``, or of one ``instance`` in the sum."""

    # What is wrong with the new version
    onset: int = 0
    errors: float = 1.0
    """Times as many."""
    leak: float = 1.0
    """Times as many errors at the end, growing evenly from the onset."""
    outage: bool = False
    latency: float = 1.0
    """All answers take so many times as long."""
    tail: float = 0.0
    """Fraction of answers that take half a second more."""
    conversions: float = 1.0
    completes: float = 1.0
    """Fraction of its requests that are ever completed, and so counted."""
    cpu: float = 1.0

    excused: bool = False
    """Worse, but within the margin: must not be taken back."""
    beyond: bool = False
    """Worse than the pass margins: it must never be let go on."""

    @property
    def healthy(self) -> bool:
        factors = (self.errors, self.leak, self.latency, self.conversions, self.completes, self.cpu)
        same = not self.outage and self.tail == 0.0 and all(one == 1.0 for one in factors)
        return same or self.excused

    @property
    def seconds(self) -> Array:
        """The looks' times: at each, what happened in the second before is counted."""
        return np.arange(-self.history, self.length + 1, dtype=np.float64)

    def weight(self, t: Array) -> Array:
        """The share at ``t``; what is counted at ``t`` happened under the share of the second before."""
        found = np.zeros_like(t)
        for since, share in self.ramp:
            found[t >= since] = share
        return found

    def traffic(self, t: Array) -> Array:
        """Requests in the second before ``t``."""
        return self.rps * (1.0 + self.diurnal * np.sin(2.0 * np.pi * t / 1200.0))

    def bad(self, t: Array) -> Flags:
        return t > self.onset

    def old_errors(self, t: Array) -> Array:
        """Of the old version, in the second before ``t``."""
        rate = self.base * (1.0 + self.diurnal * np.sin(2.0 * np.pi * t / 1200.0 + 1.0))
        along = np.clip(t / self.length, 0.0, 1.0)
        rate *= 1.0 + (self.drift - 1.0) * along
        for since, seconds, peak in self.incidents:
            rate[(t > since) & (t <= since + seconds)] = peak
        return np.minimum(rate, MOST)

    def new_errors(self, t: Array) -> Array:
        """Of the new version."""
        after = np.clip((t - self.onset) / max(self.length - self.onset, 1), 0.0, 1.0)
        factor = self.errors * (1.0 + (self.leak - 1.0) * after)
        rate = self.old_errors(t) * np.where(self.bad(t), factor, 1.0)
        if self.cold:
            rate[(t > 0) & (t <= COLD)] = self.cold
        rate = np.minimum(rate, MOST)
        return np.where(self.bad(t), 1.0, rate) if self.outage else rate
