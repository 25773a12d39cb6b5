"""The report: what the bench holds, as a verdict with figures and sentences."""

from __future__ import annotations

from math import log

from pilotage.core.judging import JudgeSettings, Measure, Outcome, Verdict
from pilotage.judge import words
from pilotage.judge.bench import GUARD_WEIGHT, Bench
from pilotage.judge.comparison import Comparison
from pilotage.judge.history import History

GUARD = "error limit"
PART = 0.25
"""A measure that carries so much of the evidence is named, if none would have sufficed alone."""


class Report:
    """One look at the bench. ``alone``: the new version has all the traffic, only the absolute guard speaks."""

    def __init__(self, settings: JudgeSettings, bench: Bench, *, alone: bool) -> None:
        self.settings = settings
        self.bench = bench
        self.alone = alone
        self.threshold = log(1.0 / settings.false_rollback)

    def convinced(self) -> bool:
        """Every gating measure is shown to be fine; each test alone is strict enough (intersection-union)."""
        if self.alone:
            return self.bench.guard.go.log_value() >= self.bench.target
        ready = bool(self.bench.edges) or not self.settings.latency
        return ready and all(one.for_() >= self.bench.target for one, _ in self.bench.gates())

    def failed(self) -> Verdict:
        blamed, why = self._blamed(), []
        for one, history in self._pairs():
            if one.name in blamed:
                one.refresh(history.phi)
                limit = words.margin(*one.margin)
                why.append(words.worse(self._measure(one, history), limit, self._what(one)))
        if GUARD in blamed:
            why.append(words.too_many(self.bench.guard.rate(), self.settings.error_limit))
        return self._verdict(Outcome.FAIL, why, blamed, self._measures())

    def passed(self) -> Verdict:
        if self.alone:
            why = [words.few_enough(self.bench.guard.rate(), self.settings.error_limit)]
            return self._verdict(Outcome.PASS, why, (GUARD,), self._measures())
        gates = self.bench.gates()
        why = [
            words.fine(
                self._measure(one, history), words.margin(*(one.pass_margin or one.margin)), self._what(one)
            )
            for one, history in gates
        ]
        return self._verdict(Outcome.PASS, why, tuple([one.name for one, _ in gates]), self._measures())

    def undecided(self, hold: str | None) -> Verdict:
        measures = self._measures()
        why = [hold] if hold is not None else self._wanting(measures)
        return self._verdict(Outcome.UNDECIDED, why, (), measures)

    def _wanting(self, measures: list[Measure]) -> list[str]:
        """What is missing, the measure that needs most first."""
        if not self.alone and self.settings.latency and not self.bench.edges:
            return ["latency: too few answers of the old version so far to choose bounds from"]
        wanting = sorted([one for one in measures if one.missing], key=lambda one: one.for_)
        return [f"{one.name}: {words.figures(one)}; {one.missing}" for one in wanting] or ["not known yet"]

    def _pairs(self) -> list[tuple[Comparison, History]]:
        subjects = self.bench.errors.subjects + self.bench.latency.subjects
        return [(one, subject.history) for subject in subjects for one in subject.comparisons]

    def _measures(self) -> list[Measure]:
        """The gating measures, and what else looks bad; the guard, where it speaks."""
        if self.alone:
            return [self._guard()]
        found = [self._measure(one, history) for one, history in self._pairs()]
        gating = {one.name for one, _ in self.bench.gates()}
        return [one for one in found if one.name in gating or one.against > 0.0]

    def _measure(self, one: Comparison, history: History) -> Measure:
        totals, target = one.steps[-1], self.bench.target
        have = one.for_()
        missing = ""
        if one.go is not None and have < target and totals.n1 > 0.0:
            missing = words.missing(one.needed(history, target), self.bench.errors.rate())
        return Measure(
            name=one.name,
            old=totals.x0 / totals.n0 if totals.n0 > 0.0 else None,
            new=totals.x1 / totals.n1 if totals.n1 > 0.0 else None,
            low=one.low,
            high=one.high,
            limit=one.margin.ratio,
            against=_part(one.against() + log(one.weight / self.bench.weight()), self.threshold),
            for_=_part(have, target),
            missing=missing,
        )

    def _guard(self) -> Measure:
        guard, target = self.bench.guard, self.bench.target
        have = guard.go.log_value()
        missing = ""
        if have < target and guard.judged > 0.0:
            missing = words.missing(guard.needed(target, self.bench.errors.subjects[0].history.phi), None)
        return Measure(
            name=GUARD,
            new=guard.rate() if guard.requests > 0.0 else None,
            ceiling=self.settings.error_limit,
            against=_part(guard.back.log_value() + log(GUARD_WEIGHT / self.bench.weight()), self.threshold),
            for_=_part(have, target),
            missing=missing,
        )

    def _blamed(self) -> tuple[str, ...]:
        """Measures that would have sufficed alone; if none, those that carry a good part of the whole."""
        logs = {one.name: one.against() + log(one.weight) for one in self.bench.comparisons()}
        logs[GUARD] = self.bench.guard.back.log_value() + log(GUARD_WEIGHT)
        whole = log(self.bench.weight())
        alone = [name for name, value in logs.items() if value - whole >= self.threshold]
        top = max(logs.values())
        return tuple(alone or [name for name, value in logs.items() if value >= top + log(PART)])

    def _what(self, one: Comparison) -> str:
        for edge in self.bench.edges:
            if edge.name == one.name:
                return words.slower(self.settings.latency_bounds, edge.new, edge.old)
        return ""

    def _verdict(
        self, outcome: Outcome, why: list[str], blame: tuple[str, ...], measures: list[Measure]
    ) -> Verdict:
        return Verdict(
            outcome=outcome,
            why=tuple(why),
            blame=blame,
            measures=tuple(measures),
            requests_old=round(self.bench.compared_old()),
            requests_new=round(self.bench.requests(alone=self.alone)),
        )


def _part(have: float, target: float) -> float:
    return min(1.0, max(0.0, have / target))
