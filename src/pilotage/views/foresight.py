"""What the judge will be able to see of a plan: when worse versions are found, when a good one may go on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import assert_never

from pilotage.core.plan import Plan
from pilotage.core.values import Duration, Frozen
from pilotage.judge.mends import Trouble
from pilotage.judge.planner import REGRESSIONS, Ending, Forecast, Outlook, Sight, stages
from pilotage.views.figures import count, lasting, percent, rate
from pilotage.views.ink import Line, Span, Tone, line, span, table, wrap

SHOWN = ("errors x2", "errors x5", "1 % more errors", "outage", "twice as slow")
"""The regressions with a column; the data has all of them …"""
DISPENSABLE = ("twice as slow", "1 % more errors", "errors x5", "errors x2", "outage")
"""… and which go first where there is no room."""
RARE = 0.002
"""With so few errors, a multiple of them says little: then a fixed part more has a column too."""


class SightView(Frozen):
    """What becomes of one way to be worse that begins with the step."""

    regression: str
    ending: str
    after: Duration | None
    failed: int | None
    least: Duration | None
    """What no judge as sure as this one could do better than."""


class OutlookView(Frozen):
    step: int
    share: int
    limit: Duration | None
    goes_on_after: Duration | None
    """A version as good as the old one; None: never."""
    goes_on_without_errors_after: Duration | None
    in_time: bool
    sights: tuple[SightView, ...]


class TroubleView(Frozen):
    step: int
    what: str
    mends: tuple[str, ...]


class ForesightView(Frozen):
    requests_per_second: float
    errors: float
    source: str
    outlooks: tuple[OutlookView, ...]
    takes: Duration | None
    """All judged steps together, of a version as good as the old one; None: not all of them decide."""
    troubles: tuple[TroubleView, ...]


def view_of(forecast: Forecast, troubles: Iterable[Trouble] = ()) -> ForesightView:
    traffic = forecast.traffic
    return ForesightView(
        requests_per_second=traffic.requests,
        errors=traffic.errors,
        source=traffic.source,
        outlooks=tuple(_outlook(one) for one in forecast.outlooks),
        takes=_whole(forecast.whole),
        troubles=tuple(TroubleView(step=one.step, what=one.what, mends=one.mends) for one in troubles),
    )


def _outlook(one: Outlook) -> OutlookView:
    return OutlookView(
        step=one.step,
        share=one.share,
        limit=one.limit,
        goes_on_after=_whole(one.like_old),
        goes_on_without_errors_after=_whole(one.no_errors),
        in_time=one.decides,
        sights=tuple(_sight(sight) for sight in one.sights),
    )


def _sight(one: Sight) -> SightView:
    failed = None if one.failed is None else round(one.failed)
    return SightView(
        regression=one.regression.name,
        ending=one.ending.value,
        after=_whole(one.after),
        failed=failed,
        least=_whole(one.least),
    )


def _whole(span_of: timedelta | None) -> timedelta | None:
    """No more exact than it is."""
    return None if span_of is None else timedelta(seconds=round(span_of.total_seconds()))


def flow(requests: float) -> str:
    """Per second, or per minute where that is less than one."""
    if requests >= 1.0:
        return f"{requests:.3g} requests/s"
    return f"{requests * 60.0:.2g} requests/min"


def draw(view: ForesightView, width: int = 100) -> list[Line]:
    """A heading, a row for every judged step, and what would not be decided in time."""
    errors = f"{rate(view.errors)} errors" if view.errors else "no errors"
    known = f"   at {flow(view.requests_per_second)}, {errors}, {view.source}"
    lines = wrap(line("What the judge will see", span(known, Tone.DIM)), width)
    lines += _rows(view, width)
    lines += wrap(line(span(_told(view), Tone.DIM)), width)
    for trouble in view.troubles:
        mend = f" It would do with {', or '.join(trouble.mends)}." if trouble.mends else ""
        told = f"{trouble.what[:1].upper()}{trouble.what[1:]}.{mend}"
        lines += wrap(line(span(f"{'Warning':<10}", Tone.WARN), told), width, 10)
    return lines


def _told(view: ForesightView) -> str:
    takes = "" if view.takes is None else f" All steps: about {lasting(view.takes)}."
    return f"From its beginning until it is taken back, in half of all cases; (requests it fails).{takes}"


def _rows(view: ForesightView, width: int) -> list[Line]:
    """As many regressions as the width allows, the mildest first to go."""
    told = {one.regression for one in view.outlooks[0].sights}
    told -= {"1 % more errors"} if view.errors >= RARE else set()
    declared = sorted(told - {one.name for one in REGRESSIONS})
    names = [*(name for name in SHOWN if name in told), *declared]
    for gone in ("", *declared, *DISPENSABLE):
        names = [name for name in names if name != gone]
        rows = [_head(names), *(_row(one, names) for one in view.outlooks)]
        widest = sum(max(len(row[i].text) for row in rows) + 2 for i in range(len(rows[0])))
        if widest - 2 <= width:
            return table(rows, width, right=frozenset({0}), indent=0)
    return table(rows, width, right=frozenset({0}), indent=0)


def _head(names: list[str]) -> list[Span]:
    return [span(cell, Tone.DIM) for cell in ("", "share", "may go on after", *names)]


def _row(one: OutlookView, names: list[str]) -> list[Span]:
    sights = {sight.regression: sight for sight in one.sights}
    goes_on = "never" if one.goes_on_after is None else lasting(one.goes_on_after)
    cells = [_cell(sights[name]) for name in names]
    first = span(goes_on, Tone.PLAIN if one.in_time else Tone.WARN)
    return [span(f"{one.step:>2}", Tone.DIM), span(percent(one.share), Tone.NEW), first, *cells]


def _cell(sight: SightView) -> Span:
    after = "" if sight.after is None else lasting(sight.after)
    match Ending(sight.ending):
        case Ending.BACK:
            return span(f"{after} ({count(sight.failed or 0)})", Tone.PLAIN)
        case Ending.LATE:
            return span(f"too late: {after}", Tone.WARN)
        case Ending.GOES_ON:
            return span("may go on", Tone.WARN)
        case Ending.NEVER:
            return span("is held", Tone.WARN)
        case _ as never:
            assert_never(never)


def judged(plan: Plan) -> bool:
    """Whether there is anything to foresee."""
    return plan.judge is not None and bool(stages(plan))


def no_figures(width: int = 100) -> list[Line]:
    told = "no figures yet of the traffic: release once, or write `expect` for this environment"
    return wrap(line("What the judge will see   ", span(told, Tone.DIM)), width)
