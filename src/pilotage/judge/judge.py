"""The judge: one snapshot after the other in, one verdict after the other out. docs/judge.md says how."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, Self

from pydantic import ValidationError

from pilotage.core.judging import AtHorizon, JudgeSettings, OldFails, Outcome, Role, Snapshot, Verdict
from pilotage.judge import words
from pilotage.judge.bench import Bench
from pilotage.judge.counters import Vector, buckets, halves, totals
from pilotage.judge.report import Report

FORMAT = 3
"""Of ``dump``."""
NO_LATENCY = "no latency figures of both versions: holding (the latency guard can be switched off)"


class Judge:
    """Compares the new version with the old one over a whole rollout.

    ``feed`` takes snapshots in the order of time, about one a second, beginning with the old version alone.
    It reads no clock and keeps no reference to anything; ``dump`` and ``load`` carry it over a restart.
    Settings and snapshots may be plain JSON data; settings that mean nothing are a ValueError, a snapshot that
    can not be read holds.
    """

    def __init__(self, settings: JudgeSettings | Mapping[str, Any] | None = None) -> None:
        self.settings = settings if isinstance(settings, JudgeSettings) else _settings(settings or {})
        self._bench = Bench(self.settings)
        self._failed: Verdict | None = None
        self._t: float | None = None
        self._weight: float | None = None
        self._heard: float | None = None
        """When telemetry was last complete enough to judge by."""
        self._epoch: str | None = None
        self._passed: float | None = None
        """When it first passed at ``promote_share`` or more, without a suspicion since."""

    def feed(self, snapshot: Snapshot | Mapping[str, Any]) -> Verdict:
        """The verdict after this look. A FAIL is final. Telemetry that is missing or absurd decides nothing."""
        if self._failed is not None:
            return self._failed
        if not isinstance(snapshot, Snapshot):
            read = _read(snapshot)
            if read is None:
                return self._undecided("the snapshot can not be read: holding")
            snapshot = read
        hold = self._refused(snapshot)
        if hold is None:
            self._t = snapshot.t
            hold = self._take(snapshot)
        verdict = self._verdict(snapshot, hold)
        if verdict.outcome is Outcome.FAIL:
            self._failed = verdict
        return verdict

    def dump(self) -> dict[str, Any]:
        """Everything that ``load`` needs to go on bit for bit the same; JSON data without NaN."""
        return {
            "format": FORMAT,
            "bench": self._bench.dump(),
            "failed": None if self._failed is None else self._failed.model_dump(mode="json"),
            "t": self._t,
            "weight": self._weight,
            "heard": self._heard,
            "epoch": self._epoch,
            "passed": self._passed,
        }

    @classmethod
    def load(cls, settings: JudgeSettings, dump: dict[str, Any]) -> Self:
        """A judge as it was when dumped. ValueError: not a dump of this format."""
        if dump.get("format") != FORMAT:
            raise ValueError(f"a judge's dump of format {dump.get('format')!r}, this is format {FORMAT}")
        found = cls(settings)
        found._bench.restore(dump["bench"])
        if dump["failed"] is not None:
            found._failed = Verdict.model_validate(dump["failed"])
        found._t, found._weight, found._heard = dump["t"], dump["weight"], dump["heard"]
        found._epoch, found._passed = dump["epoch"], dump["passed"]
        return found

    def _refused(self, snapshot: Snapshot) -> str | None:
        if not isfinite(snapshot.t):
            return "the telemetry's time is unknown: holding"
        if self._t is not None and snapshot.t <= self._t:
            return "telemetry arrived out of order and was left out: holding"
        if not 0.0 <= snapshot.weight <= 1.0:  # also NaN
            return "the new version's share of traffic is unknown: holding"
        return None

    def _take(self, snapshot: Snapshot) -> str | None:
        """Learn from the snapshot; the reason to hold, if it cannot be judged by."""
        if snapshot.epoch != self._epoch:
            # A counter that began anew may have passed its old value already: then no fall would tell.
            self._bench.counters_began_anew()
            self._epoch = snapshot.epoch
        if snapshot.weight != self._weight:
            self._bench.split_changed(snapshot.t, snapshot.weight)
            self._weight = snapshot.weight
        bench, t, warming = self._bench, snapshot.t, self._warming(snapshot.t, self._bench.last_look)
        new, old = totals(snapshot.canary), totals(snapshot.control)
        slow = buckets(snapshot.control) if bench.latency_due(t) else None
        if snapshot.control is None:
            bench.control_lost()
        if snapshot.weight >= 1.0:
            hold = None if new is not None else self._silence(t, "the new version")
            if new is not None:
                bench.alone(t, new, warming=warming)
        elif snapshot.weight > 0.0:
            hold = self._compare(snapshot, new, old, slow, warming=warming)
        else:
            hold = "the new version gets no traffic yet"
        if old is not None:
            bench.learn(t, old, halves(snapshot.control, totals))
        if slow is not None:
            bench.learn_latency(t, slow, snapshot, warming=warming)
        bench.take_declared(snapshot, warming=warming)
        if hold is None:
            self._heard = t
        return hold

    def _compare(
        self, snapshot: Snapshot, new: Vector | None, old: Vector | None, slow: Vector | None, *, warming: bool
    ) -> str | None:
        """Both versions' totals, and the old one's latency."""
        t = snapshot.t
        if snapshot.control is None:
            return self._silence(t, "the old version")
        if new is None or old is None:
            whose = "the new version" if new is None else "the old version"
            return self._silence(t, whose if old is not None or new is not None else "both versions")
        self._bench.compare(t, new, old, warming=warming)
        if not self._bench.latency_due(t):
            return NO_LATENCY if self.settings.latency and not _both_timed(snapshot) else None
        new = buckets(snapshot.canary)
        if new is None or slow is None or len(new) != len(slow):
            return NO_LATENCY
        self._bench.compare_latency(t, new, slow, warming=self._warming(t, self._bench.latency_at))
        return None

    def _warming(self, t: float, last: float | None) -> bool:
        """Whether what happened since the ``last`` look is still warm-up: the look before must be past it."""
        return (t if last is None else last) < self.settings.warm_up.total_seconds()

    def _silence(self, t: float, whose: str) -> str:
        return words.silence(None if self._heard is None else t - self._heard, whose)

    def _verdict(self, snapshot: Snapshot, hold: str | None) -> Verdict:
        bench, settings = self._bench, self.settings
        alone = self._weight is not None and self._weight >= 1.0
        report = Report(settings, bench, alone=alone, missing=self._missing(snapshot, hold))
        if bench.against() >= bench.threshold:
            return report.failed()
        if hold is None:
            hold = self._not_yet(snapshot.t, alone=alone)
        convinced = hold is None and report.convinced()
        late = (
            settings.horizon is not None and snapshot.t > (settings.horizon - settings.interval).total_seconds()
        )
        if convinced:
            return report.passed(last=self._lasts(snapshot, late=late))
        if bench.suspect() is not None:
            self._passed = None
        if late and hold is None and report.convinced(late=True):
            return report.passed(last=True, late=True)
        if late and settings.at_horizon is AtHorizon.ROLLBACK:
            return report.expired(hold)
        return report.undecided(hold)

    def _lasts(self, snapshot: Snapshot, *, late: bool) -> bool:
        """Whether a pass is the last word: at a large share, for long enough, or at the horizon."""
        if snapshot.weight < self.settings.promote_share:
            return False
        if self._passed is None:
            self._passed = snapshot.t
        return late or snapshot.t - self._passed >= self.settings.bake.total_seconds()

    def _undecided(self, hold: str) -> Verdict:
        alone = self._weight is not None and self._weight >= 1.0
        return Report(self.settings, self._bench, alone=alone, missing=(hold,)).undecided(hold)

    def _missing(self, snapshot: Snapshot, hold: str | None) -> tuple[str, ...]:
        """What telemetry should be there and is not."""
        if not 0.0 < snapshot.weight <= 1.0:
            return ()
        found = [hold] if hold is not None else []
        if snapshot.weight < 1.0:
            found += [words.unknown(one.name) for one in self._bench.unknown() if one.name != "traffic"]
        return tuple(found)

    def _not_yet(self, t: float, *, alone: bool) -> str | None:
        """What else than evidence is missing before the new version may go on."""
        settings, bench = self.settings, self._bench
        if self._warming(t, bench.last_look):
            return words.warming(t, settings)
        if bench.silent(t, alone=alone):
            return "the new version answers no requests: holding"
        requests = bench.requests(alone=alone)
        if requests < settings.minimum_requests:
            short = settings.minimum_requests - requests
            return f"needs {words.number(short)} more requests on the new version at this share of traffic"
        suspect = bench.suspect()
        if suspect is not None:
            return f"{suspect} may be worse: holding until that is clear"
        return self._old_fails(alone=alone) or self._budget_burns() or self._figures_missing(alone=alone)

    def _old_fails(self, *, alone: bool) -> str | None:
        """The old version is in trouble itself: a bad time to widen, unless the new one may be the repair."""
        if alone or self.settings.old_fails is OldFails.FIX:
            return None
        base, limit = self._bench.errors.subjects[0].history.rate(), self.settings.error_limit
        if base is not None and base > limit:
            return words.both_fail(base, limit)
        trouble = self._bench.trouble
        return words.shared(trouble.rate(), trouble.usual()) if trouble.begun() else None

    def _budget_burns(self) -> str | None:
        for one in self._bench.objectives:
            new, old = one.burns()
            if one.slo.role is not Role.WATCH and new:
                return words.both_burn(one.name) if old else words.new_burns(one.name)
        return None

    def _figures_missing(self, *, alone: bool) -> str | None:
        if alone:
            return None
        lacking = [one.name for one in self._bench.unknown() if one.own.role is not Role.WATCH]
        return f"{words.unknown(lacking[0])}: holding" if lacking else None


def _both_timed(snapshot: Snapshot) -> bool:
    arms = snapshot.canary, snapshot.control
    return all(arm is not None and arm.latency_bucket is not None for arm in arms)


def _settings(data: Mapping[str, Any]) -> JudgeSettings:
    """Plain data as settings; ``alpha`` and ``beta`` are the statisticians' names of the two chances."""
    known = {"alpha": "false_rollback", "beta": "false_pass"}
    return JudgeSettings.model_validate({known.get(name, name): value for name, value in data.items()})


def _read(data: Mapping[str, Any]) -> Snapshot | None:
    """A snapshot from plain data. A value that is none is taken for unknown, an arm that is none too."""
    try:
        return Snapshot.model_validate(data)
    except ValidationError as error:
        mended = {name: value for name, value in data.items() if name in ("t", "weight", "epoch")}
        broken = {problem["loc"][:2] for problem in error.errors()}
        for side in ("control", "canary"):
            arm = data.get(side)
            wrong = {place[1] for place in broken if len(place) > 1 and place[0] == side}
            known = arm.items() if isinstance(arm, Mapping) else ()
            mended[side] = {k: v for k, v in known if k not in wrong} if known else None
        try:
            return Snapshot.model_validate(mended)
        except ValidationError:
            return None
