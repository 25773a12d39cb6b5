"""Where the judge can not decide in time at the expected traffic, and the smallest change that would do."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor, log10

from pilotage.core.judging import JudgeSettings
from pilotage.core.notation import show_duration
from pilotage.core.traffic import Traffic
from pilotage.core.values import Duration, Frozen, percent
from pilotage.judge import words
from pilotage.judge.foresight import Stage
from pilotage.judge.planner import DAY, Forecast, Outlook, permission

LUCK = 2.0
"""Nine rollouts in ten are through after so many times what is expected."""
WIDEST = 0.1
"""No wider pass margin is offered: a tenth of all requests."""
LARGEST = 0.5
"""No larger share is offered: more of the new version means less of the old one to compare with."""
HALVINGS = 9
NICE = (1, 2, 5, 10, 15, 20, 30, 45, 60)


class Trouble(Frozen):
    """One step that does not decide in time, in words; ``mends`` are alternatives."""

    step: int
    what: str
    mends: tuple[str, ...] = ()
    time: Duration | None = None
    """What the step needs; None: it never decides."""


def troubles(
    settings: JudgeSettings, judged: tuple[Stage, ...], forecast: Forecast, traffic: Traffic
) -> tuple[Trouble, ...]:
    """Of every step that does not let a good version go on within its limit, or within a day."""
    return tuple(
        _trouble(settings, judged, traffic, place, outlook)
        for place, outlook in enumerate(forecast.outlooks)
        if not outlook.decides or outlook.like_old is None or outlook.like_old.total_seconds() > DAY
    )


def _trouble(
    settings: JudgeSettings, judged: tuple[Stage, ...], traffic: Traffic, place: int, outlook: Outlook
) -> Trouble:
    allowed = DAY if outlook.limit is None else min(DAY, outlook.limit.total_seconds())

    def enough(changed: JudgeSettings, share: float) -> bool:
        stage = judged[place]._replace(share=share)
        stages = (*judged[:place], stage)
        needed = permission(changed, stages, traffic, place)
        return needed is not None and needed <= allowed

    mends = [_longer(settings, judged[place], outlook)]
    few = settings.minimum_requests / (traffic.requests * judged[place].share)
    if few > allowed:
        most = floor(allowed * traffic.requests * judged[place].share * 0.9)
        mends.append(f"`minimum_requests: {most}`")
    else:
        mends += [_larger(settings, judged[place], enough), _wider(settings, judged[place], enough)]
    return Trouble(
        step=outlook.step,
        what=_what(outlook),
        mends=tuple([one for one in mends if one is not None]),
        time=outlook.like_old,
    )


def _what(outlook: Outlook) -> str:
    share = percent(outlook.share)
    if outlook.like_old is None:
        return f"step {outlook.step} ({share}) can never let a version go on that is as good as the old one"
    needs = words.lasting(outlook.like_old.total_seconds())
    if outlook.limit is None or outlook.decides:
        return f"step {outlook.step} ({share}) takes about {needs} to let a good version go on"
    limit = show_duration(Duration(seconds=round(outlook.limit.total_seconds())))
    return f"step {outlook.step} ({share}) has {limit} to decide, and needs about {needs} for a good version"


def _longer(settings: JudgeSettings, stage: Stage, outlook: Outlook) -> str | None:
    """More time, so that most rollouts are through."""
    if outlook.limit is None or outlook.like_old is None:
        return None
    needed = nice(LUCK * outlook.like_old.total_seconds())
    own = stage.at_most is not None and outlook.limit.total_seconds() >= stage.at_most
    return f"`{'at_most' if own else 'horizon'}: {show_duration(needed)}`"


def _larger(
    settings: JudgeSettings, stage: Stage, enough: Callable[[JudgeSettings, float], bool]
) -> str | None:
    """The smallest share, in whole per cent."""
    if stage.share >= LARGEST or not enough(settings, LARGEST):
        return None
    low, high = floor(stage.share * 100), round(LARGEST * 100)
    while high - low > 1:
        middle = (low + high) // 2
        if enough(settings, middle / 100):
            high = middle
        else:
            low = middle
    return f"a share of {high} %"


def _wider(settings: JudgeSettings, stage: Stage, enough: Callable[[JudgeSettings, float], bool]) -> str | None:
    """The narrowest pass margin: of latency, if errors alone would be decided in time."""
    if stage.share >= 1.0:
        return _limit(settings, stage, enough)
    errors_do = enough(settings.model_copy(update={"latency": False}), stage.share)
    field = "latency_pass_excess" if errors_do and settings.latency else "error_pass_excess"
    found = _narrowest(settings, stage, field, enough)
    block = field.split("_")[0].replace("error", "errors")
    return None if found is None else f"`{block}: {{pass_excess: {found}}}`"


def _limit(settings: JudgeSettings, stage: Stage, enough: Callable[[JudgeSettings, float], bool]) -> str | None:
    found = _narrowest(settings, stage, "error_limit", enough)
    return None if found is None else f"`errors: {{limit: {found}}}`"


def _narrowest(
    settings: JudgeSettings, stage: Stage, field: str, enough: Callable[[JudgeSettings, float], bool]
) -> str | None:
    low, high = max(getattr(settings, field), 1e-5), max(WIDEST, getattr(settings, field))
    if not enough(settings.model_copy(update={field: high}), stage.share):
        return None
    for _ in range(HALVINGS):
        middle = (low * high) ** 0.5
        if enough(settings.model_copy(update={field: middle}), stage.share):
            high = middle
        else:
            low = middle
    return up(high)


def up(fraction: float) -> str:
    """A little more than a fraction, with two digits, as a manifest writes it: ``0.021%``."""
    value = fraction * 100.0
    size = 10.0 ** (floor(log10(value)) - 1)
    return f"{ceil(value / size) * size:.4f}".rstrip("0").rstrip(".") + "%"


def nice(seconds: float) -> Duration:
    """A little more, as people would write it."""
    for unit in (1, 60, 3600):
        for number in NICE:
            if seconds <= number * unit < 60 * unit:
                return Duration(seconds=number * unit)
    return Duration(days=ceil(seconds / DAY)) if seconds > DAY / 2 else Duration(hours=ceil(seconds / 3600))
