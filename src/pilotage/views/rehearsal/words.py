"""A rehearsal in sentences: the same on the terminal and on the page."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from pilotage.rehearsal.outcome import Ending
from pilotage.rehearsal.spread import Odds, Spread
from pilotage.views.figures import count, counted, lasting, rate
from pilotage.views.rehearsal.model import RehearsalView

LIMITS = (
    "A rehearsal shows what the plan, the engine and the judge do if the service is as assumed; it knows "
    "nothing of what the new version is really like."
)


def ended(view: RehearsalView) -> str:
    """How the run that is told ended."""
    match view.ending:
        case Ending.SUCCEEDED:
            return f"{view.new} is promoted after {lasting(view.promoted_after or view.took)}"
        case Ending.ROLLED_BACK:
            after = lasting(view.turned_after or view.took)
            return (
                f"{view.new} is taken back after {after}, and all is as before {lasting(_way_back(view))} later"
            )
        case Ending.HELD:
            return f"it still stands at step {view.steps[-1].number} after {lasting(view.took)}"
        case _:
            assert_never(view.ending)


def _way_back(view: RehearsalView) -> timedelta:
    return view.took - view.turned_after if view.turned_after is not None else timedelta(0)


def reached(view: RehearsalView) -> str:
    """Whom it reached."""
    failed = f"{counted(view.failed, 'request')} failed"
    because = f", about {count(round(view.failed_because_of_it))} of them because of it"
    more = because if view.failed_because_of_it >= 0.5 else ""
    return (
        f"{counted(view.requests, 'request')} of about {counted(view.users_exposed, 'user')} reached it; "
        f"{failed}{more}"
    )


def assumed(view: RehearsalView) -> str:
    low, high = view.requests_per_second
    flow = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
    errors = f"{rate(view.errors)} errors" if view.errors else "no errors"
    return f"{flow} requests/s, {errors}, {counted(view.users, 'user')}: {'; '.join(view.assumed)}"


def fine(view: RehearsalView) -> str:
    """Of versions as good as the old one."""
    if view.good.runs == 0:
        return "not tried"
    if view.fine is None:
        return f"promoted in none of {counted(view.good.runs, 'run')}"
    often = f"{view.good.hits} of {counted(view.good.runs, 'run')}"
    return f"promoted after {spans(view.fine)} ({often})"


def spare(view: RehearsalView) -> str:
    more = view.instances - view.usual
    if more <= 0:
        return f"no instance more than the {view.usual} that run now"
    return f"{counted(more, 'instance')} more than now at the peak ({view.instances} of both sides)"


def odds(one: Odds) -> str:
    """``10 of 10 (72 to 100 %)``."""
    return f"{one.hits} of {one.runs} ({one.low * 100:.0f} to {one.high * 100:.0f} %)"


def spans(one: Spread) -> str:
    """Seconds as durations: the middle, and where eight in ten lie if that is another."""
    low, middle, high = (lasting(timedelta(seconds=value)) for value in (one.low, one.median, one.high))
    return middle if low == high else f"{middle} ({low} to {high})"


def counts(one: Spread) -> str:
    low, middle, high = (count(round(value)) for value in (one.low, one.median, one.high))
    return middle if low == high else f"{middle} ({low} to {high})"


def looking(view: RehearsalView) -> str:
    return (
        f"The world was looked at {counted(view.looks, 'time')}: each second after anything happens, then more "
        f"and more rarely, every {lasting(view.sparse)} at most."
    )
