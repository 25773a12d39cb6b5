"""From snapshots and the verdicts on them to a chart for each measure."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from pilotage.core.judging import Arm, JudgeSettings, Kind, Measure, MeasureSettings, Outcome, Snapshot, Verdict
from pilotage.views.chart.model import Chart, Point, Step, Turn
from pilotage.views.chart.thinning import split, thinned
from pilotage.views.margins import lines_of

PAUSE = 4.0
"""So many intervals of silence are a gap."""


class Gathering:
    """Take every look in the order of time; ``charts`` at any moment. Nothing is kept but figures."""

    def __init__(self, settings: JudgeSettings) -> None:
        self.settings = settings
        self._points: dict[str, list[Point | None]] = {}
        self._last: dict[str, Measure] = {}
        self._steps: list[Step] = []
        self._turns: list[tuple[float, Outcome, tuple[str, ...]]] = []
        self._start: float | None = None
        self._end = 0.0

    def add(self, snapshot: Snapshot, verdict: Verdict) -> None:
        """``verdict`` is the judge's on this snapshot. Looks before any user are not drawn."""
        t, share = snapshot.t, snapshot.weight
        if not 0.0 <= t < inf or not 0.0 <= share <= 1.0:
            return
        if self._start is None:
            self._start = t
        elif t <= self._end:
            return
        self._end = t
        if not self._steps or self._steps[-1].share != share:
            self._steps.append(Step(t=t, share=share))
        if verdict.outcome is not (self._turns[-1][1] if self._turns else Outcome.UNDECIDED):
            self._turns.append((t, verdict.outcome, verdict.blame))
        told = {one.name: one for one in verdict.measures}
        for name in (*self._points, *(name for name in told if name not in self._points)):
            one = told.get(name)
            heard = one is not None and _heard(snapshot, one, self.settings)
            points = self._points.setdefault(name, [])
            if one is None or not heard:
                points.append(None)
                continue
            self._last[name] = one
            points.append(_point(self.settings, snapshot, one))

    def charts(self, *, old: str = "old", new: str = "new", where: str = "") -> tuple[Chart, ...]:
        """One for each measure of which anything is known: those that decided first, then as judged."""
        blamed = [name for _, outcome, names in self._turns if outcome is Outcome.FAIL for name in names]
        names = sorted(self._last, key=lambda name: name not in blamed)
        return tuple(self._chart(name, old, new, where) for name in names)

    def _chart(self, name: str, old: str, new: str, where: str) -> Chart:
        one, start, end = self._last[name], self._start or 0.0, self._end
        pause = PAUSE * self.settings.interval.total_seconds()
        stretches = split(self._points[name], start, end, pause)
        return Chart(
            measure=name,
            kind=one.kind,
            role=one.role,
            less=lines_of(self.settings, one).less,
            ceiling=one.ceiling,
            old_version=old,
            new_version=new,
            where=where,
            start=start,
            end=end,
            stretches=tuple(tuple(thinned(stretch, start, end)) for stretch in stretches),
            steps=tuple(self._steps),
            turns=tuple(Turn(t=t, outcome=o, blamed=name in names) for t, o, names in self._turns),
        )


def charts_of(
    settings: JudgeSettings,
    looks: Iterable[tuple[Snapshot, Verdict]],
    *,
    old: str = "old",
    new: str = "new",
    where: str = "",
) -> tuple[Chart, ...]:
    gathering = Gathering(settings)
    for snapshot, verdict in looks:
        gathering.add(snapshot, verdict)
    return gathering.charts(old=old, new=new, where=where)


def _point(settings: JudgeSettings, snapshot: Snapshot, one: Measure) -> Point:
    lines = lines_of(settings, one)
    return Point(
        t=snapshot.t,
        share=snapshot.weight,
        old=one.old,
        new=one.new,
        low=one.low,
        high=one.high,
        worse=lines.worse(one.old),
        fine=lines.fine(one.old),
        against=one.against,
        for_=one.for_,
    )


def _heard(snapshot: Snapshot, one: Measure, settings: JudgeSettings) -> bool:
    """Whether this look has the figures that the measure is made of, on every side it compares."""
    if one.new is None and one.old is None and one.low is None and one.high is None:
        return False
    compared = one.ceiling is None and snapshot.weight < 1.0
    arms = (snapshot.canary, snapshot.control) if compared else (snapshot.canary,)
    fields = _fields(one, settings.measures.get(one.name))
    return all(arm is not None and all(_has(arm, field) for field in fields) for arm in arms)


def _fields(one: Measure, declared: MeasureSettings | None) -> tuple[str, ...]:
    if declared is not None:
        below = (declared.per,) if declared.kind in (Kind.COUNT, Kind.MEAN) else ()
        return (declared.of or one.name, *below)
    return ("latency_bucket",) if one.name.startswith(("latency p", "slower than p")) else ("requests",)


def _has(arm: Arm, field: str) -> bool:
    return getattr(arm, field, None) is not None
