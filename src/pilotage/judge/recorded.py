"""What recorded telemetry says about the traffic: figures of the old version, for the planner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pilotage.core.judging import Arm, JudgeSettings, Kind, Snapshot
from pilotage.core.traffic import Traffic
from pilotage.judge.counters import Series, Step, Vector, buckets, fields, totals
from pilotage.judge.history import KEEP, History

SECONDS = 60.0
"""So long it must have been watched …"""
REQUESTS = 100.0
"""… and so many requests it must have answered, for its figures to be worth planning with."""


def traffic_of(
    snapshots: Iterable[Snapshot], settings: JudgeSettings, bounds: tuple[float, ...] = (), source: str = ""
) -> Traffic | None:
    """Traffic in all, and what the old version did, from snapshots in the order of time; None: too few.

    ``bounds`` are the upper bounds of the latency buckets in seconds; without them slowness is not known.
    """
    looks = list(snapshots)
    history = History(settings.interval.total_seconds())
    seconds = requests = old = errors = 0.0
    for old_step, all_requests in _steps(looks):
        seconds += old_step.seconds
        requests += all_requests
        old, errors = old + old_step.counts[0], errors + old_step.counts[1]
        keep, look = KEEP**old_step.seconds, [old_step.counts[1], old_step.counts[0], 0.0, 0.0]
        history.learn(old_step.seconds, keep, look)
    if seconds < SECONDS or old < REQUESTS:
        return None
    history.freeze()
    slow = _slow(looks, len(bounds)) if bounds else ()
    return Traffic(
        requests=requests / seconds,
        errors=min(1.0, errors / old),
        slow=slow,
        bounds=bounds if slow else (),
        measures=_measures(looks, settings),
        bursts=history.phi,
        source=source,
    )


def _measures(looks: list[Snapshot], settings: JudgeSettings) -> dict[str, float]:
    """The old version's rates of declared counts out of all requests."""
    found = {}
    for name, one in settings.measures.items():
        if one.kind is not Kind.COUNT or one.per != "requests":
            continue
        series, epoch, requests, events = Series(0), None, 0.0, 0.0
        for look in looks:
            if look.epoch != epoch:
                series.forget()
                epoch = look.epoch
            reading = fields(look.control, ("requests", one.of or name))
            step = None if reading is None else series.since(look.t, reading)
            if reading is not None:
                series.accept(look.t, reading, step)
            if step is not None:
                requests, events = requests + step.counts[0], events + step.counts[1]
        if requests >= REQUESTS:
            found[name] = min(1.0, events / requests)
    return found


def _steps(looks: list[Snapshot]) -> Iterator[tuple[Step, float]]:
    """(what the old version did, the requests of both) between looks at which both can be told."""
    old, new, epoch = Series(0), Series(0), None
    for look in looks:
        if look.epoch != epoch:
            old.forget()
            new.forget()
            epoch = look.epoch
        reading = totals(look.control) if look.weight < 1.0 else None
        other = totals(look.canary) if look.weight > 0.0 else (0.0, 0.0)
        if reading is None or other is None:
            old.forget()
            continue
        step, more = old.since(look.t, reading), new.since(look.t, other)
        old.accept(look.t, reading, step)
        new.accept(look.t, other, more)
        if step is not None and more is not None:
            yield step, step.counts[0] + more.counts[0]


def _slow(looks: list[Snapshot], bounds: int) -> tuple[float, ...]:
    """The fraction of the old version's answers above each bound."""
    series, epoch = Series(-1), None
    seen: Vector = (0.0,) * (bounds + 1)
    for look in looks:
        if look.epoch != epoch:
            series.forget()
            epoch = look.epoch
        reading = _buckets(look.control, bounds)
        if reading is None:
            continue
        step = series.since(look.t, reading)
        series.accept(look.t, reading, step)
        if step is not None:
            seen = tuple([a + b for a, b in zip(seen, step.counts, strict=True)])
    return tuple([1.0 - below / seen[-1] for below in seen[:-1]]) if seen[-1] >= REQUESTS else ()


def _buckets(arm: Arm | None, bounds: int) -> Vector | None:
    found = buckets(arm)
    return found if found is not None and len(found) == bounds + 1 else None
