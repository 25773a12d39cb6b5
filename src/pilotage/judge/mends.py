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
    stage = judged[place]

    def enough(changed: JudgeSettings, share: float) -> bool:
        stages = (*judged[:place], stage._replace(share=share))
        needed = permission(changed, stages, traffic, place)
        return needed is not None and needed <= allowed

    mends = [_longer(stage, outlook)]
    fewer, also = _fewer(settings, stage, traffic, allowed)
    if also and enough(fewer, stage.share):
        mends.append(also)
    else:
        others = [_larger(fewer, stage, enough), _wider(fewer, stage, enough)]
        mends += [one and (f"{one} and {also}" if also else one) for one in others]
    found = tuple([one for one in mends if one is not None])
    return Trouble(step=outlook.step, what=_what(outlook), mends=found, time=outlook.like_old)


def _fewer(
    settings: JudgeSettings, stage: Stage, traffic: Traffic, allowed: float
) -> tuple[JudgeSettings, str]:
    """With as many requests asked for as can come in time; and how that is written, if it is a change."""
    most = floor(0.9 * (allowed - settings.warm_up.total_seconds()) * traffic.requests * stage.share)
    if settings.minimum_requests <= max(most, 0):
        return settings, ""
    changed = settings.model_copy(update={"minimum_requests": max(most, 0)})
    return changed, f"`minimum_requests: {max(most, 0)}`"


def _what(outlook: Outlook) -> str:
    at = f"at {percent(outlook.share)}"
    if outlook.like_old is None:
        return f"{at} the judge could not let a version go on that is as good as the old one: not in months"
    needs = words.lasting(outlook.like_old.total_seconds())
    if outlook.limit is None or outlook.decides:
        return f"{at} it takes about {needs} until a version as good as the old one may go on"
    limit = show_duration(Duration(seconds=round(outlook.limit.total_seconds())))
    return f"{at} the judge has {limit}, and needs about {needs} to let a version as good as the old one go on"


def _longer(stage: Stage, outlook: Outlook) -> str | None:
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
