"""The gate of a parallel run: when answers have been compared enough, and who has signed the report off.

Missing comparisons hold. What was recorded as reconciled is exactly what a person signs: by its digest.
"""

from __future__ import annotations

from datetime import timedelta

from pilotage.core import events as e
from pilotage.core.comparing import Reconciliation
from pilotage.core.judging import Outcome
from pilotage.core.notation import show_duration
from pilotage.core.state import State
from pilotage.core.steps import Differing, Mirror, Undecided
from pilotage.core.turn import SOON, TICK, Turn
from pilotage.errors import Problem

SILENT_AFTER = timedelta(seconds=20)
"""So long after the router confirmed, a report that is not there is told as a trouble."""


def settle(turn: Turn, step: Mirror) -> str | None:
    """A note when the step holds; None while it does not. Turns back when it cannot any more."""
    if not turn.confirmed or turn.wanted.mirror is None:
        _not_confirmed(turn, step)
        return None
    seen = turn.seen.router.mirrored if turn.seen.router is not None else None
    turn.wake_in(TICK)
    if seen is not None and _ends(turn, step, seen):
        return None
    _silence(turn, seen)
    report = turn.state.reconciled
    if report is None:
        return None
    if turn.state.signed_off == report.digest:
        return f"{_told(report)}, signed off"
    if report.outcome is Outcome.PASS and not step.sign_off:
        return _told(report)
    if report.outcome is not Outcome.PASS:
        turn.trouble(_to_be_read(turn, step, report))
    return None


def _not_confirmed(turn: Turn, step: Mirror) -> None:
    """No copies are made now, and users do not notice: only a refusal is final."""
    turn.wake_in(SOON)
    router, intent = turn.seen.router, turn.state.intents.get("route")
    refused = router.rejected if router is not None else None
    if refused is not None and intent is not None and intent.done and intent.value == turn.wanted.revision:
        turn.turn_back(e.Cause.FAILED, *filter(None, (refused.what, refused.why)), problem=refused)
    elif _elapsed(turn) >= step.timeout:
        what = "no copies of requests are made: holding"
        mend = "`pilotage doctor` looks further; users are not affected"
        turn.trouble(Problem(code="rollout.not-mirrored", what=what, mend=mend))


def _elapsed(turn: Turn) -> timedelta:
    return turn.now - turn.state.entered


def _ends(turn: Turn, step: Mirror, seen: Reconciliation) -> bool:
    """Records a report when it is due; whether the rollout turned back because of it."""
    if seen.outcome is Outcome.FAIL:
        _record(turn, seen)
        if step.differing is Differing.ROLLBACK:
            turn.turn_back(e.Cause.DIFFERENT, *seen.why)
        return step.differing is Differing.ROLLBACK
    passed = seen.outcome is Outcome.PASS and seen.compared >= step.requests
    if passed and _elapsed(turn) >= step.at_least:
        _record(turn, seen)
    elif not passed and step.at_most is not None and _elapsed(turn) >= step.at_most:
        if step.undecided is Undecided.ROLLBACK and not _signed(turn.state):
            what = f"too little was compared within {show_duration(step.at_most)}"
            _record(turn, seen)
            turn.turn_back(e.Cause.UNDECIDED, what, seen.missing)
            return True
        _record(turn, seen)
    return False


def _record(turn: Turn, seen: Reconciliation) -> None:
    """Once for each outcome: a report that is being read must not change under the reader's eyes."""
    before = turn.state.reconciled
    if before is None or before.outcome is not seen.outcome:
        turn.record(e.Reconciled(at=turn.now, report=seen, digest=seen.digest))


def _signed(state: State) -> bool:
    return state.reconciled is not None and state.signed_off == state.reconciled.digest


def _told(report: Reconciliation) -> str:
    return f"{report.compared} answers compared, {report.different} differ"


def _silence(turn: Turn, seen: Reconciliation | None) -> None:
    if seen is None and _elapsed(turn) >= SILENT_AFTER:
        what = "answers are not being compared: holding"
        mend = "see whether the comparing process runs (`pilotage doctor`); users are not affected"
        turn.trouble(Problem(code="rollout.not-compared", what=what, mend=mend))


def _to_be_read(turn: Turn, step: Mirror, report: Reconciliation) -> Problem:
    if report.outcome is Outcome.FAIL:
        what, why = "answers differ: holding", "; ".join(report.why)
    else:
        within = show_duration(step.at_most) if step.at_most is not None else "the time"
        what, why = f"too little was compared within {within}: holding", report.missing
    mend = f"read it with `pilotage report {turn.state.id}`; then `pilotage sign-off` or `pilotage abort`"
    return Problem(code="rollout.to-be-read", what=what, why=why, mend=mend)


def only_signed(state: State) -> str | None:
    """Why a person cannot just let the current step go on; None: it is none that is signed off."""
    step = state.step
    if state.back or not isinstance(step, Mirror):
        return None
    if not step.sign_off:
        return "a parallel run ends by its figures, or with `pilotage abort`"
    return "its report has to be signed off: `pilotage report` shows it, `pilotage sign-off` signs it"


def cannot_sign(state: State, digest: str) -> str | None:
    """Why this report cannot be signed off now; None: it can."""
    step = state.step
    if state.back or not isinstance(step, Mirror):
        return "there is no parallel run to sign off now"
    if not step.sign_off:
        return "this plan asks for no sign-off"
    if state.reconciled is None:
        return "there is no final report yet: `pilotage report` shows what is missing"
    if digest != state.reconciled.digest:
        return f"the report to be signed off is {state.reconciled.digest[:19]}…, read that one"
    return None
