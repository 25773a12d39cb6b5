"""A router in memory that passes the same contract suite as the real ones, with knobs for what can go wrong."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pilotage.core.comparing import Reconciliation
from pilotage.core.routing import Counters, RouterSeen, Routing, Telemetry
from pilotage.errors import Problem
from pilotage.ports import RouterError, Site

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class FakeRouter:
    """Knobs, all of them plain attributes:

    ``problems``     what ``check`` answers
    ``refuse_next``  the next routing is refused with this problem
    ``stuck``        routings are taken but do not come into effect until this is False again
    ``unreachable``  every call raises RouterError
    ``counters``, ``groups``, ``users_served``, ``users_failed``, ``inflight``
                     what the readings show; see ``serve``
    ``compared``     the report on copies of requests, while they are made; None: none of them was answered
    ``applied``      every routing that was given to ``apply``, in order
    ``changed``      is called whenever another routing has come into effect
    """

    def __init__(self, site: Site | None = None) -> None:
        self.site = site
        self.problems: list[Problem] = []
        self.refuse_next: Problem | None = None
        self.stuck = False
        self.unreachable = False
        self.counters: dict[str, Counters] = {}
        self.groups: dict[str, dict[str, Counters]] = {}
        self.users_served = 0
        self.users_failed = 0
        self.inflight: dict[str, int] = {}
        self.compared: Reconciliation | None = None
        self.applied: list[Routing] = []
        self.changed: Callable[[], None] = lambda: None
        self.serving: Routing | None = None
        self._waiting: Routing | None = None
        self._copies: dict[str, int] = {}
        self._rejected: Problem | None = None
        self._running = False
        self._starts = 0

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        known = ("concurrency", "public")
        return [
            Problem(
                code="router.unknown-setting",
                what=f"the fake router has no setting {key!r}",
                mend=f"did you mean {near[0]!r}?" if near else None,
            )
            for key in settings
            if key not in known
            for near in [difflib.get_close_matches(key, known, n=1)]
        ]

    async def check(self, routing: Routing) -> list[Problem]:
        self._reach()
        return list(self.problems)

    async def apply(self, routing: Routing) -> None:
        self._reach()
        self.applied.append(routing)
        if not self._running:
            self.restart()
        self._rejected, self.refuse_next = self.refuse_next, None
        self._waiting = None if self._rejected else routing
        self.settle()

    async def observe(self) -> RouterSeen:
        self._reach()
        self.settle()
        return RouterSeen(
            running=self._running,
            revision=self.serving.revision if self.serving and self._running else None,
            rejected=self._rejected,
            inflight=self._inflight(),
            since=datetime(2026, 1, 1, tzinfo=UTC) if self._running else None,
            mirrored=self._mirrored(),
        )

    async def telemetry(self) -> Telemetry:
        self._reach()
        if self.serving is None:
            raise RouterError(Problem(code="router.no-routing", what="the router has no routing yet"))
        releases = {backend.release for backend in self.serving.backends} | set(self.counters)
        empty = Counters(latency_bucket=(0,) * (len(BOUNDS) + 1))
        return Telemetry(
            epoch=f"start-{self._starts}",
            latency_bounds=BOUNDS,
            counters={release: self.counters.get(release, empty) for release in sorted(releases)},
            groups={group: dict(counters) for group, counters in self.groups.items()},
            users_served=self.users_served,
            users_failed=self.users_failed,
        )

    async def stop(self) -> None:
        self._running = False

    def restart(self) -> None:
        """As after a crash of the proxy: the routing stays, the counters begin anew."""
        self._running = True
        self._starts += 1
        self.counters, self.groups, self.users_served, self.users_failed = {}, {}, 0, 0

    def serve(self, release: str, seconds: float, *statuses: int, group: str = "") -> None:
        """Users (of a group) were answered with these statuses by this release, each after so many seconds."""
        counters = self.groups.setdefault(group, {}) if group else self.counters
        before = counters.get(release, Counters())
        buckets = list(before.latency_bucket or (0,) * (len(BOUNDS) + 1))
        for place, bound in enumerate((*BOUNDS, float("inf"))):
            buckets[place] += len(statuses) if seconds <= bound else 0
        by_status = dict(before.by_status)
        for status in statuses:
            by_status[status] = by_status.get(status, 0) + 1
        failed = sum(status >= 500 for status in statuses)
        counters[release] = before.model_copy(
            update={
                "requests": before.requests + len(statuses),
                "errors": before.errors + failed,
                "by_status": by_status,
                "latency_bucket": tuple(buckets),
            }
        )
        self.users_served += len(statuses)
        self.users_failed += failed
        if self.serving is not None and self.serving.mirror is not None:
            run = self.serving.mirror.run
            self._copies[run] = self._copies.get(run, 0) + len(statuses)

    def settle(self) -> None:
        """What was taken comes into effect, unless the router is stuck."""
        if self._waiting is not None and not self.stuck:
            self.serving, self._waiting = self._waiting, None
            self.changed()

    def forget(self, routing: Routing | None) -> None:
        """It restarts with an older routing, or with none: what its contract forbids, and happens."""
        self.restart()
        self.serving, self._waiting, self._rejected = routing, None, None
        self.changed()

    def _mirrored(self) -> Reconciliation | None:
        """Of copies that nobody answered, unless ``compared`` says something else."""
        if self.serving is None or self.serving.mirror is None or not self._running:
            return None
        copies = self._copies.get(self.serving.mirror.run, 0)
        left = {"the old version did not answer": copies} if copies else {}
        began = datetime(2026, 1, 1, tzinfo=UTC)
        return self.compared or Reconciliation(began=began, at=began, copies=copies, left_out=left)

    def _inflight(self) -> dict[str, int]:
        if self.serving is None:
            return dict(self.inflight)
        instances = [e.instance for b in self.serving.backends for e in b.endpoints]
        return dict.fromkeys(instances, 0) | self.inflight

    def _reach(self) -> None:
        if self.unreachable:
            raise RouterError(Problem(code="router.no-answer", what="the fake router is out of reach"))
