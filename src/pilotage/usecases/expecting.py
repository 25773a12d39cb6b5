"""What a service is expected to be like: from a model, from the manifest, from recorded telemetry, or usual."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pilotage.core.judging import Arm, JudgeSettings, Kind, MeasureSettings
from pilotage.core.plan import Plan
from pilotage.core.traffic import Traffic
from pilotage.ports import Store
from pilotage.rehearsal.model import BOUNDS, HOUR, Latency, Service, ServiceModel, week_of
from pilotage.usecases.foreseeing import ROLLOUTS, recorded

REQUESTS = 50.0
"""A second, where nothing is known."""
ERRORS = 0.001
ASKS = 50.0
"""Requests of one user in a day."""
USUAL = {Kind.COUNT: 0.01, Kind.RATE: 1.0, Kind.GAUGE: 1.0, Kind.MEAN: 1.0}
"""Of declared measures, where nothing is known."""
FRESH = timedelta(minutes=2)
"""Two looks further apart tell nothing of the traffic between."""


async def expected(store: Store, plan: Plan, said: ServiceModel, manifest: Traffic | None) -> Service:
    """Each figure from the first that knows it: the model, the manifest's ``expect``, the last rollouts, what
    is usual. ``told`` says which."""
    known = await recorded(store, plan.service, plan.environment)
    hours = await hours_of(store, plan.service, plan.environment)
    return settled(said, manifest, known, hours, plan.judge)


def settled(
    said: ServiceModel,
    manifest: Traffic | None,
    known: Traffic | None,
    hours: dict[int, float],
    judge: JudgeSettings | None,
) -> Service:
    """``hours``: recorded requests a second by hour of the week, of the hours that were watched."""
    told: list[str] = []
    rates = _rates(said, manifest, known, hours, told)
    bounds, slow, latency = _latency(said, known, told)
    return Service(
        rates=rates,
        errors=_errors(said, manifest, known, told),
        bounds=bounds,
        slow=slow,
        latency=latency,
        users=_users(said, rates, told),
        starts=said.starts.total_seconds(),
        prepares=said.prepares.total_seconds(),
        stops=said.stops.total_seconds(),
        hooks=said.hooks.total_seconds(),
        answers=said.answers.total_seconds(),
        measures=_measures(said, known, judge, told),
        faults=said.faults,
        told=tuple(told),
    )


def _rates(
    said: ServiceModel,
    manifest: Traffic | None,
    known: Traffic | None,
    hours: dict[int, float],
    told: list[str],
) -> tuple[float, ...]:
    if said.requests is not None or said.by_hour:
        told.append("requests as the model says")
        return week_of(said, REQUESTS)
    if manifest is not None:
        told.append(f"requests {manifest.source}")
        return week_of(said, manifest.requests)
    if known is not None:
        rates = tuple(hours.get(hour, known.requests) for hour in range(168))
        of = f", {len(hours)} of 168 hours of a week seen" if hours else ""
        told.append(f"requests {known.source}{of}")
        return rates
    told.append(f"{REQUESTS:g} requests a second at all hours, because nothing is known")
    return week_of(said, REQUESTS)


def _errors(said: ServiceModel, manifest: Traffic | None, known: Traffic | None, told: list[str]) -> float:
    if said.errors is not None:
        told.append("errors as the model says")
        return said.errors
    for one in (manifest, known):
        if one is not None:
            told.append(f"errors {one.source}")
            return one.errors
    told.append(f"{ERRORS:.1%} errors, because nothing is known")
    return ERRORS


def _latency(
    said: ServiceModel, known: Traffic | None, told: list[str]
) -> tuple[tuple[float, ...], tuple[float, ...], Latency | None]:
    if said.latency is None and known is not None and known.slow:
        told.append(f"latency {known.source}")
        return known.bounds, known.slow, None
    latency = said.latency or Latency()
    source = "as the model says" if said.latency else "of 50 ms (one in a hundred 500 ms): nothing is known"
    told.append(f"latency {source}")
    return BOUNDS, tuple(latency.slower_than(bound) for bound in BOUNDS), latency


def _users(said: ServiceModel, rates: tuple[float, ...], told: list[str]) -> int:
    if said.users is not None:
        told.append("users as the model says")
        return said.users
    users = max(1, round(sum(rates) / len(rates) * 24 * HOUR / ASKS))
    told.append(f"{users} users, as if each made {ASKS:g} requests a day")
    return users


def _measures(
    said: ServiceModel, known: Traffic | None, judge: JudgeSettings | None, told: list[str]
) -> dict[str, float]:
    """Of every measure that the judge declares."""
    found = {}
    recorded = {} if known is None else known.measures
    declared: dict[str, MeasureSettings] = {} if judge is None else dict(judge.measures)
    for name, one in declared.items():
        if name in said.measures:
            found[name] = said.measures[name]
        elif name in recorded:
            found[name] = recorded[name]
        else:
            found[name] = USUAL[one.kind]
            told.append(f"{name}: {USUAL[one.kind]:g}, because nothing is known")
    return found


@dataclass
class _Hours:
    """Requests and seconds by hour of the week."""

    requests: dict[int, float] = field(default_factory=lambda: dict.fromkeys(range(168), 0.0))
    seconds: dict[int, float] = field(default_factory=lambda: dict.fromkeys(range(168), 0.0))

    def rates(self, least: float = 60.0) -> dict[int, float]:
        seen = ((hour, self.requests[hour] / took) for hour, took in self.seconds.items() if took >= least)
        return {hour: rate for hour, rate in seen if rate > 0.0}


async def hours_of(store: Store, service: str, environment: str) -> dict[int, float]:
    """Requests a second of both versions by hour of the week, from the last rollouts' recordings."""
    found = _Hours()
    for state in await store.rollouts(service, environment, limit=ROLLOUTS):
        if state.plan.judge is None or state.exposed_at is None:
            continue
        before: tuple[float, float] | None = None
        for _, look in await store.snapshots(state.id):
            total = _total((look.control, look.canary))
            if total is None:
                before = None
                continue
            _add(found, state.exposed_at, before, (look.t, total))
            before = (look.t, total)
    return found.rates()


def _total(arms: Iterable[Arm | None]) -> float | None:
    known = [arm.requests for arm in arms if arm is not None and arm.requests is not None]
    return sum(known) if known else None


def _add(
    found: _Hours, exposed: datetime, before: tuple[float, float] | None, now: tuple[float, float]
) -> None:
    """(seconds after the first exposure, requests so far) of two looks."""
    if before is None:
        return
    seconds, requests = now[0] - before[0], now[1] - before[1]
    if not 0.0 < seconds <= FRESH.total_seconds() or requests < 0.0:
        return
    at = exposed + timedelta(seconds=now[0])
    hour = at.weekday() * 24 + at.hour
    found.requests[hour] += requests
    found.seconds[hour] += seconds
