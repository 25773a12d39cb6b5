"""A parallel run in words: what would stop it, what it waits for, what happened."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from pilotage.core import events as e
from pilotage.core.judging import Outcome
from pilotage.core.notation import show_duration
from pilotage.core.plan import Plan
from pilotage.core.state import State
from pilotage.core.steps import Differing, Mirror, Undecided
from pilotage.views.figures import count, counted, percent
from pilotage.views.ink import Tone
from pilotage.views.titles import version

_THEN = {
    Differing.ROLLBACK: "goes back",
    Differing.HOLD: "waits for a person",
    Undecided.ROLLBACK: "goes back",
    Undecided.HOLD: "waits for a person",
}


def stops(plan: Plan, step: Mirror) -> str:
    """What keeps a plan from going on here."""
    most = f"{step.mirroring.most:.4%}".rstrip("0%").rstrip(".") + " %"
    new = version(plan, plan.new.id)
    told = [f"{new} is shown to answer differently, beyond noise, in more than {most}: {_THEN[step.differing]}"]
    if step.at_most is not None:
        told.append(f"too little compared after {show_duration(step.at_most)}: {_THEN[step.undecided]}")
    if step.sign_off:
        told.append("nobody signs the report off: waits")
    return "; ".join(told)


def load(plan: Plan, step: Mirror) -> str:
    """What copies cost the versions that are asked."""
    old, new = version(plan, plan.old.id) if plan.old else "", version(plan, plan.new.id)
    part = percent(step.mirroring.share)
    if step.mirroring.writes:
        return f"Three isolated copies get {part} of all requests: see that each has data of its own, and room."
    return f"{old} is asked {part} of the safe requests twice more, {new} once: see that both have the room."


def waits_for(state: State, step: Mirror, now: datetime | None) -> tuple[str, datetime | None, bool]:
    """What comes next, when (if that is known), and whether a person has to do it."""
    if state.reconciled is not None and step.sign_off:
        return "a person reads `pilotage report` and signs it off (`pilotage sign-off`)", None, True
    due = state.entered + step.at_least
    if now is not None and now < due:
        return f"answers to at least {counted(step.requests, 'request')} are compared, not before", due, False
    return f"answers to at least {counted(step.requests, 'request')} are compared", None, False


def reconciled(event: e.Reconciled) -> tuple[str, Tone]:
    """The sentence for the timeline."""
    report = event.report
    compared = f"{count(report.compared)} answers compared, {count(report.different)} differ"
    match report.outcome:
        case Outcome.PASS:
            return f"Reconciled: {compared}; report {event.digest[:19]}", Tone.GOOD
        case Outcome.FAIL:
            why = report.why[0] if report.why else ""
            return f"Answers differ: {compared}; {why}", Tone.BAD
        case Outcome.UNDECIDED:
            return f"Not compared enough: {compared}; report {event.digest[:19]}", Tone.WARN
        case _:
            assert_never(report.outcome)


def signed_off(event: e.SignedOff) -> str:
    reason = f": {event.reason}" if event.reason else ""
    return f"{event.by} signed off the report {event.digest[:19]}{reason}"
