"""Users, and the router that counts what becomes of their requests: by hour, and with chance."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from itertools import accumulate, pairwise
from math import ceil, inf
from random import Random

from pilotage.comparing.evidence import Pairs, still_needed
from pilotage.comparing.reconciling import FALSE_PASS
from pilotage.core.judging import Arm, Kind, MeasureSettings
from pilotage.core.plan import Plan
from pilotage.core.routing import Counters, Mirroring, Telemetry
from pilotage.core.values import EVERYBODY
from pilotage.judge.foresight import slower_than
from pilotage.rehearsal.crowd import Crowd
from pilotage.rehearsal.draws import cells, poisson
from pilotage.rehearsal.model import Service
from pilotage.stage.site import Premises
from pilotage.testing.living import FlowingRouter


@dataclass
class Counted:
    """What one release answered, over all time."""

    requests: int = 0
    errors: int = 0
    extra: float = 0.0
    """Expected errors that the old version would not have had, of those that there were."""
    buckets: list[int] = field(default_factory=list)
    """Not cumulative; the last is beyond all bounds."""
    measures: dict[str, float] = field(default_factory=dict)

    def copy(self) -> Counted:
        return replace(self, buckets=list(self.buckets), measures=dict(self.measures))

    def arm(self) -> Arm:
        """As a source of telemetry has it."""
        buckets = tuple(float(one) for one in accumulate(self.buckets))
        return Arm(requests=self.requests, errors=self.errors, latency_bucket=buckets, **self.measures)


@dataclass(frozen=True)
class Glimpse:
    """What had been counted some seconds ago, by release."""

    ago: float
    counted: dict[str, Counted]


@dataclass
class Manners:
    """What the new version is like now, beside the old one."""

    ratio: float = 1.0
    more: float = 0.0
    slower: float = 1.0

    def errors(self, usual: float) -> float:
        return min(1.0, usual * self.ratio + self.more)


class Crossing(FlowingRouter):
    """The router. ``manners`` are the new version's, which nobody who decides knows."""

    def __init__(self, plan: Plan, world: Premises, model: Service, chance: Random, begin: datetime) -> None:
        super().__init__(world)
        self.model, self.chance, self.begin = model, chance, begin
        self.new = plan.new.id
        self.declared = dict(plan.judge.measures) if plan.judge is not None else {}
        self.manners = Manners()
        self.fine = inf
        """Seconds between two glimpses: so fine the judge hears of what happened between two looks."""
        self._glimpses: list[Glimpse] = []
        """``ago`` is the time of each, until they are asked for."""
        self.counted: dict[str, Counted] = {}
        self.grouped: dict[str, dict[str, Counted]] = {}
        """Those of groups, by group and release."""
        self.crowd = Crowd(model.users, by_user=False)
        self._slow = lru_cache(maxsize=16)(self._cells)

    def restart(self) -> None:
        super().restart()
        self.counted, self.grouped = {}, {}

    def flow(self) -> None:
        """In pieces, where the time since the last look is long and the judge hears of it."""
        since, now = self._flowed, self.world.now()
        exposed = not self.silent and self.new in self.asked()
        parts = ceil((now - since) / self.fine) if exposed else 1
        for part in range(1, parts):
            at = since + (now - since) * part / parts
            self.flow_until(at)
            self._glimpses.append(Glimpse(at, {name: one.copy() for name, one in self.counted.items()}))
        self.flow_until(now)

    def glimpses(self) -> list[Glimpse]:
        """Those since this was last asked."""
        now = self.world.now()
        found, self._glimpses = self._glimpses, []
        return [Glimpse(now - one.ago, one.counted) for one in found]

    def count(
        self, release: str, answering: str | None, share: float, since: float, until: float, group: str = ""
    ) -> None:
        by = answering or release
        counted = self.grouped.setdefault(group, {}) if group else self.counted
        kept = counted.setdefault(by, Counted(buckets=[0] * (len(self.model.bounds) + 1)))
        mean, manners = self._mean(since, until) * share, self.manners if by == self.new else Manners()
        usual, failing = self.model.errors, manners.errors(self.model.errors)
        if answering is None:
            failing = 1.0
        chances = self._slow(manners.slower)
        failed = cells(self.chance, mean * failing, chances)
        answered = cells(self.chance, mean * (1.0 - failing), chances)
        errors = sum(failed)
        requests = errors + sum(answered)
        kept.requests += requests
        kept.errors += errors
        kept.extra += errors * (1.0 - usual / failing) if failing > 0.0 else 0.0
        kept.buckets = [sum(three) for three in zip(kept.buckets, failed, answered, strict=True)]
        self._measure(kept, requests, (until - since) * share)
        if by == self.new:
            self.crowd.saw(requests, share)

    def copied(self, mirror: Mirroring, since: float, until: float) -> float:
        return self._mean(since, until) * mirror.share / EVERYBODY

    def enough(self, mirror: Mirroring) -> int:
        """As ``comparing.evidence.still_needed`` has it when no answer differs."""
        return still_needed(Pairs(), mirror.most, FALSE_PASS)

    def _mean(self, since: float, until: float) -> float:
        return self.model.requests_between(self.begin, since, until)

    def _cells(self, slower: float) -> tuple[float, ...]:
        """The chance of each bucket when everything takes so many times as long."""
        model = self.model
        if model.latency is not None:
            above = [model.latency.slower_than(bound / slower) for bound in model.bounds]
        else:
            above = [slower_than(model.slow, model.bounds, i, slower) for i in range(len(model.bounds))]
        edges = [1.0, *above, 0.0]
        return tuple(max(0.0, high - low) for high, low in pairwise(edges))

    def _measure(self, kept: Counted, requests: int, exposure: float) -> None:
        for name, one in self.declared.items():
            rate = self.model.measures.get(name)
            if rate is not None:
                of = one.of or name
                kept.measures[of] = self._grown(one, rate, kept.measures.get(of, 0.0), requests, exposure)
                if one.per != "requests" and one.kind in (Kind.COUNT, Kind.MEAN):
                    kept.measures[one.per] = float(kept.requests)

    def _grown(self, one: MeasureSettings, rate: float, before: float, requests: int, exposure: float) -> float:
        if one.kind is Kind.COUNT:
            return before + poisson(self.chance, requests * rate)
        if one.kind is Kind.RATE:
            return before + poisson(self.chance, exposure * rate)
        return rate if one.kind is Kind.GAUGE else before + requests * rate

    def show(self) -> None:
        self.counters = _shown(self.counted)
        self.groups = {group: _shown(counted) for group, counted in self.grouped.items()}

    async def telemetry(self) -> Telemetry:
        """In the model's buckets."""
        found = await super().telemetry()
        size = len(self.model.bounds) + 1
        empty = Counters(latency_bucket=(0,) * size)
        fitting = {
            release: one if len(one.latency_bucket) == size else empty
            for release, one in found.counters.items()
        }
        return found.model_copy(update={"latency_bounds": self.model.bounds, "counters": fitting})


def _shown(counted: dict[str, Counted]) -> dict[str, Counters]:
    return {
        release: Counters(requests=one.requests, errors=one.errors, latency_bucket=(*accumulate(one.buckets),))
        for release, one in counted.items()
    }
