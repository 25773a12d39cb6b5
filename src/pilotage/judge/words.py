"""Sentences and figures for people who know no statistics."""

from __future__ import annotations

from functools import lru_cache
from math import floor, log10

from pilotage.core.judging import JudgeSettings, Kind, Measure

LATE = "the time for judging is over: shown to be within the wider margins of the horizon only"
EXPIRED = "the time for judging is over, and it is not shown to be good enough"
MORE_TIME = "needs more time at this share of traffic"


def percent(rate: float) -> str:
    """``0.0412`` → ``4.1 %``: two significant digits."""
    if rate <= 0.0:
        return "0 %"
    value = rate * 100.0
    digits = max(0, 1 - floor(log10(value)))
    return f"{value:.{min(digits, 6)}f} %"


def number(value: float) -> str:
    """``3412`` → ``3 400``: two significant digits, thousands set apart."""
    if value < 10:
        return f"{max(1, round(value))}"
    step = 10 ** (floor(log10(value)) - 1)
    return f"{round(value / step) * step:,}".replace(",", " ")


def times(ratio: float) -> str:
    return f"{ratio:.2g} times" if ratio < 10 else f"{number(ratio)} times"


def lasting(seconds: float) -> str:
    """``545`` → ``9 minutes``."""
    if seconds < 90:
        amount, unit = max(1, round(seconds)), "second"
    elif seconds < 5400:
        amount, unit = round(seconds / 60), "minute"
    elif seconds < 48 * 3600:
        amount, unit = round(seconds / 3600), "hour"
    else:
        amount, unit = round(seconds / 86400), "day"
    return f"{amount} {unit}" if amount == 1 else f"{number(amount)} {unit}s"


def duration(seconds: float) -> str:
    """``0.25`` → ``250 ms``."""
    return f"{seconds * 1000:.4g} ms" if seconds < 1 else f"{seconds:.4g} s"


@lru_cache(maxsize=256)
def margin(ratio: float, excess: float) -> str:
    """``1.5 × old + 0.050 %``."""
    old = "old" if ratio == 1.0 else f"{ratio:.3g} × old"
    return f"{old} + {percent(excess)}" if excess > 0.0 else old


def figures(measure: Measure) -> str:
    """``new 4.1 %, old 0.10 %``; levels and rates as plain numbers."""
    shown = percent if measure.kind is Kind.COUNT else amount
    parts = []
    if measure.new is not None:
        parts.append(f"new {shown(measure.new)}")
    if measure.old is not None:
        parts.append(f"old {shown(measure.old)}")
    return ", ".join(parts) or "no figures yet"


def worse(measure: Measure, limit: str, slow: str) -> str:
    """Why it is taken back."""
    text = f"{measure.name}: {figures(measure)}{slow}"
    if measure.low is not None and measure.low > (measure.limit or 1.0):
        return f"{text}; at least {times(measure.low)} as many (limit {limit})"
    return f"{text}; more than the limit of {limit}"


def amount(value: float) -> str:
    """``0.3512`` → ``0.351``; ``3412.7`` → ``3 413``."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}".replace(",", " ")


def rate_worse(measure: Measure, ratio: float) -> str:
    """Events for each second at full traffic."""
    line = f"{1.0 / ratio:.3g} times fewer" if ratio < 1.0 else f"{ratio:g} times as many"
    text = f"{measure.name}: {figures(measure)} a second at full traffic"
    return f"{text}; beyond the limit of {line}"


def fewer(measure: Measure, ratio: float) -> str:
    """Where less is worse."""
    return f"{measure.name}: {figures(measure)}; fewer than the limit of {ratio:.3g} times the old version's"


def level_worse(measure: Measure, ratio: float) -> str:
    return f"{measure.name}: {figures(measure)}{_between(measure)}; beyond the limit of {ratio:g} times"


def level_fine(measure: Measure, ratio: float) -> str:
    text = f"{measure.name}: {figures(measure)}{_between(measure)}"
    return f"{text}; shown to be within the limit of {ratio:g} times"


def _between(measure: Measure) -> str:
    if measure.low is None or measure.high is None:
        return ""
    return f" ({measure.low:.2f} … {measure.high:.2f} times)"


def burns(name: str, limit: float) -> str:
    return (
        f"{name}: the new version alone burns its error budget too fast (more than {percent(limit)} fail, "
        "over the short and the long window)"
    )


def both_burn(name: str) -> str:
    return f"{name}: both versions burn the error budget: holding"


def new_burns(name: str) -> str:
    return f"{name}: the new version burns its error budget: holding until that is clear"


def shared(rate: float, usual: float) -> str:
    return f"the old version got worse too ({percent(usual)} → {percent(rate)} of its requests fail): holding"


def unknown(name: str) -> str:
    return f"no figures of {name}"


def dry_run(text: str) -> str:
    return f"dry run, decides nothing: {text}"


def fine(measure: Measure, limit: str, slow: str) -> str:
    """Why it may go on."""
    return f"{measure.name}: {figures(measure)}{slow}; shown to be within the limit of {limit}"


def both_fail(rate: float, limit: float) -> str:
    return f"the old version itself fails {percent(rate)} of its requests (limit {percent(limit)}): holding"


def too_many(rate: float, limit: float) -> str:
    return (
        f"errors: {percent(rate)} of all requests fail, more than the limit of {percent(limit)} "
        "(nothing is left of the old version to compare with)"
    )


def few_enough(rate: float, limit: float) -> str:
    return (
        f"errors: {percent(rate)} of all requests fail, shown to be less than the limit of {percent(limit)} "
        "(nothing is left of the old version to compare with)"
    )


@lru_cache(maxsize=256)
def slower(bounds: tuple[float, ...], new: int, old: int) -> str:
    """What a latency measure counts: the bounds, if they are known."""
    if new >= len(bounds) or old >= len(bounds):
        return " slower than the chosen bound"
    if bounds[new] == bounds[old]:
        return f" slower than {duration(bounds[new])}"
    return f" (new: slower than {duration(bounds[new])}; old: slower than {duration(bounds[old])})"


def missing(requests: float | None, rate: float | None, *, silent: bool = False) -> str:
    """``about 3 400 more requests on the new version, 9 minutes at this traffic``.

    ``silent``: none came lately, so that no time can be told.
    """
    if requests is None or requests > 1e9:
        return "cannot be shown to be good enough at the present rates"
    text = f"about {number(requests)} more requests on the new version"
    if silent:
        return f"{text}, which gets none at present"
    return text if not rate else f"{text}, {lasting(requests / rate)} at this traffic"


def silence(seconds: float | None, whose: str) -> str:
    if seconds is None or seconds < 1.0:
        return f"no telemetry of {whose}: holding"
    return f"no telemetry of {whose} for {lasting(seconds)}: holding"


def warming(t: float, settings: JudgeSettings) -> str:
    whole = settings.warm_up.total_seconds()
    return f"warming up: {max(0.0, t):.0f} s of {whole:g} s; until then only a disaster counts"
