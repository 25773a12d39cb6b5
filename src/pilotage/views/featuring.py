"""Words about a feature and its flag, for the plan, the story and the looks of a rollout."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pilotage.core import events as e
from pilotage.core.flags import FlagRule
from pilotage.core.judging import Verdict
from pilotage.core.plan import Plan
from pilotage.core.state import State
from pilotage.core.steps import Flag, Step
from pilotage.core.values import EVERYBODY
from pilotage.views.figures import clock, count, counted, lasting, percent
from pilotage.views.ink import Tone


def flag_title(step: Flag) -> str:
    """``Turn new-checkout on for 10 % of users``."""
    flag = step.flag
    if not isinstance(flag, FlagRule):
        return (
            f"Put the flag {flag.key} back as it was" if flag.exists else f"Take the flag {flag.key} away again"
        )
    if flag.nobody:
        return f"Turn {flag.key} off"
    if flag.share == EVERYBODY:
        return f"Turn {flag.key} on for everybody"
    others = " and its segments" if len(flag.segments) > 1 else " and its segment" if flag.segments else ""
    return f"Turn {flag.key} on for {percent(flag.share)} of users{others}"


def shown_share(step: Step) -> int | None:
    """Of the users who have the feature after this step; None: as before."""
    return step.flag.share if isinstance(step, Flag) else None


def alone(plan: Plan, index: int) -> bool:
    """Whether everybody has the feature at this forward step: nobody is left without it to compare with."""
    ramps = [step for step in plan.steps[:index] if isinstance(step, Flag)]
    return bool(ramps) and ramps[-1].flag.share == EVERYBODY


def judging(feature: FlagRule, *, alone: bool) -> str:
    """The title of a Judge step."""
    if alone:
        return f"Judge {feature.key} against the error limit"
    return f"Judge users with {feature.key} against those without"


def event_words(event: e.Ramped | e.FlagDrifted) -> tuple[str, Tone]:
    """What happened, as a sentence."""
    if isinstance(event, e.FlagDrifted):
        return f"The flag {event.flag} was something else than was confirmed: mending it", Tone.WARN
    who = f"on for {percent(event.share)} of users" if event.share else "off"
    first = ", the first users have it" if event.first else ""
    return f"Confirmed: {event.flag} is {who}{first}", Tone.STRONG


def running(state: State, feature: FlagRule) -> str:
    """Who has the feature now."""
    if state.flagged_at is None:
        return f"{feature.key} is off for everybody"
    return f"{feature.key} is on for {percent(state.flag_share)} of users"


def ended(state: State) -> str:
    """What a way back that ended early has left: a clause for the headline."""
    if not state.stays or state.plan.feature is None:
        return ""
    return f": {state.plan.new.version} stays, with {state.plan.feature.key} off"


def way_back(state: State, feature: FlagRule) -> str:
    """What could be done now."""
    version = state.plan.old.version if state.plan.old else None
    if state.promoted != state.plan.new.id:
        before = f"everybody to {version}" if version else "nothing ran before: nobody is served then"
        return f"{before}: `pilotage abort` or `pilotage rollback`"
    if not state.plan.dark:
        return f"{feature.key} off at once, then back to {version}: `pilotage abort` or `pilotage rollback`"
    more = f"; `pilotage rollback`: also back to {version}" if version else ""
    return f"{feature.key} off at once: `pilotage abort`{more}"


def compared(feature: FlagRule, verdict: Verdict, at: datetime, before: Sequence[e.Event]) -> str:
    """What a verdict was about."""
    shown = next((one for one in reversed(before) if isinstance(one, e.Ramped)), None)
    since = f", since {clock(shown.at)} UTC ({lasting(at - shown.at)})" if shown else ""
    mine = f"{counted(verdict.requests_new, 'request')} of users with {feature.key}"
    if shown is not None and shown.share == EVERYBODY:
        return f"Looked at were {mine}{since}. Everybody has it: nobody is left without it to compare with."
    others = f"{count(verdict.requests_old)} of users without it"
    words = f", with {percent(shown.share)} of users having it" if shown else ""
    return f"Compared were {mine} with {others}{since}{words}."


def had_it(state: State, feature: FlagRule, before: Sequence[e.Event]) -> str:
    """Who had the feature when it was decided."""
    shown = next((one for one in reversed(before) if isinstance(one, e.Ramped) and one.share), None)
    if shown is None or state.flagged_at is None:
        return f"No user ever had {feature.key}."
    turned = state.turned_back_at or state.flagged_at
    lasted = lasting(turned - state.flagged_at)
    who = f"{percent(shown.share)} of users with {feature.key}"
    return f"At that time: {who}, {lasted} after the first one had it."


def to_off(turned: datetime, events: Sequence[e.Event]) -> timedelta | None:
    """From turning back to the confirmation that nobody has the feature any more."""
    off = (x.at for x in events if isinstance(x, e.Ramped) and x.at >= turned and not x.share)
    at = next(off, None)
    return at - turned if at is not None else None
