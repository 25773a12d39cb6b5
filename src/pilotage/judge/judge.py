"""The judge: one snapshot after the other in, one verdict after the other out. docs/judge.md says how."""

from __future__ import annotations

from math import isfinite, log
from typing import Any, Self

from pilotage.core.judging import JudgeSettings, Outcome, Snapshot, Verdict
from pilotage.judge import words
from pilotage.judge.bench import Bench
from pilotage.judge.counters import buckets, halves, totals
from pilotage.judge.report import Report

FORMAT = 1
"""Of ``dump``."""
SILENT = 60.0
"""Seconds without an answer of the new version after which old evidence lets nothing go on."""


class Judge:
    """Compares the new version with the old one over a whole rollout.

    ``feed`` takes snapshots in the order of time, about one a second, beginning with the old version alone.
    It reads no clock and keeps no reference to anything; ``dump`` and ``load`` carry it over a restart.
    """

    def __init__(self, settings: JudgeSettings) -> None:
        self.settings = settings
        self._bench = Bench(settings)
        self._failed: Verdict | None = None
        self._t: float | None = None
        self._weight: float | None = None
        self._heard: float | None = None
        """When telemetry was last complete enough to judge by."""
        self._epoch: str | None = None

    def feed(self, snapshot: Snapshot) -> Verdict:
        """The verdict after this look. A FAIL is final. Telemetry that is missing or absurd decides nothing."""
        if self._failed is not None:
            return self._failed
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
        found._epoch = dump["epoch"]
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
            self._bench.split_changed(snapshot.t)
            self._weight = snapshot.weight
        bench, t, warming = self._bench, snapshot.t, self._warming(snapshot.t)
        new, old = totals(snapshot.canary), totals(snapshot.control)
        if snapshot.control is None:
            bench.control_lost()
        if snapshot.weight >= 1.0:
            hold = None if new is not None else self._silence(t, "the new version")
            if new is not None:
                bench.alone(t, new, warming=warming)
        elif snapshot.weight > 0.0:
            hold = self._compare(snapshot, warming=warming)
        else:
            hold = "the new version gets no traffic yet"
        if old is not None:
            bench.errors.learn(t, old, halves(snapshot.control, totals))
        bench.learn_latency(t, snapshot, warming=warming)
        if hold is None:
            self._heard = t
        return hold

    def _compare(self, snapshot: Snapshot, *, warming: bool) -> str | None:
        t, new, old = snapshot.t, totals(snapshot.canary), totals(snapshot.control)
        if snapshot.control is None:
            return self._silence(t, "the old version")
        if new is None or old is None:
            whose = "the new version" if new is None else "the old version"
            return self._silence(t, whose if old is not None or new is not None else "both versions")
        self._bench.compare(t, new, old, warming=warming)
        if self.settings.latency:
            return self._compare_latency(snapshot, warming=warming)
        return None

    def _compare_latency(self, snapshot: Snapshot, *, warming: bool) -> str | None:
        new, old = buckets(snapshot.canary), buckets(snapshot.control)
        if new is None or old is None or len(new) != len(old):
            return "no latency figures of both versions: holding (the latency guard can be switched off)"
        self._bench.compare_latency(snapshot.t, new, old, warming=warming)
        return None

    def _warming(self, t: float) -> bool:
        """Whether what happened since the last look is still warm-up: the look before must be past it."""
        last = self._bench.last_look
        return (t if last is None else last) < self.settings.warm_up.total_seconds()

    def _silence(self, t: float, whose: str) -> str:
        return words.silence(None if self._heard is None else t - self._heard, whose)

    def _verdict(self, snapshot: Snapshot, hold: str | None) -> Verdict:
        bench, settings = self._bench, self.settings
        alone = self._weight is not None and self._weight >= 1.0
        report = Report(settings, bench, alone=alone)
        if bench.against() >= log(1.0 / settings.false_rollback):
            return report.failed()
        if hold is None:
            hold = self._not_yet(snapshot.t, alone=alone)
        if hold is None and report.convinced():
            return report.passed()
        return report.undecided(hold)

    def _not_yet(self, t: float, *, alone: bool) -> str | None:
        """What else than evidence is missing before the new version may go on."""
        settings, bench = self.settings, self._bench
        if self._warming(t):
            return words.warming(t, settings)
        heard = bench.heard(alone=alone)
        if heard is None or t - heard > max(SILENT, 2.0 * settings.interval.total_seconds()):
            return "the new version answers no requests: holding"
        requests = bench.requests(alone=alone)
        if requests < settings.minimum_requests:
            short = settings.minimum_requests - requests
            return f"needs {words.number(short)} more requests on the new version at this share of traffic"
        base = bench.errors.subjects[0].history.rate()
        if not alone and base is not None and base > settings.error_limit:
            return words.both_fail(base, settings.error_limit)
        suspect = bench.suspect()
        if suspect is not None:
            return f"{suspect} may be worse: holding until that is clear"
        return None
