"""Numbers, times and durations as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from math import floor, log10
from typing import assert_never

from pilotage.core.judging import Kind
from pilotage.core.notation import show_duration

ZERO = timedelta(0)


def count(number: int) -> str:
    """``3400`` → ``3 400``."""
    return f"{number:,}".replace(",", " ")


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 request``, ``3 400 requests``."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def rate(fraction: float) -> str:
    """``0.0123`` → ``1.2 %``: two significant digits."""
    value = fraction * 100
    if value <= 0:
        return "0 %"
    if value < 0.001:
        return "<0.001 %"
    digits = max(0, 1 - floor(log10(value)))
    return f"{value:.{digits}f} %"


def level(value: float) -> str:
    """Three significant digits: ``0.0412``, ``12.3``, ``3 412``."""
    size = abs(value)
    if size >= 99.95:
        return count(round(value))
    if size < 1e-4:
        return f"{value:.3g}" if value else "0"
    text = f"{value:.{2 - floor(log10(size))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(value: float, kind: Kind) -> str:
    """A measure's figure as its kind is read: ``1.2 %``, ``12.3 /s``, ``0.41``."""
    match kind:
        case Kind.COUNT:
            return rate(value)
        case Kind.RATE:
            return f"{level(value)} /s"
        case Kind.GAUGE | Kind.MEAN:
            return level(value)
        case _:
            assert_never(kind)


def times(ratio: float) -> str:
    """``1.137`` → ``1.1 ×``."""
    if ratio >= 99.5:
        return f"{count(round(ratio))} ×"
    return f"{ratio:.2g} ×" if ratio >= 0.1 or ratio == 0 else f"{ratio:.2f} ×"


def multiple(ratio: float) -> str:
    """A limit, as exactly as it was written: ``1.05`` → ``1.05 ×``."""
    return times(ratio) if ratio >= 99.5 else f"{float(f'{ratio:.3g}'):g} ×"


def between(low: float | None, high: float | None) -> str:
    """``0.9 … 1.4 ×``, ``at least 1.2 ×``; as exactly as the two ends are apart. Empty: nothing is known."""
    if low and high is not None:
        tell = times if high / low >= 1.5 else multiple
        return f"{tell(low)[:-2]} … {tell(high)}"
    if high is not None:
        return f"at most {times(high)}"
    return f"at least {times(low)}" if low else ""


def part(fraction: float) -> str:
    """``0.617`` → ``61 %``: never rounded up to a whole."""
    return f"{floor(min(max(fraction, 0.0), 1.0) * 100)} %"


def lasting(span: timedelta) -> str:
    """As fine as it matters: ``0.4s``, ``12s``, ``1m12s``, ``3h5m``, ``2d4h``."""
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 9.95:
        return f"{seconds:.1f}s".replace(".0s", "s")
    whole = round(seconds)
    for size, step in ((86_400, 3_600), (3_600, 60)):
        if whole >= size:
            return show_duration(timedelta(seconds=whole - whole % step))
    return show_duration(timedelta(seconds=whole))


def ticking(span: timedelta) -> str:
    """For what runs on the screen: whole seconds, so that it does not flicker."""
    whole = timedelta(seconds=max(int(span.total_seconds()), 0))
    return "0s" if not whole else lasting(whole)


def ago(span: timedelta) -> str:
    return "just now" if span < timedelta(seconds=2) else f"{ticking(span)} ago"


def clock(at: datetime, zone: tzinfo = UTC) -> str:
    return at.astimezone(zone).strftime("%H:%M:%S")


def day(at: datetime, zone: tzinfo = UTC) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def seconds(value: float) -> str:
    """Of a latency: ``12 ms``, ``1.5 s``."""
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


def quantile(bounds: tuple[float, ...], buckets: tuple[int, ...], part: float) -> float | None:
    """The bound of the bucket that holds this quantile; None: no answers, or beyond the last bound.

    ``buckets`` are cumulative and have one more (+Inf) than ``bounds``.
    """
    if not buckets or len(buckets) != len(bounds) + 1 or buckets[-1] <= 0:
        return None
    for bound, below in zip(bounds, buckets, strict=False):
        if below >= part * buckets[-1]:
            return bound
    return None


def percent(share: int) -> str:
    """Parts per million → ``10 %``, ``33.3 %``: one decimal, more only for the smallest."""
    digits = 1 if share >= 10_000 else 4
    text = f"{share / 10_000:.{digits}f}".rstrip("0").rstrip(".")
    return f"{text} %"
