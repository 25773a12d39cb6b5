"""Declared measures, and the share of traffic: fields of both arms, each compared as its kind demands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import log
from typing import Any, assert_never

from pilotage.core.judging import Arm, JudgeSettings, Kind, MeasureSettings, Role, Snapshot, Worse
from pilotage.judge import budget
from pilotage.judge.channel import Channel, Subject, events_of, rate_of
from pilotage.judge.comparison import Comparison
from pilotage.judge.counters import Series, Vector, field, fields
from pilotage.judge.evidence import Margin
from pilotage.judge.history import History
from pilotage.judge.level import Level

TRAFFIC = MeasureSettings(
    kind=Kind.RATE, of="requests", worse=Worse.LESS, ratio=1.5, group="traffic", after=timedelta(seconds=30)
)
"""A new version that answers far fewer requests than its share would bring swallows them (F12)."""
SETTLED = 180.0
"""Seconds after each change of the share before that is asked: users who stay where they are, and requests that
last, make a new share take its time."""
SILENCE = 10.0
"""Times fewer answers that are a black hole at once."""
RATIOS = {Worse.MORE: (1.1, 1.5), Worse.LESS: (1.02, 1.2)}
"""Of counts and rates: worse beyond the first, fine within the second."""
LEVEL_RATIOS = (1.05, 1.25)
LATE = 2.0
"""Times the pass margin's distance from 1 that will do at the horizon (F16)."""
PATIENCE = 4.0
"""Times the usual duration of a request that completions lag behind a change of the share."""


class Counted:
    """A count or a rate."""

    def __init__(
        self, name: str, settings: JudgeSettings, own: MeasureSettings, cap: float, top: float
    ) -> None:
        self.name, self.own = name, own
        of = own.of or name
        self.names = (own.per, of) if own.kind is Kind.COUNT else (of,)
        interval = settings.interval.total_seconds()
        longest = max(60.0, 4.0 * interval)
        bounded = own.kind is Kind.COUNT
        self.channel = Channel(0, longest, bounded=bounded)
        self.one = Comparison(
            name,
            _margin(own, 0),
            cap,
            pass_margin=_margin(own, 1) if own.role is Role.MUST else None,
            late_margin=_late(own) if own.role is Role.MUST and settings.horizon else None,
            pass_top=top,
            worse=own.worse,
            bounded=bounded,
            near=own is not TRAFFIC,
            after=own.after.total_seconds(),
        )
        self.all = [self.one]
        if own is TRAFFIC:
            silence = Margin(1.0 / SILENCE, 0.0)
            self.all.append(
                Comparison("silence", silence, cap, worse=own.worse, bounded=False, after=self.one.after)
            )
        pick = events_of if bounded else rate_of
        self.subject = Subject(pick, pick, History(interval, bounded=bounded, slow=own is TRAFFIC), self.all)
        self.channel.subjects.append(self.subject)
        self.known = True
        """Whether both arms had it at the last look at which both should."""
        self.changed = 0.0

    @property
    def history(self) -> History:
        return self.subject.history

    def take(self, snapshot: Snapshot, *, warming: bool) -> None:
        new, old = fields(snapshot.canary, self.names), fields(snapshot.control, self.names)
        if snapshot.control is None:
            self.channel.forget()
        if 0.0 < snapshot.weight < 1.0:
            self.known = new is not None and old is not None
            if new is not None and old is not None and self._settled(snapshot):
                self.channel.compare(snapshot.t, new, old, warming=warming)
        if old is not None:
            self.channel.learn(snapshot.t, old, self._halves(snapshot.control))

    def split_changed(self, t: float, weight: float) -> None:
        self.channel.split_changed(t, weight)
        self._changed(t)

    def _changed(self, t: float) -> None:
        self.changed = t
        if self.own is TRAFFIC:
            self.one.after = t + SETTLED

    def forget(self) -> None:
        self.channel.forget()

    def refresh(self) -> None:
        self.one.refresh(self.history.phi)

    def dump(self) -> dict[str, Any]:
        return {"channel": self.channel.dump(), "known": self.known, "changed": self.changed}

    def restore(self, data: dict[str, Any]) -> None:
        self.channel.restore(data["channel"])
        self.known = data["known"]
        self._changed(data["changed"])

    def _halves(self, arm: Arm | None) -> tuple[Vector, Vector] | None:
        return _halves(arm, self.names) if self.own.kind is Kind.COUNT else None

    def _settled(self, snapshot: Snapshot) -> bool:
        """Answers lag behind a change of the share by as long as they take (Little's law, where it is known
        how many requests are open): until then fewer answers are no sign of anything."""
        open_now, rate = field(snapshot.control, "inflight"), self.channel.old.rate
        if self.own.kind is not Kind.RATE or not open_now or not rate:
            return True
        settled = snapshot.t - self.changed >= PATIENCE * open_now / rate
        if not settled:
            self.channel.pair.forget()
        return settled


