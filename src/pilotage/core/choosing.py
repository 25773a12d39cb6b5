"""The choice at the end of an A/B test: which version the declared measure speaks for, or what is done without.

Everything rests on one number, how much better the new version does: new/old of the measure, turned round
where more is worse. The judge gives its confidence sequence (judge/confidence.py), so it may be looked at all
the time. The new version wins when all of the interval is above the line, the old one when all is below it.
"""

from __future__ import annotations

from datetime import timedelta
from math import exp, lgamma, log, sqrt
from typing import NamedTuple, assert_never

from pilotage.core import events as e
from pilotage.core import world
from pilotage.core.judging import Kind, Measure, Outcome, Verdict, Worse
from pilotage.core.notation import show_duration
from pilotage.core.settled import WAITING, Settled
from pilotage.core.sight import sight
from pilotage.core.state import State
from pilotage.core.steps import Choose, Judge, NoWinner
from pilotage.core.turn import TICK, Turn
from pilotage.core.values import EVERYBODY
from pilotage.errors import Problem

CONCENTRATION = 1000.0
"""How narrow the prior is around the planned share when the shares are compared."""
MISMATCHED = 0.001
"""The chance of a false alarm about the shares, over the whole test."""


class Standing(NamedTuple):
    """How many times as well the new version does, and between which bounds; None: not known, or unbounded."""

    middle: float | None = None
    low: float | None = None
    high: float | None = None


def standing(choose: Choose, verdict: Verdict | None) -> Standing:
    """Of the measure that decides."""
    found = next((one for one in verdict.measures if one.name == choose.measure), None) if verdict else None
    if found is None:
        return Standing()
    low, high = found.low or None, found.high
    middle = _ratio(found)
    if found.kind is Kind.MEAN and low is not None and high is not None:
        middle = sqrt(low * high)  # its figures are of the last seconds, its bounds of all
    if choose.worse is Worse.MORE:
        return Standing(_over(middle), _over(high), _over(low))
    return Standing(middle, low, high)


def _ratio(one: Measure) -> float | None:
    return one.new / one.old if one.new is not None and one.old else None


def _over(value: float | None) -> float | None:
    return 1.0 / value if value else None


def mismatch(requests_old: int, requests_new: int, share: int, each: float) -> float:
    """The p-value, valid at every look, of "the new version gets its share of users".

    ``share``: of the new version, in parts per million; ``each``: so many requests count as one user's. A
    Dirichlet mixture against the multinomial null: Lindon and Malek, *Anytime-Valid Inference for Multinomial
    Count Data*, NeurIPS 2022, equation 6.
    """
    part = share / EVERYBODY
    if not 0.0 < part < 1.0:
        return 1.0
    new, old = requests_new / each, requests_old / each
    a, b = CONCENTRATION * part, CONCENTRATION * (1.0 - part)
    found = _beta(a + new, b + old) - _beta(a, b) - new * log(part) - old * log(1.0 - part)
    return min(1.0, exp(-max(found, 0.0)))


def _beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def mismatched(state: State, choose: Choose, verdict: Verdict | None) -> str | None:
    """Why the comparison itself is not to be trusted; None: as far as one can see it is."""
    if verdict is None:
        return None
    share = sight(state.plan, world.exposure(state)).share
    new, old = verdict.requests_new, verdict.requests_old
    if mismatch(old, new, share, choose.each) >= MISMATCHED:
        return None
    got, wanted = new / (new + old) * 100.0, share / EVERYBODY * 100.0
    return f"the new version has {got:.1f} % of the requests in place of {wanted:.1f} %"


def settle(turn: Turn, step: Judge, choose: Choose) -> Settled:
    """Goes on for everybody when the new version is chosen; turns back when the old one is."""
    state, version = turn.state, turn.state.plan.new.version
    if state.continued or state.continue_all:
        why = f": {state.continue_reason}" if state.continue_reason else ""
        return Settled(done=True, note=f"{state.continued_by} chose {version}{why}")
    turn.wake_in(TICK)
    waited, verdict = turn.now - state.entered, turn.fresh_verdict
    if waited < step.at_least:
        return WAITING
    wrong = mismatched(state, choose, verdict)
    if wrong is not None:
        return _not_trusted(turn, wrong)
    winner = _winner(choose, standing(choose, verdict)) if verdict and not verdict.missing else None
    if winner is not None:
        return _won(turn, choose, winner_is_new=winner == "new")
    if step.at_most is not None and waited >= step.at_most:
        return _no_winner(turn, step.at_most, choose)
    return WAITING


