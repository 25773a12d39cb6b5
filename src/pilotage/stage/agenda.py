"""What is going to happen in a run: faults at their moments, and people who answer when they are waited for."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, assert_never

from pilotage.rehearsal.fault import TIMELESS, Fault, FaultKind, From

if TYPE_CHECKING:
    from pilotage.stage.play import Scene

Action = Callable[[], None]


class Agenda:
    """Times in seconds since the beginning."""

    def __init__(self) -> None:
        self._planned: list[tuple[float, int, str, Action]] = []
        self._number = 0

    def add(self, at: float, what: str, action: Action) -> None:
        """``what`` is told when it happens; empty: nothing is."""
        self._number += 1
        heapq.heappush(self._planned, (at, self._number, what, action))

    @property
    def next(self) -> float | None:
        return self._planned[0][0] if self._planned else None

    def due(self, now: float) -> list[tuple[str, Action]]:
        """What happens by now, in order; once."""
        found = []
        while self._planned and self._planned[0][0] <= now + 1e-9:
            _, _, what, action = heapq.heappop(self._planned)
            found.append((what, action))
        return found


def plan_faults(scene: Scene, faults: Sequence[Fault], since: From, at: float) -> None:
    """Those that are counted from this moment, which is ``at`` seconds after the beginning."""
    for fault in faults:
        if (From.BEGIN if fault.kind in TIMELESS else fault.since) is since:
            _plan(scene, fault, at + fault.moment.total_seconds())


def _plan(scene: Scene, fault: Fault, at: float) -> None:
    router, world, agenda = scene.router, scene.world, scene.agenda
    match fault.kind:
        case FaultKind.ERRORS:
            agenda.add(at, fault.words, lambda: setattr(router.manners, "ratio", fault.factor))
        case FaultKind.MORE:
            agenda.add(at, fault.words, lambda: setattr(router.manners, "more", fault.part))
        case FaultKind.OUTAGE:
            agenda.add(at, fault.words, lambda: setattr(router.manners, "more", 1.0))
        case FaultKind.SLOWER:
            agenda.add(at, fault.words, lambda: setattr(router.manners, "slower", fault.factor))
        case FaultKind.CRASH:
            release = scene.old if fault.old else scene.new
            agenda.add(at, fault.words, lambda: _crash(scene, release))
        case FaultKind.LOOP:
            agenda.add(at, fault.words, lambda: _loop(scene))
        case FaultKind.GAP:
            lasts = fault.lasts.total_seconds() if fault.lasts else 0.0
            agenda.add(at, fault.words, lambda: setattr(router, "silent", True))
            agenda.add(at + lasts, "telemetry is back", lambda: setattr(router, "silent", False))
        case FaultKind.SLOW_START:
            world.slow_start = fault.factor
        case FaultKind.LATE:
            scene.late += fault.lasts.total_seconds() if fault.lasts else 0.0
        case _:
            assert_never(fault.kind)


def _crash(scene: Scene, release: str | None) -> None:
    victim = scene.world.one_of(release) if release is not None else None
    if victim is not None:
        scene.world.crash(victim)


def _loop(scene: Scene) -> None:
    scene.world.loops.add(scene.new)
    _crash(scene, scene.new)
