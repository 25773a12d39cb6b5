"""Charts written down: what a measure did, second by second."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import exp, sin
from pathlib import Path

from pilotage.core.judging import JudgeSettings, Kind, Outcome, Role, Snapshot
from pilotage.usecases.charting import judged_again
from pilotage.views.chart import Chart, Point, Step, Turn, charts_of
from pilotage.views.chart.thinning import split, thinned

RECORDED = Path(__file__).parent / "charts" / "recorded.jsonl"
"""The telemetry of a real rollout of a shop: 1.0 fails 0.8 % of its requests; so does 2.0, and 4 % from the
90th second on, when it gets half of the traffic. The first line has the judge's settings."""

KEPT = RECORDED.with_name("recorded.json")


def course(
    at: Callable[[float], Point | None],
    seconds: range = range(1, 301),
    *,
    steps: tuple[Step, ...] = (Step(t=1, share=0.1),),
    **more: object,
) -> Chart:
    """One look a second; None: no telemetry then."""
    start, end = float(seconds[0]), float(seconds[-1])
    stretches = split([at(float(t)) for t in seconds], start, end, pause=4.0)
    return Chart.model_validate(
        {
            "measure": "errors",
            "old_version": "1.0",
            "new_version": "2.0",
            "where": "shop to production",
            "start": start,
            "end": end,
            "stretches": tuple(tuple(thinned(stretch, start, end)) for stretch in stretches),
            "steps": steps,
            **more,
        }
    )


def closing(t: float, ratio: float, *, old: float = 0.01, wide: float = 12.0, share: float = 0.1) -> Point:
    """An interval that closes in on a ratio that wavers a little."""
    factor = exp(wide / t**0.5)
    now = ratio * exp(0.4 * sin(t / 9) / t**0.5)
    return Point(
        t=t,
        share=share,
        old=old,
        new=old * now,
        low=now / factor if t > 20 else None,
        high=now * factor if t > 10 else None,
        worse=1.11,
        fine=1.55,
        against=min(max(ratio - 1, 0) * t / 300, 1.0),
        for_=min(t / 250, 1.0) if ratio <= 1 else 0.0,
    )


def _late(t: float) -> Point:
    """Fine at 10 %, worse at 25 %."""
    return closing(t, 1.0) if t < 151 else closing(t - 150, 3.0, share=0.25).model_copy(update={"t": t})


def _with_a_gap(t: float) -> Point | None:
    return None if 120 <= t < 180 else closing(t, 1.1)


def _level(t: float) -> Point:
    """A gauge: megabytes, 8 % more than the old version's."""
    point = closing(t, 1.08, old=412.0, wide=0.4)
    return point.model_copy(update={"worse": 1.05, "fine": None, "for_": 0.0})


def _alone(t: float) -> Point:
    rate = 0.09 * (1 - exp(-t / 80))
    return Point(t=t, share=1.0, new=rate, against=min(rate / 0.08, 1.0))


def _hours(t: float) -> Point:
    """Six hours with one second of great trouble in the middle."""
    return closing(t, 6.0 if t == 10_000 else 1.0)


COURSES: dict[str, Callable[[], Chart]] = {
    "count": lambda: course(
        _late,
        steps=(Step(t=1, share=0.1), Step(t=151, share=0.25)),
        turns=(
            Turn(t=150, outcome=Outcome.PASS),
            Turn(t=151, outcome=Outcome.UNDECIDED),
            Turn(t=300, outcome=Outcome.FAIL, blamed=True),
        ),
    ),
    "gauge": lambda: course(_level, measure="memory", kind=Kind.GAUGE, role=Role.WATCH),
    "absolute": lambda: course(
        _alone,
        measure="error limit",
        ceiling=0.05,
        steps=(Step(t=1, share=1.0),),
        turns=(Turn(t=300, outcome=Outcome.FAIL, blamed=True),),
    ),
    "unbounded": lambda: course(lambda t: closing(t, 1.0), range(1, 19)),
    "gap": lambda: course(_with_a_gap),
    "point": lambda: course(lambda t: closing(40, 1.3).model_copy(update={"t": t}), range(30, 31)),
    "less": lambda: course(
        lambda t: closing(t, 0.8, wide=2).model_copy(update={"worse": 0.98, "fine": 0.83}),
        measure="orders",
        kind=Kind.RATE,
        less=True,
    ),
    "hours": lambda: course(_hours, range(1, 6 * 3600)),
    "recorded": lambda: recorded(),
}


def recording() -> tuple[JudgeSettings, list[Snapshot]]:
    head, *rows = RECORDED.read_text().splitlines()
    settings = JudgeSettings.model_validate(json.loads(head)["settings"])
    return settings, [Snapshot.model_validate_json(row) for row in rows]


def judged() -> tuple[Chart, ...]:
    """The recording, as the judge of today sees it."""
    settings, snapshots = recording()
    looks = judged_again(settings, snapshots)
    return charts_of(settings, looks, old="1.0", new="2.0", where="shop to local")


def recorded() -> Chart:
    """Its errors as they were when the picture in the docs was made: a better judge changes no picture."""
    return Chart.model_validate_json(KEPT.read_text(encoding="utf-8"))
