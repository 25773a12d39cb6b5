"""The world of one environment as it really is: instances, a router with users, whatever anybody believes.

They are the fakes of pilotage.testing, given a time of their own, users, and versions that are good or bad.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from pilotage.core.fleet import Phase
from pilotage.core.routing import Address, Counters, Routing
from pilotage.core.steps import Check
from pilotage.errors import Problem
from pilotage.simulate.errands import TimedRunner
from pilotage.simulate.features import Features
from pilotage.simulate.trouble import now
from pilotage.testing.living import FlowingRouter, TimedWorld, version_of
from pilotage.testing.router import BOUNDS
from pilotage.testing.target import FakeTarget

USERS = 400.0
"""Requests a second."""


class Quality(StrEnum):
    """What a version is really like."""

    GOOD = "good"
    BAD = "bad"
    """Fails every second request."""
    ILL = "ill"
    """Never becomes healthy."""
    LOOPS = "loops"
    """Crashes as soon as it has started."""
    UNBUILT = "unbuilt"
    """Its artifact can not be prepared."""
    UNPROVEN = "unproven"
    """Fails its checks before any user."""


FAILING = {Quality.BAD: 0.5}
ORDINARY = 0.001


class BusyRouter(FlowingRouter):
    """Every release fails as often as its quality says, and counters may lie."""

    def __init__(self, world: TimedWorld) -> None:
        super().__init__(world)
        self.failing: dict[str, float] = {}
        self.lies = False
        self.totals: dict[str, float] = {}
        """Requests that each release answered, over all time."""
        self._counts: dict[tuple[str, str], tuple[float, float]] = {}
        """By group (empty: everybody else) and release."""

    def restart(self) -> None:
        super().restart()
        self._counts = {}

    def begin_counting_anew(self) -> None:
        """The counters fall to zero, and nothing says so."""
        self.flow()
        self._counts = {}

    def count(
        self, release: str, answering: str | None, share: float, since: float, until: float, group: str = ""
    ) -> None:
        count, by = USERS * (until - since) * share, answering or release
        requests, errors = self._counts.get((group, by), (0.0, 0.0))
        part = 1.0 if answering is None else self.failing.get(by, ORDINARY)
        self._counts[group, by] = requests + count, errors + count * part
        if answering is not None:
            self.totals[by] = self.totals.get(by, 0.0) + count

    def show(self) -> None:
        shown = {key: self._shown(*counts) for key, counts in self._counts.items()}
        self.counters = {release: counters for (group, release), counters in shown.items() if not group}
        self.groups = {}
        for (group, release), counters in shown.items():
            if group:
                self.groups.setdefault(group, {})[release] = counters

    def _shown(self, requests: float, errors: float) -> Counters:
        if self.lies:
            # Contradictory on purpose: more failed than were asked, and fewer every time.
            requests, errors = 10_000 - requests % 5_000, 20_000.0
        buckets = tuple(int(requests) if bound >= 0.005 else 0 for bound in (*BOUNDS, float("inf")))
        return Counters(requests=int(requests), errors=int(errors), latency_bucket=buckets)


@dataclass
class Watcher:
    """Makes the requests of the checks before any user."""

    place: Place

    async def probe(self, address: Address, check: Check) -> str | None:
        routing = self.place.router.serving
        release = routing.preview_release if routing is not None else None
        if release is None or not self.place.world.well(release):
            return "answered 503"
        unproven = self.place.qualities.get(release) is Quality.UNPROVEN
        return "answered 500" if unproven else None


class Place:
    """One environment as it really is."""

    def __init__(self, service: str, name: str) -> None:
        self.service, self.name = service, name
        self.world = TimedWorld(now)
        self.target = FakeTarget(world=self.world)
        self.router = BusyRouter(self.world)
        self.prober = Watcher(self)
        self.runner = TimedRunner()
        self.features = Features(self.router)
        self.qualities: dict[str, Quality] = {}
        self.past: list[Routing] = []
        """Every routing that was in effect, the last one last."""
        self.changed_by_itself = -1.0
        """When the router last showed something that nobody had asked for just then."""

    def introduce(self, release: str, quality: Quality) -> None:
        """A version as it really is; nobody who decides knows."""
        self.qualities[release] = quality
        self.router.failing[release] = FAILING.get(quality, ORDINARY)
        if quality is Quality.BAD:
            self.router.unlike.add(version_of(release))
        if quality is Quality.ILL:
            self.world.never_healthy.add(release)
        elif quality is Quality.LOOPS:
            self.world.loops.add(release)
        elif quality is Quality.UNBUILT:
            self.world.prepare_problems[release] = Problem(code="target.build", what="it can not be built")

    async def live_on(self) -> None:
        """Time passes in this place."""
        while True:
            await asyncio.sleep(0.25)
            self.world.pass_time()
            self.runner.pass_time()
            self.features.flow()

    def mend(self) -> None:
        """All that was broken works again; versions stay what they are."""
        self.router.stuck = self.router.silent = self.router.lies = False
        self.router.refuse_next = None
        self.router.settle()
        self.features.silent = self.features.flags.stuck = False
        self.features.flags.settle()
        self.router.begin_counting_anew()
        for instance in self.world.instances.values():
            if instance.phase is Phase.UNHEALTHY:
                self.world.rise(instance)
