"""A rollout fed to our judge, look by look, as if it were happening."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import thread_time

from benchmarks.judge.streams import Stream
from benchmarks.judge.truth import Truth

from pilotage.core.judging import JudgeSettings, Kind, MeasureSettings, Outcome, Worse
from pilotage.judge import Judge

LATENCY = 8
"""Bounds that are compared, if there are so many buckets."""


@dataclass
class Played:
    """What a rule did with one rollout. Times in seconds; None: never."""

    rolled: float | None = None
    blame: tuple[str, ...] = ()
    leave: float | None = None
    """When it first let go on a version that was bad already (of healthy ones: any)."""
    promoted: float | None = None
    spent: list[float] = field(default_factory=list)
    """Seconds of CPU for each look after the warm-up, while both versions serve."""
    measures: int = 0
    """That were weighed; latency counts for eight."""


def settings(truth: Truth, *, lean: bool = False) -> JudgeSettings:
    """Defaults throughout, and all measures that the streams have; ``lean``: errors only."""
    interval = {"interval": float(truth.every)}
    if lean:
        return JudgeSettings.model_validate({"latency": False, "traffic": False, **interval})
    measures = {
        "conversions": MeasureSettings(kind=Kind.COUNT, worse=Worse.LESS),
        "cpu": MeasureSettings(kind=Kind.GAUGE),
    }
    return JudgeSettings.model_validate({"latency_bounds": truth.bounds, "measures": measures, **interval})


def play(stream: Stream, wanted: JudgeSettings) -> Played:
    judge = Judge(wanted)
    found = Played(measures=1 + LATENCY * wanted.latency + wanted.traffic + len(wanted.measures))
    onset = stream.truth.onset
    warm = wanted.warm_up.total_seconds() + 30.0
    for snapshot in stream.snapshots():
        began = thread_time()
        verdict = judge.feed(snapshot)
        if snapshot.t > warm:
            found.spent.append(thread_time() - began)
        if verdict.outcome is Outcome.FAIL:
            found.rolled, found.blame = snapshot.t, verdict.blame
            break
        if verdict.outcome is Outcome.PASS and snapshot.t > onset:
            found.leave = snapshot.t if found.leave is None else found.leave
            if verdict.last and found.promoted is None:
                found.promoted = snapshot.t
    return found
