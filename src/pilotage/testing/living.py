"""The fakes with a time of their own, and users who come all the time: what simulations and rehearsals play in.

Both take ``now``, seconds since the beginning, from whoever plays; neither reads a clock.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pilotage.core.comparing import Reconciliation
from pilotage.core.fleet import Phase
from pilotage.core.judging import Outcome
from pilotage.core.routing import Backend, Mirroring, Telemetry
from pilotage.core.values import EVERYBODY
from pilotage.errors import Problem
from pilotage.ports import RouterError
from pilotage.testing.router import FakeRouter
from pilotage.testing.target import FakeInstance, FakeWorld

Now = Callable[[], float]

COPIES = 50.0
"""Compared requests a second, unless a world says something else."""
ENOUGH = 100


class TimedWorld(FakeWorld):
    """Instances that take their time, and a supervisor that restarts what has crashed."""

    loops: set[str]
    """Releases whose instances crash as soon as they have started."""

    def __init__(self, now: Now) -> None:
        super().__init__()
        self.now = now
        self.loops = set()
        self.starts_after = 1.0
        self.stops_after = 0.7
        self.restarts_after = 1.5
        self._since: dict[str, tuple[Phase, float]] = {}

    def start_time(self, instance: FakeInstance) -> float:
        """Seconds that this one takes to start."""
        return self.starts_after

    def age(self, instance: FakeInstance) -> None:
        phase, since = self._since.get(instance.id, (None, 0.0))
        if phase is not instance.phase:
            self._since[instance.id] = (instance.phase, self.now())
            return
        elapsed = self.now() - since
        if phase is Phase.STARTING and elapsed >= self.start_time(instance):
            self.rise(instance)
        elif phase is Phase.STOPPING and elapsed >= self.stops_after:
            instance.enter(Phase.STOPPED)
        elif phase is Phase.CRASHED and elapsed >= self.restarts_after:
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


def version_of(release: str) -> str:
    """What an isolated copy has in common with its release: ``1-0`` of ``1-0-0123abcd``."""
    return release.rpartition("-")[0]


@dataclass
class Comparing:
    """What came of the copies of one run so far."""

    run: str
    looked: float
    compared: float = 0.0

    def report(self, enough: int, *, alike: bool) -> Reconciliation:
        count = int(self.compared)
        outcome = Outcome.UNDECIDED if count < enough else Outcome.PASS if alike else Outcome.FAIL
        at = datetime(2026, 1, 1, tzinfo=UTC)
        different = 0 if alike else count
        return Reconciliation(
            began=at,
            at=at,
            copies=count,
            compared=count,
            equal=count - different,
            different=different,
            outcome=outcome,
            why=("$.total differs",) if outcome is Outcome.FAIL else (),
        )


GROUP = 0.1
"""How many users each pin is about, beside all others: a tenth as many. Nobody knows."""


class FlowingRouter(FakeRouter):
    """Users come all the time; each request goes where the routing in effect really sends it."""

    def __init__(self, world: TimedWorld) -> None:
        super().__init__()
        self.world = world
        self.silent = False
        self.unlike: set[str] = set()
        """Versions whose answers differ; those of their isolated copies too."""
        self._compares = Comparing("", 0.0)
        self._flowed = 0.0

    @abstractmethod
    def count(
        self, release: str, answering: str | None, share: float, since: float, until: float, group: str = ""
    ) -> None:
        """``share`` (0 … 1) of the users were sent to ``release`` from one time until another, and
        ``answering`` has answered; None: nobody could. ``group``: whose requests they were, if a pin's."""

    @abstractmethod
    def show(self) -> None:
        """Makes ``counters`` of what was counted."""

    def copied(self, mirror: Mirroring, since: float, until: float) -> float:
        """How many requests were copied and compared from one time until another."""
        return COPIES * (until - since)

    def enough(self, mirror: Mirroring) -> int:
        """From so many compared requests on it is known whether answers differ."""
        return ENOUGH

    def _mirrored(self) -> Reconciliation | None:
        """What comes of copies, by what both versions are really like."""
        if self.serving is None or self.serving.mirror is None or not self._running or self.silent:
            return None
        mirror, now = self.serving.mirror, self.world.now()
        if self._compares.run != mirror.run:
            self._compares = Comparing(mirror.run, now)
        since, self._compares.looked = self._compares.looked, now
        if self.world.well(mirror.old) and self.world.well(mirror.again):
            self._compares.compared += self.copied(mirror, since, now)
        alike = version_of(mirror.new) not in self.unlike
        return self._compares.report(self.enough(mirror), alike=alike)

    async def telemetry(self) -> Telemetry:
        self.flow()
        if self.silent:
            raise RouterError(Problem(code="router.no-telemetry", what="no counters can be read"))
        self.show()
        return await super().telemetry()

    def flow(self) -> None:
        """Counts the requests since the last time."""
        self.flow_until(self.world.now())

    def flow_until(self, at: float) -> None:
        """``at``: now, or before."""
        since, self._flowed = self._flowed, at
        if not self._running or self.serving is None:
            return
        for release, share in self.asked().items():
            self.count(release, self.answers(release), share / EVERYBODY, since, self._flowed)
        for pin in self.serving.pins:
            for release, share in self.serving.shares_of(pin).items():
                part = GROUP * share / EVERYBODY
                self.count(release, self.answers(release), part, since, self._flowed, pin.group)

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
