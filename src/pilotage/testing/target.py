"""A target in memory: the contract of ports.Target without processes, with knobs for what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pilotage.core.fleet import Instance, Phase, Preparation
from pilotage.core.release import Release
from pilotage.core.routing import Address
from pilotage.core.values import digest
from pilotage.errors import Problem
from pilotage.ports import Site, TargetError


@dataclass
class FakeInstance:
    """One instance; ``looks`` counts how often it was observed in its phase."""

    release: Release
    number: int
    port: int
    pid: int
    phase: Phase = Phase.STARTING
    looks: int = 0
    restarts: int = 0
    detail: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.release.id}.{self.number}"

    def enter(self, phase: Phase, detail: str = "") -> None:
        self.phase, self.looks, self.detail = phase, 0, detail


@dataclass
class FakeWorld:
    """What outlives a FakeTarget, as processes outlive a worker, and the knobs. Delays are in calls."""

    prepares_to_done: int = 1
    """So many calls of ``prepare`` before it is done."""
    looks_to_healthy: int = 1
    looks_to_stopped: int = 1
    prepare_problems: dict[str, Problem] = field(default_factory=dict)
    """By release id."""
    never_healthy: set[str] = field(default_factory=set)
    """Release ids whose instances answer, but badly: unhealthy instead of healthy."""
    unreachable: Problem | None = None
    """Every call raises this."""
    instances: dict[str, FakeInstance] = field(default_factory=dict)
    prepares: dict[str, int] = field(default_factory=dict)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    """Every call in order: its name, and the release id and numbers, or the instances."""
    last_port: int = 20_000

    def crash(self, instance: str, why: str = "exit 1") -> None:
        """It ends and stays down until ``restart``."""
        self.instances[instance].enter(Phase.CRASHED, why)

    def restart(self, instance: str) -> None:
        """As a supervisor would after its back-off."""
        down = self.instances[instance]
        down.restarts, down.pid = down.restarts + 1, down.pid + 1000
        down.enter(Phase.STARTING)

    def sicken(self, instance: str, why: str = "GET / answered 500") -> None:
        """It runs on, but its health check fails, until ``cure``."""
        self.instances[instance].enter(Phase.UNHEALTHY, why)

    def cure(self, instance: str) -> None:
        self.instances[instance].enter(Phase.HEALTHY)

    def say(self, instance: str, line: str) -> None:
        """It writes a line to its log."""
        self.instances[instance].lines.append(line)

    def age(self, instance: FakeInstance) -> None:
        """It was looked at once more: starting and stopping come to their end. A world with time of its own
        overrides this."""
        instance.looks += 1
        if instance.phase is Phase.STARTING and instance.looks > self.looks_to_healthy:
            self.rise(instance)
        elif instance.phase is Phase.STOPPING and instance.looks > self.looks_to_stopped:
            instance.enter(Phase.STOPPED)

    def rise(self, instance: FakeInstance) -> None:
        """It has started: well, or as ill as its release is."""
        if instance.release.id in self.never_healthy:
            instance.enter(Phase.UNHEALTHY, "GET / answered 500")
        else:
            instance.enter(Phase.HEALTHY)


class FakeTarget:
    """Give two of them one ``world`` and they are two workers on the same site."""

    def __init__(self, site: Site | None = None, world: FakeWorld | None = None) -> None:
        self.site = site
        self.world = world or FakeWorld()

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        what = "the fake target has no setting {!r}"
        return [Problem(code="target.unknown-setting", what=what.format(key)) for key in settings]

    async def prepare(self, release: Release) -> Preparation:
        self._called("prepare", release.id)
        if problem := self.world.prepare_problems.get(release.id):
            return Preparation(release=release.id, problem=problem)
        calls = self.world.prepares[release.id] = self.world.prepares.get(release.id, 0) + 1
        if calls <= self.world.prepares_to_done:
            return Preparation(release=release.id, progress=f"{calls} of {self.world.prepares_to_done}")
        return Preparation(release=release.id, digest=digest(release.artifact))

    async def scale(self, release: Release, numbers: Sequence[int]) -> None:
        self._called("scale", (release.id, tuple(numbers)))
        if self.world.prepares.get(release.id, 0) <= self.world.prepares_to_done:
            what = f"the artifact of {release.service} {release.version} is not prepared"
            raise TargetError(Problem(code="target.not-prepared", what=what))
        for number in numbers:
            known = self.world.instances.get(f"{release.id}.{number}")
            if known is None:
                self._start(release, number)
            elif known.phase in (Phase.STOPPING, Phase.STOPPED):
                known.restarts, known.pid = 0, known.pid + 1000
                known.enter(Phase.STARTING)

    async def observe(self) -> tuple[Instance, ...]:
        self._called("observe", None)
        for instance in self.world.instances.values():
            self.world.age(instance)
        found = sorted(self.world.instances.values(), key=lambda one: (one.release.id, one.number))
        return tuple(_shown(instance) for instance in found)

    async def stop(self, instances: Sequence[str]) -> None:
        self._called("stop", tuple(instances))
        for name in instances:
            known = self.world.instances.get(name)
            if known is not None and known.phase not in (Phase.STOPPING, Phase.STOPPED):
                known.enter(Phase.STOPPING)

    async def log(self, instance: str, lines: int) -> str:
        self._called("log", instance)
        if instance not in self.world.instances:
            raise TargetError(Problem(code="target.no-instance", what=f"there is no instance {instance}"))
        return "\n".join(self.world.instances[instance].lines[-lines:]) if lines > 0 else ""

    def _called(self, name: str, arguments: Any) -> None:
        self.world.calls.append((name, arguments))
        if self.world.unreachable is not None:
            raise TargetError(self.world.unreachable)

    def _start(self, release: Release, number: int) -> None:
        self.world.last_port += 1
        port = self.world.last_port
        started = FakeInstance(release=release, number=number, port=port, pid=port)
        started.lines.append(f"{release.version} listens on {port}")
        self.world.instances[started.id] = started


def _shown(instance: FakeInstance) -> Instance:
    down = instance.phase in (Phase.CRASHED, Phase.STOPPED)
    return Instance(
        id=instance.id,
        release=instance.release.id,
        number=instance.number,
        address=Address(host="127.0.0.1", port=instance.port),
        phase=instance.phase,
        pid=None if down else instance.pid,
        restarts=instance.restarts,
        detail=instance.detail,
    )
