"""The bench: everything the judge weighs, set up from its settings."""

from __future__ import annotations

from math import exp, log
from typing import Any, Self

from pilotage.core.judging import JudgeSettings, Snapshot
from pilotage.judge.channel import LONGEST_BLOCK, Channel, Subject, errors_of, slower_than
from pilotage.judge.comparison import Comparison
from pilotage.judge.counters import Series, Vector, buckets, halves
from pilotage.judge.evidence import DISASTER, Margin
from pilotage.judge.guard import Guard
from pilotage.judge.history import History
from pilotage.judge.latency import ENOUGH, Edge, choose

ERRORS_WEIGHT, LATENCY_WEIGHT, DISASTER_WEIGHT, GUARD_WEIGHT = 3.0, 3.0, 0.5, 1.0
"""Parts of the budget for false rollbacks (F8); the guard's is spent only where it is used."""
CLIP = 2.0
"""Nats beyond what is needed that evidence for going on may save up (F9) …"""
RENEWED = 1.0
"""… and that it lacks again after every change of the share, so that each step adds evidence of its own."""
REFRESH = 2
MOST_SLOW = 0.5
"""What a limit on slow answers may come to at most, as a fraction of all: near 1 nothing could exceed it, and
nothing could be shown to stay below."""
PLENTY = 5000.0
"""Answers from which latency bounds are chosen at once, so that their dispersion is learnt early; with fewer
they are chosen at the end of the warm-up."""


class Bench:
    def __init__(self, settings: JudgeSettings) -> None:
        self.settings = settings
        self.interval = settings.interval.total_seconds()
        self.cap = 3.0 if self.interval >= 15.0 else 2.0
        self.target = log(1.0 / settings.false_pass)
        longest = max(LONGEST_BLOCK, 4.0 * self.interval)
        self.errors = Channel(0, longest, [self._errors()])
        self.latency = Channel(-1, longest)
        self.edges: list[Edge] = []
        self.seen: Vector | None = None
        """The old version's latency so far, until bounds are chosen from it."""
        self.width = 0
        self.guard = Guard(settings.error_limit, self.target + CLIP, self.cap)
        self.single = Series(0)
        self.heard_alone: float | None = None
        self.last_look: float | None = None
        """Of the new version: everything since belongs to one phase."""
        self.turn = 0
        """Whose confidence sequence is refreshed next."""

    def comparisons(self) -> list[Comparison]:
        subjects = self.errors.subjects + self.latency.subjects
        return [one for subject in subjects for one in subject.comparisons]

    def gates(self) -> list[tuple[Comparison, History]]:
        subjects = self.errors.subjects + self.latency.subjects
        return [
            (one, subject.history) for subject in subjects for one in subject.comparisons if one.go is not None
        ]

    def compare(self, t: float, new: Vector, old: Vector, *, warming: bool) -> None:
        closed = self.errors.compare(t, new, old, warming=warming)
        self.last_look = t
        if closed and not warming:
            self._refresh()

    def _refresh(self) -> None:
        """The confidence sequences are for show and dear: one of them at every other block."""
        self.turn += 1
        gates = self.gates()
        one, history = gates[self.turn // REFRESH % len(gates)]
        if self.turn % REFRESH == 0:
            one.refresh(history.phi)

    def compare_latency(self, t: float, new: Vector, old: Vector, *, warming: bool) -> None:
        if self.edges and len(new) == self.width:
            self.latency.compare(t, new, old, warming=warming)

    def learn_latency(self, t: float, snapshot: Snapshot, *, warming: bool) -> None:
        """The old version's latency: first to choose bounds from, then to know its base rates."""
        old = buckets(snapshot.control)
        if not self.settings.latency or old is None or (self.edges and len(old) != self.width):
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
            self._open_latency(choose(self.seen, self.settings.latency_margin, most), self.seen)

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
        n, x = errors_of(step.counts)
        self.guard.observe(n, x, t, history.phi, warming=warming)

    def split_changed(self, t: float) -> None:
        for channel in (self.errors, self.latency):
            channel.split_changed(t)
        for one, _ in self.gates():
            if one.go is not None:
                one.go.shrink(self.target - RENEWED)
        self.guard.renew()
        self.single.forget()

    def control_lost(self) -> None:
        """The old version does not serve in earnest: what happens meanwhile is neither compared nor learnt,
        not even later."""
        for channel in (self.errors, self.latency):
            channel.pair.forget()
            channel.old.forget()
            channel.sides.forget()

    def counters_began_anew(self) -> None:
        """The source was restarted: nothing before can be subtracted from anything after."""
        for channel in (self.errors, self.latency):
            channel.pair.forget()
            channel.old.forget()
            channel.sides.forget()
        self.single.forget()

    def heard(self, *, alone: bool) -> float | None:
        return self.heard_alone if alone else self.errors.heard

    def requests(self, *, alone: bool) -> float:
        """Judged requests on the new version since the share last changed."""
        return self.guard.judged if alone else self.errors.requests

    def compared_old(self) -> float:
        """Judged requests on the old version since the share last changed."""
        return self.errors.subjects[0].comparisons[0].steps[-1].n0

    def weight(self) -> float:
        """The sum of all weights: each measure's part of the budget is its weight over this."""
        return GUARD_WEIGHT + sum([one.weight for one in self.comparisons()])

    def against(self) -> float:
        """ln of the weighted average of all evidence for taking back: an average of e-values is one (F8)."""
        parts = [one.weight * exp(one.against()) for one in self.comparisons()]
        return log((GUARD_WEIGHT * exp(self.guard.back.log_value()) + sum(parts)) / self.weight())

    def suspect(self) -> str | None:
        """A measure half way to taking back: no time to go on, whatever was shown earlier."""
        half = 0.5 * log(1.0 / self.settings.false_rollback)
        return next((one.name for one in self.comparisons() if one.against() >= half), None)

    def dump(self) -> dict[str, Any]:
        return {
            "errors": self.errors.dump(),
            "latency": self.latency.dump(),
            "edges": [list(edge) for edge in self.edges],
            "seen": None if self.seen is None else list(self.seen),
            "width": self.width,
            "guard": self.guard.dump(),
            "single": self.single.dump(),
            "heard_alone": self.heard_alone,
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
        self.guard.restore(data["guard"])
        self.single = Series.load(data["single"])
        self.heard_alone, self.last_look = data["heard_alone"], data["last_look"]
        self.turn, self.width = data["turn"], data["width"]
        return self

    def _errors(self) -> Subject:
        s = self.settings
        errors = Comparison(
            "errors",
            ERRORS_WEIGHT,
            Margin(s.error_ratio, s.error_excess),
            self.cap,
            pass_margin=Margin(s.error_pass_ratio, s.error_pass_excess),
            pass_top=self.target + CLIP,
        )
        disaster = Comparison("disaster", DISASTER_WEIGHT, DISASTER, self.cap, always=True)
        return Subject(errors_of, errors_of, History(self.interval), [errors, disaster])

    def _open_latency(self, edges: list[Edge], seen: Vector) -> None:
        s = self.settings
        self.edges, self.width = edges, len(seen)
        for edge in edges:
            one = Comparison(
                edge.name,
                LATENCY_WEIGHT / len(edges),
                Margin(s.latency_ratio, s.latency_excess),
                self.cap,
                pass_margin=Margin(s.latency_pass_ratio, s.latency_pass_excess) if edge.gating else None,
                pass_top=self.target + CLIP,
            )
            old = slower_than(edge.old)
            requests, events = old(seen)
            history = History(self.interval, events, requests)
            self.latency.subjects.append(Subject(slower_than(edge.new), old, history, [one]))
