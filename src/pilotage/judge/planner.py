"""The planner: what this judge can see of a plan's rollout at the traffic that is to be expected (F15).

For every judged step: how long a worse version would take to be found and how many requests it would fail
meanwhile, how long a good one takes until it may go on, and what would help where that is too long.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Any

from pilotage.core.judging import JudgeSettings, Role, Worse
from pilotage.core.plan import Plan
from pilotage.core.steps import Expose, Judge
from pilotage.core.traffic import Traffic
from pilotage.core.values import EVERYBODY, Duration, Frozen
from pilotage.judge.bounds import least_requests
from pilotage.judge.evidence import Margin
from pilotage.judge.foresight import LONGEST, End, Path, Stage, Truth

DAY = 86_400.0


class Ending(StrEnum):
    """What becomes of a version that is worse in a certain way."""

    BACK = "back"
    """It is taken back in time."""
    LATE = "late"
    """It would be, but the step's time is over before."""
    GOES_ON = "goes on"
    """It is within the pass margins: it may go on before it is found."""
    NEVER = "never"
    """Neither taken back nor let go on: it is held."""


class Regression(Frozen):
    """One way to be worse."""

    name: str
    """``errors x2``, ``outage``, ``twice as slow``."""
    ratio: float = 1.0
    """Times the old version's errors …"""
    excess: float = 0.0
    """… plus this fraction of requests."""
    slower: float = 1.0
    """Times as slow, every answer."""
    measure: str = ""
    """A declared count …"""
    times: float = 1.0
    """… that happens so many times as often."""

    def truth(self, traffic: Traffic) -> Truth:
        errors = min(1.0, traffic.errors * self.ratio + self.excess)
        return Truth(errors, self.slower, self.measure, self.times)

    def applies(self, traffic: Traffic) -> bool:
        """Whether this makes a difference at this traffic, and can be told from it."""
        if self.slower > 1.0:
            return len(traffic.slow) > 1
        if self.measure:
            return traffic.measures[self.measure] > 0.0
        return self.truth(traffic).errors > traffic.errors


REGRESSIONS = (
    Regression(name="errors x1.5", ratio=1.5),
    Regression(name="errors x2", ratio=2),
    Regression(name="errors x5", ratio=5),
    Regression(name="errors x10", ratio=10),
    Regression(name="1 % more errors", excess=0.01),
    Regression(name="outage", excess=1),
    Regression(name="twice as slow", slower=2),
    Regression(name="five times as slow", slower=5),
)


def declared(settings: JudgeSettings, traffic: Traffic) -> tuple[Regression, ...]:
    """Declared counts that are twice as frequent, or half where less is worse."""
    return tuple(
        Regression(name=f"{name} x2", measure=name, times=2.0)
        if one.worse is Worse.MORE
        else Regression(name=f"half the {name}", measure=name, times=0.5)
        for name, one in settings.measures.items()
        if name in traffic.measures and one.role is not Role.WATCH
    )


class Sight(Frozen):
    """What becomes of one regression that begins with the step, at expected counts."""

    regression: Regression
    ending: Ending
    after: Duration | None = None
    """From its beginning until it is taken back (also when late); or until it may go on."""
    failed: float | None = None
    """Requests that fail meanwhile and would not have failed on the old version."""
    least: Duration | None = None
    """No test of errors that is as sure can be expected to tell sooner, even without warm-up and cap; None: it
    could not tell at all, or the regression is of another kind."""


class Outlook(Frozen):
    """One judged step."""

    step: int
    share: int
    """In parts per million."""
    limit: Duration | None
    """How long the judge may take: the step's time limit, or what is left until the horizon."""
    like_old: Duration | None
    """Until a version as good as the old one may go on; None: never."""
    no_errors: Duration | None
    """The same of one without any error."""
    sights: tuple[Sight, ...]

    @property
    def decides(self) -> bool:
        """Whether a version as good as the old one is let go on in time."""
        return self.like_old is not None and (self.limit is None or self.like_old <= self.limit)


class Forecast(Frozen):
    traffic: Traffic
    outlooks: tuple[Outlook, ...]
    whole: Duration | None
    """Of all judged steps, for a version as good as the old one; None: it does not come to the end."""


def forecast(plan: Plan, traffic: Traffic) -> Forecast | None:
    """None: nothing is judged by comparison or limit."""
    if plan.judge is None:
        return None
    return foresee(plan.judge, stages(plan), traffic)


