"""An A/B test in words: what chooses, what it will be able to see, and how it stands."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import log
from typing import assert_never

from pilotage.core.choosing import figures, mismatched, remaining, standing
from pilotage.core.judging import Kind, Verdict
from pilotage.core.notation import show_duration
from pilotage.core.plan import Plan
from pilotage.core.sight import sight
from pilotage.core.state import State
from pilotage.core.steps import Choose, Expose, Judge, NoWinner
from pilotage.core.values import EVERYBODY
from pilotage.views.figures import count, lasting

TELLS = 0.1
"""The difference that the forecast is about."""
EVIDENCE = 17.0
"""Squared distance, in standard errors, within which it is found in four of five tests: measured with our own
confidence sequence (docs/ab.md). A test with one look at a time fixed before needs 8 (van Belle, *Statistical
Rules of Thumb*, 2.1): that is the price of looking at any time."""


def needed(share: int) -> float:
    """Events of both versions together to tell ±10 %: ln of a ratio of counts has the variance 1/x₁ + 1/x₀."""
    part = share / EVERYBODY
    return EVIDENCE / (log(1.0 + TELLS) ** 2 * part * (1.0 - part))


def told(plan: Plan) -> str:
    """What chooses and when, and what it can see; empty: nothing is chosen."""
    shown: Expose | None = None
    for step in plan.steps:
        if isinstance(step, Expose):
            shown = step
        if isinstance(step, Judge) and step.choose is not None and shown is not None:
            return _told(plan, step, step.choose, sight(plan, shown).share)
    return ""


def _told(plan: Plan, step: Judge, choose: Choose, share: int) -> str:
    new, old = plan.new.version, plan.old.version if plan.old is not None else "the old version"
    wins = f"{new} if {choose.measure} is shown to be {_wanted(choose)}, {old} if that is shown not to be so"
    most = step.at_most or timedelta(0)
    settings = plan.judge.measures.get(choose.measure) if plan.judge is not None else None
    events = count(int(round(needed(share), -2)))
    if settings is not None and settings.kind is Kind.MEAN:
        see = f"about {events} requests, if the values differ as much as their mean is large"
    else:
        see = f"about {events} {choose.measure} of both versions together"
    day = count(int(round(needed(share) / max(most / timedelta(days=1), 1e-9), -1)))
    rate = f" ({day} a day for {show_duration(most)})" if most >= timedelta(days=1) else ""
    return f"{wins}; to tell ±{TELLS * 100:.0f} % takes {see}{rate}; at most 5 % of all tests choose wrongly"


def _wanted(choose: Choose) -> str:
    if choose.line == 1.0:
        return "better"
    if choose.line > 1.0:
        return f"better by more than {(choose.line - 1.0) * 100:g} %"
    return f"worse by less than {(1.0 - choose.line) * 100:g} %"


def stops(plan: Plan, step: Judge, choose: Choose) -> str:
    """What else than being worse takes it back, and what comes of the horizon."""
    old = plan.old.version if plan.old is not None else "the old version"
    within = show_duration(step.at_most) if step.at_most is not None else "its time"
    match choose.no_winner:
        case NoWinner.OLD:
            then = "goes back"
        case NoWinner.NEW:
            then = f"{plan.new.version} stays"
        case NoWinner.ASK:
            then = "a person chooses"
        case _:
            assert_never(choose.no_winner)
    return f"{old} wins by {choose.measure}; no winner after {within}: {then}"


def title(plan: Plan, choose: Choose) -> str:
    old = plan.old.version if plan.old is not None else "nothing"
    return f"Choose between {old} and {plan.new.version} by {choose.measure}"


def stands(state: State, step: Judge, choose: Choose, verdict: Verdict | None, now: datetime | None) -> str:
    """``2.0 conversions +4.0 % (−1.0 % … +9.0 %), about 3 days more``."""
    found = standing(choose, verdict)
    words = f"{state.plan.new.version}: {choose.measure} {figures(found)}"
    wrong = mismatched(state, choose, verdict)
    if wrong is not None:
        return f"{words}; {wrong}: nothing is chosen"
    if now is None:
        return words
    elapsed = now - state.entered
    left, horizon = remaining(choose, found, elapsed), (step.at_most or elapsed) - elapsed
    if left is None and found.middle is None:
        return words
    if left is None or left > horizon:
        return f"{words}, no winner before the horizon as it stands"
    least = max(left, step.at_least - elapsed)
    return f"{words}, about {lasting(least)} more" if least > timedelta(0) else words