class Levelled:
    """A gauge, or the mean of one counter over another."""

    def __init__(self, name: str, settings: JudgeSettings, own: MeasureSettings) -> None:
        self.name, self.own = name, own
        of = own.of or name
        self.names = (own.per, of) if own.kind is Kind.MEAN else (of,)
        fail, fine = own.ratio or LEVEL_RATIOS[0], own.pass_ratio or LEVEL_RATIOS[1]
        self.one = Level(
            name,
            fail,
            fine if own.role is Role.MUST else None,
            own.worse,
            after=own.after.total_seconds(),
        )
        self.all = [self.one]
        self.longest = max(60.0, 4.0 * settings.interval.total_seconds())
        self.series = [Series(0, bounded=False) for _ in range(4)]
        """Of the new version, the old one, and its halves."""
        self.known = True
        self.at: float | None = None

    def take(self, snapshot: Snapshot, *, warming: bool) -> None:
        compared = 0.0 < snapshot.weight < 1.0
        new = fields(snapshot.canary, self.names) if compared else None
        old = fields(snapshot.control, self.names)
        if compared:
            self.known = new is not None and old is not None
        halves = _halves(snapshot.control, self.names, gauge=self.own.kind is Kind.GAUGE)
        readings = (new, old, *(halves or (None, None)))
        gap = self.at is None or snapshot.t - self.at > self.longest or old is None
        seconds = 0.0 if self.at is None else snapshot.t - self.at
        self.at = snapshot.t
        if gap:
            self.one.interrupt()
        parts: list[float] = []
        for place, (series, reading) in enumerate(zip(self.series, readings, strict=True)):
            parts += self._part(series, reading, snapshot.t, skip=gap or (warming and place == 0))
        if not gap:
            self.one.look(seconds, tuple(parts), snapshot.t)

    def _part(self, series: Series, reading: Vector | None, t: float, *, skip: bool) -> list[float]:
        """Sum and count since the last look."""
        if reading is None:
            series.forget()
            return [0.0, 0.0]
        if self.own.kind is Kind.GAUGE:
            return [0.0, 0.0] if skip else [reading[0], 1.0]
        step = series.since(t, reading)
        series.accept(t, reading, step)
        return [0.0, 0.0] if skip or step is None else [step.counts[1], step.counts[0]]

    def split_changed(self, t: float, weight: float) -> None:
        self.one.split_changed()
        self.series[0].forget()
        self.series[1].forget()

    def forget(self) -> None:
        self.one.interrupt()
        for series in self.series:
            series.forget()

    def refresh(self) -> None:
        """Its interval is worked out when it is asked for."""

    def dump(self) -> dict[str, Any]:
        series = [one.dump() for one in self.series]
        return {"level": self.one.dump(), "series": series, "known": self.known, "at": self.at}

    def restore(self, data: dict[str, Any]) -> None:
        self.one.restore(data["level"])
        self.series = [Series.load(one) for one in data["series"]]
        self.known, self.at = data["known"], data["at"]


Declared = Counted | Levelled


def declared(settings: JudgeSettings, cap: float, top: float) -> list[Declared]:
    """All of them, the share of traffic among them."""
    found: list[Declared] = []
    for name, own in settings.measures.items():
        match own.kind:
            case Kind.COUNT | Kind.RATE:
                found.append(Counted(name, settings, own, cap, top))
            case Kind.GAUGE | Kind.MEAN:
                found.append(Levelled(name, settings, own))
            case _:
                assert_never(own.kind)
    if settings.traffic:
        found.append(Counted("traffic", settings, TRAFFIC, cap, top))
    return found


def part_of(settings: JudgeSettings, one: Declared) -> float:
    """ln of the part of the budget that each of its comparisons has."""
    if one.own is TRAFFIC:
        return log(0.5 * budget.parts(settings)["traffic"])
    return log(budget.part(settings, one.own))


def _margin(own: MeasureSettings, place: int) -> Margin:
    """The line of taking back (0) or of going on (1)."""
    default = RATIOS[own.worse][place]
    ratio = (own.ratio if place == 0 else own.pass_ratio) or default
    if own.worse is Worse.LESS:
        return Margin(1.0 / ratio, 0.0)
    pass_excess = own.excess if own.pass_excess is None else own.pass_excess
    return Margin(ratio, own.excess if place == 0 else pass_excess)


def _late(own: MeasureSettings) -> Margin:
    fine = _margin(own, 1)
    if own.worse is Worse.LESS:
        return Margin(1.0 / (1.0 + LATE * (1.0 / fine.ratio - 1.0)), 0.0)
    return Margin(1.0 + LATE * (fine.ratio - 1.0), LATE * fine.excess)


def _halves(arm: Arm | None, names: Sequence[str], *, gauge: bool = False) -> tuple[Vector, Vector] | None:
    """The shards' figures in two fixed halves: sums of counters, means of gauges."""
    if arm is None or arm.shards is None or len(arm.shards) < 2:
        return None
    known = [one for one in (fields(shard, names) for shard in arm.shards) if one is not None]
    if len(known) < len(arm.shards):
        return None
    first, second = known[0::2], known[1::2]
    return _sum(first, gauge=gauge), _sum(second, gauge=gauge)


def _sum(readings: list[Vector], *, gauge: bool) -> Vector:
    parts = len(readings) if gauge else 1
    return tuple([sum(values) / parts for values in zip(*readings, strict=True)])