def stages(plan: Plan) -> tuple[Stage, ...]:
    """The judged steps and the share that the new version has at each."""
    share, found = 0.0, []
    for number, step in enumerate(plan.steps, 1):
        if isinstance(step, Expose):
            share = step.share(plan.new.id) / EVERYBODY
        elif isinstance(step, Judge) and share > 0.0:
            most = None if step.at_most is None else step.at_most.total_seconds()
            found.append(Stage(number, share, step.at_least.total_seconds(), most))
    return tuple(found)


def foresee(settings: JudgeSettings, judged: tuple[Stage, ...], traffic: Traffic) -> Forecast | None:
    """As ``forecast``, of stages. After one that does not decide in time, as if a person had gone on."""
    if not judged:
        return None
    good, clean = Path(settings, traffic), Path(settings, traffic)
    outlooks: list[Outlook] = []
    for stage in judged:
        limit, saved = limit_at(settings, stage, good.t), good.saved()
        like_old = _walk(good, stage, traffic.errors, limit)
        no_errors = _walk(clean, stage, 0.0, limit_at(settings, stage, clean.t))
        sights = _sights(settings, traffic, stage, saved, limit)
        share = round(stage.share * EVERYBODY)
        outlooks.append(
            Outlook(
                step=stage.number,
                share=share,
                limit=_span(limit),
                like_old=_span(like_old),
                no_errors=_span(no_errors),
                sights=sights,
            )
        )
    times = [one.like_old for one in outlooks if one.decides and one.like_old is not None]
    whole = sum(times, timedelta(0)) if len(times) == len(outlooks) else None
    return Forecast(traffic=traffic, outlooks=tuple(outlooks), whole=whole)


def limit_at(settings: JudgeSettings, stage: Stage, t: float) -> float | None:
    """Seconds that a stage may take which begins at ``t``; None: as long as it needs."""
    left = None if settings.horizon is None else max(0.0, settings.horizon.total_seconds() - t)
    limits = [one for one in (stage.at_most, left) if one is not None]
    return min(limits, default=None)


def permission(
    settings: JudgeSettings, judged: tuple[Stage, ...], traffic: Traffic, place: int
) -> float | None:
    """Seconds until a version as good as the old one may go on from one of the stages; None: never."""
    path, found = Path(settings, traffic), None
    for stage in judged[: place + 1]:
        found = _walk(path, stage, traffic.errors, limit_at(settings, stage, path.t))
    return found


def _walk(path: Path, stage: Stage, errors: float, limit: float | None) -> float | None:
    """Until it may go on, however long that takes; the path goes on from there, or from where time was up."""
    saved, truth = path.saved(), Truth(errors)
    found = path.stage(stage, truth).go
    if found is None or (limit is not None and found > limit):
        again = Path.resumed(path.settings, path.traffic, saved)
        again.stage(stage, truth, max(stage.at_least, DAY if limit is None else limit))
        path.t, path.bench = again.t, again.bench
    return found


def _sights(
    settings: JudgeSettings, traffic: Traffic, stage: Stage, saved: dict[str, Any], limit: float | None
) -> tuple[Sight, ...]:
    found = []
    for regression in (*REGRESSIONS, *declared(settings, traffic)):
        if regression.applies(traffic):
            end = Path.resumed(settings, traffic, saved).stage(stage, regression.truth(traffic))
            found.append(_sight(regression, end, settings, traffic, stage, limit))
    return tuple(found)


def _sight(
    regression: Regression,
    end: End,
    settings: JudgeSettings,
    traffic: Traffic,
    stage: Stage,
    limit: float | None,
) -> Sight:
    least = _span(_least(regression, settings, traffic, stage))
    if end.back is not None:
        more = regression.truth(traffic).errors - traffic.errors
        failed = more * stage.share * traffic.requests * end.back
        ending = Ending.BACK if limit is None or end.back <= limit else Ending.LATE
        return Sight(regression=regression, ending=ending, after=_span(end.back), failed=failed, least=least)
    if end.go is not None:
        return Sight(regression=regression, ending=Ending.GOES_ON, after=_span(end.go), least=least)
    return Sight(regression=regression, ending=Ending.NEVER, least=least)


def _least(regression: Regression, settings: JudgeSettings, traffic: Traffic, stage: Stage) -> float | None:
    if regression.slower > 1.0 or regression.measure or stage.share >= 1.0:
        return None
    new, odds = regression.truth(traffic).errors, stage.share / (1.0 - stage.share)
    margin = Margin(settings.error_ratio, settings.error_excess)
    requests = least_requests(new, traffic.errors, odds, margin, settings.false_rollback)
    seconds = requests / (traffic.requests * stage.share)
    return seconds if seconds < LONGEST else None


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
