"""The world of one environment as it really is: instances, a router with users, whatever anybody believes.

They are the fakes of pilotage.testing, given a time of their own, users, and versions that are good or bad.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from pilotage.core.fleet import Phase
from pilotage.core.routing import Address, Backend, Counters, Routing, Telemetry
from pilotage.core.steps import Check
from pilotage.core.values import EVERYBODY
from pilotage.errors import Problem
from pilotage.ports import RouterError
from pilotage.simulate.errands import TimedRunner
from pilotage.simulate.trouble import now
from pilotage.testing.router import BOUNDS, FakeRouter
from pilotage.testing.target import FakeInstance, FakeTarget, FakeWorld

USERS = 400.0
"""Requests a second."""
STOPS_AFTER = 0.7
RESTARTS_AFTER = 1.5


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


class TimedWorld(FakeWorld):
    """Instances that take their time, and a supervisor that restarts what has crashed."""

    loops: set[str]

    def __init__(self) -> None:
        super().__init__()
        self.loops = set()
        self.starts_after = 1.0
        self._since: dict[str, tuple[Phase, float]] = {}

    def age(self, instance: FakeInstance) -> None:
        phase, since = self._since.get(instance.id, (None, 0.0))
        if phase is not instance.phase:
            self._since[instance.id] = (instance.phase, now())
            return
        elapsed = now() - since
        if phase is Phase.STARTING and elapsed >= self.starts_after:
            self.rise(instance)
        elif phase is Phase.STOPPING and elapsed >= STOPS_AFTER:
            instance.enter(Phase.STOPPED)
        elif phase is Phase.CRASHED and elapsed >= RESTARTS_AFTER:
            self.restart(instance.id)

    def rise(self, instance: FakeInstance) -> None:
        if instance.release.id in self.loops:
            instance.enter(Phase.CRASHED, "exit 1")
        else:
            super().rise(instance)

    def pass_time(self) -> None:
        """What was due by now has happened."""
        for instance in self.instances.values():
            self.age(instance)

    def well(self, release: str) -> set[str]:
        """Instances that are healthy in truth."""
        healthy = (i for i in self.instances.values() if i.phase is Phase.HEALTHY)
        return {i.id for i in healthy if i.release.id == release}

    def existing(self) -> set[str]:
        return {i.id for i in self.instances.values() if i.phase is not Phase.STOPPED}


class BusyRouter(FakeRouter):
    """Users come all the time; each request goes where the routing in effect really sends it."""

    def __init__(self, world: TimedWorld) -> None:
        super().__init__()
        self.world = world
        self.failing: dict[str, float] = {}
        self.silent = False
        self.lies = False
        self.totals: dict[str, float] = {}
        """Requests that each release answered, over all time."""
        self._counts: dict[str, tuple[float, float]] = {}
        self._flowed = 0.0

    async def telemetry(self) -> Telemetry:
        self.flow()
        if self.silent:
            raise RouterError(Problem(code="router.no-telemetry", what="no counters can be read"))
        self.counters = {release: self._shown(*counts) for release, counts in self._counts.items()}
        return await super().telemetry()

    def restart(self) -> None:
        super().restart()
        self._counts = {}

    def begin_counting_anew(self) -> None:
        """The counters fall to zero, and nothing says so."""
        self.flow()
        self._counts = {}

    def flow(self) -> None:
        """Counts the requests since the last time."""
        seconds, self._flowed = now() - self._flowed, now()
        if not self._running or self.serving is None:
            return
        for release, share in self.asked().items():
            answering = self.answers(release)
            count = USERS * seconds * share / EVERYBODY
            by = answering or release
            requests, errors = self._counts.get(by, (0.0, 0.0))
            part = 1.0 if answering is None else self.failing.get(by, ORDINARY)
            self._counts[by] = requests + count, errors + count * part
            if answering is not None:
                self.totals[by] = self.totals.get(by, 0.0) + count

    def asked(self) -> dict[str, int]:
        """The shares in effect that are not zero."""
        if self.serving is None or not self._running:
            return {}
        return {split.release: split.share for split in self.serving.splits if split.share}

    def answers(self, release: str) -> str | None:
        """Which release answers those who are sent to this one; None: they get an error."""
        assert self.serving is not None
        backends = {backend.release: backend for backend in self.serving.backends}
        for candidate in (release, *self.serving.failover):
            if candidate in backends and self._alive(backends[candidate]):
                return candidate
        return None

    def serves(self, release: str) -> bool:
        """Whether a release answers those who are sent to it by itself, without anybody taking over."""
        assert self.serving is not None
        return any(b.release == release and self._alive(b) for b in self.serving.backends)

    def _alive(self, backend: Backend) -> bool:
        well = self.world.well(backend.release)
        fresh = [e for e in backend.endpoints if not e.draining] or list(backend.endpoints)
        return any(endpoint.instance in well for endpoint in fresh)

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
        self.world = TimedWorld()
        self.target = FakeTarget(world=self.world)
        self.router = BusyRouter(self.world)
        self.prober = Watcher(self)
        self.runner = TimedRunner()
        self.qualities: dict[str, Quality] = {}
        self.past: list[Routing] = []
        """Every routing that was in effect, the last one last."""
        self.changed_by_itself = -1.0
        """When the router last showed something that nobody had asked for just then."""

    def introduce(self, release: str, quality: Quality) -> None:
        """A version as it really is; nobody who decides knows."""
        self.qualities[release] = quality
        self.router.failing[release] = FAILING.get(quality, ORDINARY)
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

    def mend(self) -> None:
        """All that was broken works again; versions stay what they are."""
        self.router.stuck = self.router.silent = self.router.lies = False
        self.router.refuse_next = None
        self.router.settle()
        self.router.begin_counting_anew()
        for instance in self.world.instances.values():
            if instance.phase is Phase.UNHEALTHY:
                self.world.rise(instance)
