"""The report: what the bench holds, as a verdict with figures and sentences."""

from __future__ import annotations

from math import log

from pilotage.core.judging import JudgeSettings, Kind, Measure, Outcome, Role, Verdict
from pilotage.judge import words
from pilotage.judge.bench import LATE, Bench, Weighed
from pilotage.judge.comparison import Comparison
from pilotage.judge.level import Level

GUARD = "error limit"
PART = 0.25
"""A measure that carries so much of the evidence is named, if none would have sufficed alone."""


class Report:
    """One look at the bench. ``alone``: the new version has all the traffic, only absolute guards speak."""

    def __init__(
        self, settings: JudgeSettings, bench: Bench, *, alone: bool, missing: tuple[str, ...] = ()
    ) -> None:
        self.settings = settings
        self.bench = bench
        self.alone = alone
        self.missing = missing

    def convinced(self, *, late: bool = False) -> bool:
        """Every gating measure is shown to be fine; each test alone is strict enough (intersection-union).

        ``late``: within the wider margins of the horizon.
        """
        target = self.bench.target
        if self.alone:
            return self.bench.guard.go.log_value() >= target
        if self.settings.latency and not self.bench.edges:
            return False
        return all((one.for_late() if late else one.one.for_()) >= target for one in self.bench.gates)

    def failed(self) -> Verdict:
        blamed, why = self._blamed(), []
        for one in self.bench.weighed:
            if one.name in blamed:
                why.append(self._worse(one))
        why += [words.burns(one.name, one.limit) for one, _ in self.bench.burning() if one.name in blamed]
        if GUARD in blamed:
            why.append(words.too_many(self.bench.guard.rate(), self.settings.error_limit))
        return self._verdict(Outcome.FAIL, why, blamed, self._measures())

    def passed(self, *, last: bool, late: bool = False) -> Verdict:
        if self.alone:
            why = [words.few_enough(self.bench.guard.rate(), self.settings.error_limit)]
            return self._verdict(Outcome.PASS, why, (GUARD,), self._measures(), last=last)
        measures = self._measures()
        shown = {one.name: one for one in measures}
        why = [self._fine(one, shown[one.name], late=late) for one in self.bench.gates]
        if late:
            why.insert(0, words.LATE)
        names = tuple([one.name for one in self.bench.gates])
        return self._verdict(Outcome.PASS, why, names, measures, last=last)

    def expired(self, hold: str | None) -> Verdict:
        """The horizon is over, nothing is shown, and the settings say to go back."""
        wanting = [hold] if hold is not None else self._wanting(self._measures())
        return self._verdict(Outcome.FAIL, [words.EXPIRED, *wanting], ("horizon",), self._measures())

    def undecided(self, hold: str | None) -> Verdict:
        measures = self._measures()
        why = [hold] if hold is not None else self._wanting(measures)
        return self._verdict(Outcome.UNDECIDED, why + self._dry_run(), (), measures)

    def _worse(self, one: Weighed) -> str:
        if isinstance(one.one, Level):
            return words.level_worse(self._measure(one), one.one.ratio)
        if one.history is not None:
            one.one.refresh(one.history.phi)
        measure = self._measure(one)
        if one.kind is Kind.RATE:
            return words.rate_worse(measure, one.one.line.ratio)
        if not one.one.more:
            return words.fewer(measure, one.one.line.ratio)
        return words.worse(measure, words.margin(*one.one.line), self._what(one))

    def _fine(self, one: Weighed, measure: Measure, *, late: bool) -> str:
        if isinstance(one.one, Level):
            return words.level_fine(measure, one.one.pass_ratio or one.one.ratio)
        margin = one.one.late_margin if late else one.one.pass_margin
        return words.fine(measure, words.margin(*(margin or LATE)), self._what(one))

    def _wanting(self, measures: list[Measure]) -> list[str]:
        """What is missing, the measure that needs most first."""
        if not self.alone and self.settings.latency and not self.bench.edges:
            return ["latency: too few answers of the old version so far to choose bounds from"]
        wanting = sorted([one for one in measures if one.missing], key=lambda one: one.for_)
        return [f"{one.name}: {words.figures(one)}; {one.missing}" for one in wanting] or ["not known yet"]

    def _dry_run(self) -> list[str]:
        """What measures that are only watched would have said."""
        limit = self.bench.threshold
        watched = [one for one in self.bench.weighed if one.role is Role.WATCH]
        return [words.dry_run(self._worse(one)) for one in watched if one.part + one.one.against() >= limit]

    def _measures(self) -> list[Measure]:
        """The gating and the declared measures, and what else looks bad; the guard, where it speaks."""
        if self.alone:
            return [self._guard()]
        declared, loud = self.settings.measures, self.bench.loudest > 0.0
        return [
            self._measure(one)
            for one in self.bench.weighed
            if one.gates or one.name in declared or (loud and one.part + one.one.against() > 0.0)
        ]

    def _measure(self, one: Weighed) -> Measure:
        against = _part(one.one.against() + one.part, self.bench.threshold)
        if isinstance(one.one, Level):
            return self._level(one, one.one, against)
        return self._counted(one, one.one, against)

    def _counted(self, one: Weighed, comparison: Comparison, against: float) -> Measure:
        totals, target = comparison.steps[-1], self.bench.target
        have = comparison.for_()
        missing = ""
        if one.gates and one.history is not None and have < target and totals.n1 > 0.0:
            missing = self._missing_requests(comparison, comparison.needed(one.history, target))
        return Measure(
            name=one.name,
            kind=one.kind,
            role=one.role,
            old=totals.x0 / totals.n0 if totals.n0 > 0.0 else None,
            new=totals.x1 / totals.n1 if totals.n1 > 0.0 else None,
            low=comparison.low,
            high=comparison.high,
            limit=comparison.line.ratio,
            against=against,
            for_=_part(have, target) if one.gates else 0.0,
            missing=missing,
        )

    def _missing_requests(self, comparison: Comparison, requests: float | None) -> str:
        bench = self.bench
        silent = bench.last_look is not None and bench.silent(bench.last_look, alone=self.alone)
        return words.missing(requests, bench.errors.rate() if comparison.bounded else None, silent=silent)

    def _level(self, one: Weighed, level: Level, against: float) -> Measure:
        low, high = level.interval
        short = one.gates and level.for_() < self.bench.target
        return Measure(
            name=one.name,
            kind=one.kind,
            role=one.role,
            old=level.old,
            new=level.new,
            low=low,
            high=high,
            limit=level.ratio if level.more else 1.0 / level.ratio,
            against=against,
            for_=_part(level.for_(), self.bench.target) if one.gates else 0.0,
            missing=words.MORE_TIME if short else "",
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
            against=_part(guard.back.log_value() + self.bench.guard_part(), self.bench.threshold),
            for_=_part(have, target),
            missing=missing,
        )

    def _blamed(self) -> tuple[str, ...]:
        """Measures that would have sufficed alone; if none, those that carry a good part of the whole."""
        logs = {one.name: one.one.against() + one.part for one in self.bench.deciding}
        logs |= {one.name: evidence + self.bench.objective_part() for one, evidence in self.bench.burning()}
        logs[GUARD] = self.bench.guard.back.log_value() + self.bench.guard_part()
        alone = [name for name, value in logs.items() if value >= self.bench.threshold]
        top = max(logs.values())
        return tuple(alone or [name for name, value in logs.items() if value >= top + log(PART)])

    def _what(self, one: Weighed) -> str:
        for edge in self.bench.edges:
            if edge.name == one.name:
                return words.slower(self.settings.latency_bounds, edge.new, edge.old)
        return ""

    def _verdict(
        self,
        outcome: Outcome,
        why: list[str],
        blame: tuple[str, ...],
        measures: list[Measure],
        *,
        last: bool = False,
    ) -> Verdict:
        return Verdict(
            outcome=outcome,
            why=tuple(why),
            blame=blame,
            missing=self.missing,
            last=last,
            measures=tuple(measures),
            requests_old=round(self.bench.compared_old()),
            requests_new=round(self.bench.requests(alone=self.alone)),
        )


def _part(have: float, target: float) -> float:
    return min(1.0, max(0.0, have / target))
