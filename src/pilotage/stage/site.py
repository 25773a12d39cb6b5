"""Instances as the model has them: prepared, started, stopped and restarted in its times."""

from __future__ import annotations

from pilotage.core.fleet import Phase, Preparation
from pilotage.core.plan import Plan
from pilotage.core.release import Release
from pilotage.core.routing import Address
from pilotage.core.steps import Check
from pilotage.core.values import digest
from pilotage.rehearsal.model import Service
from pilotage.testing.living import Now, TimedWorld
from pilotage.testing.router import FakeRouter
from pilotage.testing.target import FakeInstance, FakeTarget


class Premises(TimedWorld):
    """All instances. What the plan found there runs already."""

    def __init__(self, plan: Plan, model: Service, now: Now) -> None:
        super().__init__(now)
        self.new = plan.new.id
        self.starts_after, self.stops_after = model.starts, model.stops
        self.prepare_time = model.prepares
        self.slow_start = 1.0
        self.begun: dict[str, float] = {}
        """When each release was first asked to be prepared."""
        for release in (plan.basis.live, plan.basis.warm):
            if release is not None:
                self._runs(release, plan.basis.instances)

    def start_time(self, instance: FakeInstance) -> float:
        return self.starts_after * (self.slow_start if instance.release.id == self.new else 1.0)

    def prepared(self, release: str) -> bool:
        """Whether that is done by now; asking begins it."""
        return self.now() - self.begun.setdefault(release, self.now()) >= self.prepare_time

    def one_of(self, release: str) -> str | None:
        """A healthy instance of it, the first one."""
        return min(self.well(release), default=None)

    def _runs(self, release: Release, instances: int) -> None:
        self.begun[release.id] = self.now() - self.prepare_time
        self.prepares[release.id] = self.prepares_to_done + 1
        for number in range(1, instances + 1):
            self.last_port += 1
            one = FakeInstance(release=release, number=number, port=self.last_port, pid=self.last_port)
            one.enter(Phase.HEALTHY)
            self.instances[one.id] = one


class PremisesTarget(FakeTarget):
    """Preparing takes its time."""

    def __init__(self, world: Premises) -> None:
        super().__init__(world=world)
        self.premises = world

    async def prepare(self, release: Release) -> Preparation:
        if not self.premises.prepared(release.id):
            return Preparation(release=release.id, progress="under way")
        self.premises.prepares[release.id] = self.premises.prepares_to_done + 1
        return Preparation(release=release.id, digest=digest(release.artifact))


class Caller:
    """A ports.Prober: what is healthy passes its checks."""

    def __init__(self, world: Premises, router: FakeRouter) -> None:
        self.world, self.router = world, router

    async def probe(self, address: Address, check: Check) -> str | None:
        serving = self.router.serving
        previewed = serving.preview_release if serving is not None else None
        release = previewed or self.world.new
        return None if self.world.well(release) else "answered 503"
