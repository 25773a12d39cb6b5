"""The bench: everything the judge weighs, set up from its settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, log
from typing import Any, Self

from pilotage.core.judging import JudgeSettings, Kind, Role, Snapshot
from pilotage.judge import budget
from pilotage.judge.channel import LONGEST_BLOCK, Channel, Subject, events_of, slower_than
from pilotage.judge.comparison import Comparison
from pilotage.judge.counters import Series, Vector, buckets, halves
from pilotage.judge.evidence import DISASTER, Margin
from pilotage.judge.guard import Guard
from pilotage.judge.history import History
from pilotage.judge.latency import ENOUGH, Edge, choose, slack
from pilotage.judge.level import Level
from pilotage.judge.measures import Counted, Declared, declared, part_of
from pilotage.judge.objective import Objective
from pilotage.judge.trouble import Trouble

CLIP = 2.0
"""Nats beyond what is needed that evidence for going on may save up (F9) …"""
RENEWED = 1.0
"""… and that it lacks again after every change of the share, so that each step adds evidence of its own."""
REFRESH = 12
MOST_SLOW = 0.5
"""What a limit on slow answers may come to at most, as a fraction of all: near 1 nothing could exceed it, and
nothing could be shown to stay below."""
PLENTY = 5000.0
"""Answers from which latency bounds are chosen at once, so that their dispersion is learnt early; with fewer
they are chosen at the end of the warm-up."""
LATENCY_PACE = 3.0
"""Seconds between two looks at the latency, if telemetry comes more often."""
SILENT = 60.0
"""Seconds without an answer of the new version after which old evidence lets nothing go on."""
LATE = Margin(3.0, 0.01)
"""What will do at the horizon (F16), for errors and for slow answers."""


@dataclass(slots=True)
class Weighed:
    """One thing on the scales. ``part``: ln of its part of the budget; ``history``: of its old version."""

    name: str
    kind: Kind
    role: Role
    part: float
    one: Comparison | Level
    history: History | None = None
    gates: bool = field(init=False)
    """Asked before the new version may go on."""

    def __post_init__(self) -> None:
        asked = self.one.go if isinstance(self.one, Comparison) else self.one.pass_ratio
        self.gates = self.role is Role.MUST and asked is not None

    def for_late(self) -> float:
        return self.one.for_late() if isinstance(self.one, Comparison) else self.one.for_()


class Bench:
    def __init__(self, settings: JudgeSettings) -> None:
        self.settings = settings
        self.interval = settings.interval.total_seconds()
        self.cap = 3.0 if self.interval >= 15.0 else 2.0
        self.target = log(1.0 / settings.false_pass)
        self.threshold = log(1.0 / settings.false_rollback)
        longest = max(LONGEST_BLOCK, 4.0 * self.interval)
        self.parts = budget.parts(settings)
        self.errors = Channel(0, longest, [self._errors()])
        self.latency = Channel(-1, longest)
        self.extras: list[Declared] = declared(settings, self.cap, self.target + CLIP)
        self.objectives = [Objective(slo, self.cap) for slo in settings.slos]
        self.trouble = Trouble()
        self.edges: list[Edge] = []
        self.seen: Vector | None = None
        """The old version's latency so far, until bounds are chosen from it."""
        self.width = 0
        self.guard = Guard(settings.error_limit, self.target + CLIP, self.cap)
        self.single = Series(0)
        self.heard_alone: float | None = None
        self.latency_at: float | None = None
        """When latency was last looked at."""
        self.last_look: float | None = None
        """Of the new version: everything since belongs to one phase."""
        self.turn = 0
        """Whose confidence sequence is refreshed next."""
        self.loudest = 0.0
        """The most evidence against it that any measure had when ``against`` was last asked."""
        self.weighed: list[Weighed] = []
        self.gates: list[Weighed] = []
        """What is asked before the new version may go on."""
        self.deciding: list[Weighed] = []
        """What may take the new version back."""
        self._weigh()

    def compare(self, t: float, new: Vector, old: Vector, *, warming: bool) -> None:
        """Requests and errors of both versions."""
        closed = self.errors.compare(t, new, old, warming=warming)
        self.last_look = t
        fresh = self.errors.fresh
        if fresh is not None and not warming:
            self._objectives_of_new(t, fresh[0].counts)
        if closed and not warming:
            self._refresh()

    def learn(self, t: float, old: Vector, sides: tuple[Vector, Vector] | None) -> None:
        """The old version's requests and errors; after ``compare``."""
        step = self.errors.learn(t, old, sides)
        if step is None:
            return
        n, x = events_of(step.counts, 0.0)
        self.trouble.learn(step.seconds, n, x)
        for one in self.objectives:
            one.learn(t, n, x)

    def compare_latency(self, t: float, new: Vector, old: Vector, *, warming: bool) -> None:
        if self.edges and len(new) == self.width:
            self.latency.compare(t, new, old, warming=warming)

    def latency_due(self, t: float) -> bool:
        """Whether latency is looked at now: it is dear, and no disaster, so every third second will do."""
        at = self.latency_at
        return self.settings.latency and (at is None or t - at >= LATENCY_PACE - 0.5 * self.interval)

    def learn_latency(self, t: float, old: Vector, snapshot: Snapshot, *, warming: bool) -> None:
        """The old version's latency: first to choose bounds from, then to know its base rates."""
        self.latency_at = t
        if self.edges and len(old) != self.width:
            return
        step = self.latency.learn(t, old, halves(snapshot.control, buckets))
        if self.edges or step is None:
            return
        same = self.seen is not None and len(self.seen) == len(step.counts)
        seen = self.seen if same and self.seen is not None else (0.0,) * len(step.counts)
        self.seen = tuple([a + b for a, b in zip(seen, step.counts, strict=True)])
        wanted = PLENTY if warming else ENOUGH
        if snapshot.weight < 1.0 and self.seen[-1] >= wanted:
            most = MOST_SLOW / max(self.settings.latency_pass_ratio, self.settings.latency_ratio, 1.5)
            self._open_latency(self._choose(self.seen, most), self.seen)

    def _choose(self, seen: Vector, most: float) -> list[Edge]:
        return choose(seen, self.settings.latency_margin, most, self.settings.latency_bounds)

    def take_declared(self, snapshot: Snapshot, *, warming: bool) -> None:
        for one in self.extras:
            one.take(snapshot, warming=warming)

    def alone(self, t: float, new: Vector, *, warming: bool) -> None:
        """All traffic is on the new version: hold it to the absolute limit."""
        gap = self.single.last is not None and t - self.single.at > self.errors.longest
        step = None if gap else self.single.since(t, new)
        if step is not None or gap or self.single.fell(new):
            self.single.accept(t, new, step)
        self.last_look = t
        if step is None or step.counts[0] <= 0.0:
            return
        self.heard_alone = t
        history = self.errors.subjects[0].history
        history.freeze()
        n, x = events_of(step.counts, 0.0)
        self.guard.observe(n, x, t, history.phi, warming=warming)
        if not warming:
            self._objectives_of_new(t, step.counts)

    def split_changed(self, t: float, weight: float) -> None:
        for channel in (self.errors, self.latency):
            channel.split_changed(t, weight)
        for extra in self.extras:
            extra.split_changed(t, weight)
        for one in self.weighed:
            if isinstance(one.one, Comparison):
                one.one.renew(self.target - RENEWED)
        self.guard.renew()
        self.single.forget()

    def control_lost(self) -> None:
        """The old version does not serve in earnest: what happens meanwhile is neither compared nor learnt,
        not even later."""
        for one in (self.errors, self.latency, *self.extras):
            one.forget()

    def counters_began_anew(self) -> None:
        """The source was restarted: nothing before can be subtracted from anything after."""
        self.control_lost()
        self.single.forget()

    def silent(self, t: float, *, alone: bool) -> bool:
        """The new version has not answered a request lately."""
        heard = self.heard_alone if alone else self.errors.heard
        return heard is None or t - heard > max(SILENT, 2.0 * self.settings.interval.total_seconds())

    def requests(self, *, alone: bool) -> float:
        """Judged requests on the new version since the share last changed."""
        return self.guard.judged if alone else self.errors.requests

    def compared_old(self) -> float:
        """Judged requests on the old version since the share last changed."""
        return self.errors.subjects[0].comparisons[0].steps[-1].n0

    def burning(self) -> list[tuple[Objective, float]]:
        """Objectives that the new version alone breaks now, with ln of their evidence."""
        found = [(one, one.evidence()) for one in self.objectives if one.slo.role is not Role.WATCH]
        return [(one, evidence) for one, evidence in found if evidence is not None]

    def objective_part(self) -> float:
        """ln of each objective's part of the budget; the absolute limit has the rest of their group's."""
        return log(0.5 * self.parts["limit"] / len(self.objectives))

    def guard_part(self) -> float:
        return log(self.parts["limit"] * (0.5 if self.objectives else 1.0))

    def against(self) -> float:
        """ln of the weighted average of all evidence for taking back: an average of e-values is one (F8)."""
        total = exp(self.guard_part() + self.guard.back.log_value())
        self.loudest = 0.0
        for one in self.deciding:
            against = one.one.against()
            total += exp(one.part + against)
            if against > self.loudest:
                self.loudest = against
        for _, evidence in self.burning():
            total += exp(self.objective_part() + evidence)
        return log(total)

    def suspect(self) -> str | None:
        """A measure half way to taking back: no time to go on, whatever was shown earlier."""
        half = 0.5 * self.threshold
        if self.loudest < half:
            return None
        return next((one.name for one in self.deciding if one.one.against() >= half), None)

    def unknown(self) -> list[Declared]:
        """Declared measures whose figures are missing just now."""
        return [one for one in self.extras if not one.known]

    def dump(self) -> dict[str, Any]:
        return {
            "errors": self.errors.dump(),
            "latency": self.latency.dump(),
            "extras": [one.dump() for one in self.extras],
            "objectives": [one.dump() for one in self.objectives],
            "trouble": self.trouble.dump(),
            "edges": [list(edge) for edge in self.edges],
            "seen": None if self.seen is None else list(self.seen),
            "width": self.width,
            "guard": self.guard.dump(),
            "single": self.single.dump(),
            "heard_alone": self.heard_alone,
            "latency_at": self.latency_at,
            "last_look": self.last_look,
            "turn": self.turn,
        }

    def restore(self, data: dict[str, Any]) -> Self:
        self.seen = None if data["seen"] is None else tuple(data["seen"])
        edges = [Edge(*edge) for edge in data["edges"]]
        if edges and self.seen is not None:
            self._open_latency(edges, self.seen)
        self.errors.restore(data["errors"])
        self.latency.restore(data["latency"])
        for extra, state in zip(self.extras, data["extras"], strict=True):
            extra.restore(state)
        for objective, state in zip(self.objectives, data["objectives"], strict=True):
            objective.restore(state)
        self.trouble = Trouble.load(data["trouble"])
        self.guard.restore(data["guard"])
        self.single = Series.load(data["single"])
        self.heard_alone, self.last_look = data["heard_alone"], data["last_look"]
        self.latency_at = data["latency_at"]
        self.turn, self.width = data["turn"], data["width"]
        self._weigh()
        return self

    def _refresh(self) -> None:
        """The confidence sequences are for show and dear: one of them at every twelfth block."""
        self.turn += 1
        counted = [one for one in self.weighed if isinstance(one.one, Comparison) and one.history is not None]
        one = counted[self.turn // REFRESH % len(counted)]
        if self.turn % REFRESH == 0 and isinstance(one.one, Comparison) and one.history is not None:
            one.one.refresh(one.history.phi)

    def _objectives_of_new(self, t: float, counts: Vector) -> None:
        n, x = events_of(counts, 0.0)
        for one in self.objectives:
            one.observe(t, n, x, self.errors.subjects[0].history.phi)

    def _late(self) -> Margin | None:
        return LATE if self.settings.horizon is not None else None

    def _errors(self) -> Subject:
        s = self.settings
        errors = Comparison(
            "errors",
            Margin(s.error_ratio, s.error_excess),
            self.cap,
            pass_margin=Margin(s.error_pass_ratio, s.error_pass_excess),
            late_margin=self._late(),
            blind_ratio=s.error_ratio_blind,
            pass_top=self.target + CLIP,
        )
        disaster = Comparison("disaster", DISASTER, 2.0 * self.cap, always=True)
        return Subject(events_of, events_of, History(self.interval), [errors, disaster])

    def _open_latency(self, edges: list[Edge], seen: Vector) -> None:
        s = self.settings
        self.edges, self.width = edges, len(seen)
        for edge in edges:
            more = slack(seen, s.latency_bounds, edge, s.latency_slower)
            fine = Margin(s.latency_pass_ratio * more, s.latency_pass_excess)
            one = Comparison(
                edge.name,
                Margin(s.latency_ratio * more, s.latency_excess),
                self.cap,
                pass_margin=fine if edge.gating else None,
                late_margin=self._late() if edge.gating else None,
                coarse=True,
                pass_top=self.target + CLIP,
            )
            old = slower_than(edge.old)
            requests, events = old(seen, 0.0)
            history = History(max(self.interval, LATENCY_PACE), events=events, requests=requests)
            self.latency.subjects.append(Subject(slower_than(edge.new), old, history, [one]))
        self._weigh()

    def _weigh(self) -> None:
        subject = self.errors.subjects[0]
        errors, disaster = subject.comparisons
        found = [
            Weighed("errors", Kind.COUNT, Role.MUST, log(self.parts["errors"]), errors, subject.history),
            Weighed("disaster", Kind.COUNT, Role.GUARD, log(self.parts["disaster"]), disaster, subject.history),
        ]
        for edge, slow in zip(self.edges, self.latency.subjects, strict=True):
            part = log(self.parts["latency"] / len(self.edges))
            role = Role.MUST if edge.gating else Role.GUARD
            found.append(Weighed(edge.name, Kind.COUNT, role, part, slow.comparisons[0], slow.history))
        for extra in self.extras:
            part, own = part_of(self.settings, extra), extra.own
            history = extra.history if isinstance(extra, Counted) else None
            found += [Weighed(one.name, own.kind, own.role, part, one, history) for one in extra.all]
        self.weighed = found
        self.gates = [one for one in found if one.gates]
        self.deciding = [one for one in found if one.role is not Role.WATCH]