def _winner(choose: Choose, now: Standing) -> str | None:
    if now.low is not None and now.low > choose.line:
        return "new"
    return "old" if now.high is not None and now.high < choose.line else None


def _won(turn: Turn, choose: Choose, *, winner_is_new: bool) -> Settled:
    verdict, plan = turn.fresh_verdict, turn.state.plan
    told = f"{choose.measure} {figures(standing(choose, verdict))}"
    if not winner_is_new:
        old = plan.old.version if plan.old else "the old version"
        _keep(turn)
        turn.turn_back(e.Cause.CHOSEN, f"{told}: {old} was chosen")
        return WAITING
    if not _passed(verdict):
        return _doubtful(turn, verdict)
    _keep(turn)
    return Settled(done=True, note=f"{told}: {plan.new.version} was chosen", inputs=turn.seen.inputs)


def _passed(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.outcome is Outcome.PASS


def _keep(turn: Turn) -> None:
    """The figures that the choice rests on, for whoever asks why."""
    if turn.fresh_verdict is not None:
        turn.record(e.Judged(at=turn.now, verdict=turn.fresh_verdict, inputs=turn.seen.inputs))


def _no_winner(turn: Turn, horizon: timedelta, choose: Choose) -> Settled:
    verdict = turn.fresh_verdict
    what = f"no winner within {show_duration(horizon)}"
    why = f"{choose.measure} {figures(standing(choose, verdict))}"
    match choose.no_winner:
        case NoWinner.OLD:
            _keep(turn)
            turn.turn_back(e.Cause.CHOSEN, f"{what}: {why}", "the plan says that the old version stays then")
            return WAITING
        case NoWinner.NEW if _passed(verdict):
            _keep(turn)
            note = f"{what}: {why}; {turn.state.plan.new.version} was chosen, as the plan says"
            return Settled(done=True, note=note, inputs=turn.seen.inputs)
        case NoWinner.NEW:
            return _doubtful(turn, verdict)
        case NoWinner.ASK:
            mend = "choose: `pilotage promote` for the new version, `pilotage rollback` for the old one"
            turn.trouble(
                Problem(code="rollout.no-winner", what=f"{what}: a person chooses", why=why, mend=mend)
            )
            return WAITING
        case _:
            assert_never(choose.no_winner)


def _doubtful(turn: Turn, verdict: Verdict | None) -> Settled:
    """It would be chosen, but the judge has not said that it is well otherwise."""
    why = "; ".join(verdict.why) if verdict is not None else "no telemetry"
    mend = "wait, or decide yourself: `pilotage promote` or `pilotage rollback`"
    what = f"{turn.state.plan.new.version} would be chosen, and is not known to be sound: holding"
    turn.trouble(Problem(code="rollout.not-sound", what=what, why=why, mend=mend))
    return WAITING


def _not_trusted(turn: Turn, wrong: str) -> Settled:
    why = "what separates users unevenly (a redirect, a cache, lost answers) also spoils the comparison"
    mend = "find out why; then `pilotage promote` or `pilotage rollback` chooses"
    what = f"{wrong}: nothing is chosen"
    turn.trouble(Problem(code="rollout.share-mismatch", what=what, why=why, mend=mend))
    return WAITING


def remaining(choose: Choose, now: Standing, elapsed: timedelta) -> timedelta | None:
    """About how much longer until it is decided if all stays as it is; None: not known.

    An interval narrows about as the root of the time, so the bound that is in the way has come close enough
    when its distance from the middle is no more than the line's.
    """
    if now.middle is None or now.low is None or now.high is None or elapsed <= timedelta(0):
        return None
    near = now.low if now.middle > choose.line else now.high
    reach, wanted = abs(log(now.middle / near)) if now.middle > 0.0 else 0.0, _distance(choose, now.middle)
    if reach == 0.0 or wanted < reach / 100.0:
        return None
    return max(elapsed * ((reach / wanted) ** 2 - 1.0), timedelta(0))


def _distance(choose: Choose, middle: float) -> float:
    return abs(log(middle / choose.line)) if middle > 0.0 else 0.0


def figures(now: Standing) -> str:
    """``+4.0 % (-1.0 % … +9.0 %)``: how much better the new version does."""
    if now.middle is None:
        return "is not known yet"
    return f"{_signed(now.middle)} ({_signed(now.low)} … {_signed(now.high)})"


def _signed(ratio: float | None) -> str:
    if ratio is None:
        return "?"
    return f"{(ratio - 1.0) * 100.0:+.1f} %".replace("-", "−")
