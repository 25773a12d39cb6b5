"""A verdict in three sentences, without statistics: what was compared, what was found, what follows."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import assert_never

from pilotage.core import events as e
from pilotage.core.judging import JudgeSettings, Kind, Measure, Outcome, Role, Verdict
from pilotage.core.plan import Plan
from pilotage.core.values import EVERYBODY, Frozen, Instant
from pilotage.views import featuring
from pilotage.views.figures import amount, between, clock, count, counted, lasting, multiple, rate
from pilotage.views.margins import Lines, lines_of
from pilotage.views.rollout.judgement import lacking, told_name
from pilotage.views.titles import exposure, version


class Told(Frozen):
    compared: str
    found: str
    follows: str
    more: tuple[str, ...] = ()
    """Telemetry that is missing, and measures that are only watched and would have taken it back."""


def told(plan: Plan, verdict: Verdict, at: Instant, before: Sequence[e.Event], *, over: bool = False) -> Told:
    """``at`` is when it was said; ``before`` are the rollout's events until then; ``over``: it was the last."""
    return Told(
        compared=_compared(plan, verdict, at, before),
        found=_found(plan, verdict),
        follows=_follows(plan, verdict, over=over),
        more=(*_missing(verdict), *_dry_run(plan, verdict)),
    )


# What was compared


def _compared(plan: Plan, verdict: Verdict, at: Instant, before: Sequence[e.Event]) -> str:
    if plan.feature is not None:
        return featuring.compared(plan.feature, verdict, at, before)
    new = version(plan, plan.new.id)
    mine = f"{counted(verdict.requests_new, 'request')} of {new}"
    shown = next((one for one in reversed(before) if isinstance(one, e.Exposed)), None)
    since = f", since {clock(shown.at)} UTC ({lasting(at - shown.at)})" if shown else ""
    if plan.old is None or (shown is not None and shown.shares.get(plan.new.id) == EVERYBODY):
        return f"Looked at were {mine}{since}. It has all the traffic: nothing is left to compare it with."
    words = f", with {exposure(plan, shown.shares, groups=shown.groups)}" if shown else ""
    return f"Compared were {mine} with {count(verdict.requests_old)} of {plan.old.version}{since}{words}."


# What was found


def _found(plan: Plan, verdict: Verdict) -> str:
    new = version(plan, plan.new.id)
    alpha = plan.judge.false_rollback if plan.judge else JudgeSettings().false_rollback
    match verdict.outcome:
        case Outcome.FAIL:
            return _worse(plan, verdict, new, alpha)
        case Outcome.PASS:
            beta = plan.judge.false_pass if plan.judge else JudgeSettings().false_pass
            names = [one for one in verdict.measures if one.name in verdict.blame] or list(verdict.measures)
            figures = "; ".join(_figures(one, new, plan.judge, fine=True) for one in names)
            shown = "Shown to be good enough" if len(names) < 2 else "Each is shown to be good enough"
            return f"{_capital(figures)}. {shown}: evidence 1:{_odds(beta, 1.0)} or more against “too bad”."
        case Outcome.UNDECIDED:
            return _unknown(plan, verdict, new, alpha)
        case _:
            assert_never(verdict.outcome)


def _worse(plan: Plan, verdict: Verdict, new: str, alpha: float) -> str:
    blamed = [one for one in verdict.measures if one.name in verdict.blame]
    if not blamed:
        return _sentences(verdict.why) or "It was judged worse."
    figures = "; ".join(_figures(one, new, plan.judge) for one in blamed)
    together = " together" if len(blamed) > 1 and all(one.against < 1 for one in blamed) else ""
    odds = _odds(alpha, 1.0)
    absolute = all(one.ceiling is not None for one in blamed)
    claim, such = ("within the limit", "within it") if absolute else ("not worse", "that is not worse")
    chance = f"a version {such} comes to that in at most 1 of {odds} rollouts"
    return f"{_capital(figures)}. The evidence{together} is 1:{odds} or more against “{claim}”: {chance}."


def _unknown(plan: Plan, verdict: Verdict, new: str, alpha: float) -> str:
    held = [why for why in verdict.why if _is_reason(why, verdict)]
    telling = _most_telling(verdict)
    figures = ""
    if telling is not None:
        so_far = f"1:{_odds(alpha, telling.against)} against “not worse”, of the 1:{_odds(alpha, 1.0)} it takes"
        figures = f"{_capital(_figures(telling, new, plan.judge))}. Not known yet: the evidence is {so_far}."
    reason = _sentences(held)
    return " ".join(filter(None, (reason, figures))) or "Nothing is known yet."


def _is_reason(why: str, verdict: Verdict) -> bool:
    """Why it holds whatever the figures are; not a measure's figures, which are told anyhow."""
    return not why.startswith(("dry run", *(f"{one.name}: " for one in verdict.measures)))


def _most_telling(verdict: Verdict) -> Measure | None:
    """The one that is nearest to taking back; else the one that lacks most for going on."""
    known = [one for one in verdict.measures if one.new is not None and one.role is not Role.WATCH]
    return max(known, key=lambda one: (one.against, -one.for_), default=None)


def _figures(one: Measure, new: str, settings: JudgeSettings | None, *, fine: bool = False) -> str:
    """``errors: 4.1 % with 2.0, 0.02 % with the old version; … 38 … 410 × the old one's …; the limit is …``.

    ``fine``: the limit within which it may go on, instead of the one beyond which it is worse.
    """
    figures = f"{told_name(one.name)}: {_amount(one.new, one.kind)} with {new}"
    if one.ceiling is not None:
        return f"{figures}; the limit is {amount(one.ceiling, one.kind)}"
    if one.old is not None:
        figures += f", {_amount(one.old, one.kind)} with the old version"
    bounds = between(one.low, one.high)
    sure = f"; over the whole rollout {bounds} the old one's (95 % confidence)" if bounds else ""
    limit = _limit(lines_of(settings, one), fine=fine)
    return f"{figures}{sure}{f'; the limit is {limit}' if limit else ''}"


def _limit(lines: Lines, *, fine: bool) -> str:
    """``1.1 × + 0.010 %``."""
    ratio, excess = (lines.pass_ratio, lines.pass_excess) if fine else (lines.ratio, lines.excess)
    return f"{multiple(ratio)}{f' + {rate(excess)}' if excess else ''}" if ratio is not None else ""


def _amount(value: float | None, kind: Kind) -> str:
    return "unknown" if value is None else amount(value, kind)


def _odds(chance: float, part: float) -> str:
    """Evidence, as the other side of ``1 :``; ``part`` of the logarithm of what is needed."""
    odds = (1 / chance) ** min(max(part, 0.0), 1.0)
    return f"{odds:.2g}" if odds < 10 else count(round(odds))


# What follows


def _follows(plan: Plan, verdict: Verdict, *, over: bool) -> str:
    new = version(plan, plan.new.id)
    match verdict.outcome:
        case Outcome.FAIL:
            blamed = [one for one in verdict.measures if one.name in verdict.blame]
            bounds = [would_be_within(plan.judge, one, verdict, new) for one in blamed]
            return " ".join(("So it is taken back.", *bounds))
        case Outcome.PASS:
            last = "may be promoted" if verdict.last else "may go on to the next step"
            return f"So {new} {last}."
        case Outcome.UNDECIDED:
            return _wanting(verdict, over=over)
        case _:
            assert_never(verdict.outcome)


def would_be_within(settings: JudgeSettings | None, one: Measure, verdict: Verdict, new: str) -> str:
    """The figure at which it would not have counted as worse; where it counts requests, their number too."""
    name = _capital(told_name(one.name))
    lines = lines_of(settings, one)
    bound = one.ceiling
    if bound is None and one.old is not None and lines.ratio is not None:
        bound = lines.ratio * one.old + lines.excess
    if bound is None:
        return f"{name}: {new} within its limit would have gone on."
    side = "at least" if lines.less else "at most"
    within = f"{name}: {side} {amount(bound, one.kind)} would have been within the limit"
    return f"{within}{_number(one, bound, verdict)}."


def _number(one: Measure, bound: float, verdict: Verdict) -> str:
    """As requests. Errors only: what others count is not told."""
    if one.name not in ("errors", "disaster", "error limit") or one.new is None or not verdict.requests_new:
        return ""
    most, were = floor(bound * verdict.requests_new), round(one.new * verdict.requests_new)
    if most >= were:
        return ""
    return f", {count(most)} failures in {counted(verdict.requests_new, 'request')}; there were {count(were)}"


HELD = "So nothing goes on; it does by itself when that is over. What is shown to be worse is still taken back."


def _wanting(verdict: Verdict, *, over: bool) -> str:
    if not over and any(why.endswith("holding") for why in verdict.why):
        return HELD
    so = "So it was not known in time" if over else "So it waits"
    wanting = sorted((one for one in verdict.measures if one.missing), key=lambda one: one.for_)
    named = "; ".join(f"{told_name(one.name)} {lacking(one.missing)}" for one in wanting[:2])
    return f"{so}: {named}." if named else f"{so}."


# What else is to be known


def _missing(verdict: Verdict) -> tuple[str, ...]:
    if not verdict.missing:
        return ()
    words = "; ".join(verdict.missing)
    return (f"Telemetry is missing: {words}. What is not known lets nothing go on.",)


def _dry_run(plan: Plan, verdict: Verdict) -> tuple[str, ...]:
    new = version(plan, plan.new.id)
    watched = [one for one in verdict.measures if one.role is Role.WATCH and one.against >= 1.0]
    return tuple(
        f"Dry run, it decided nothing: {_figures(one, new, plan.judge)}; by this it would have been taken back."
        for one in watched
    )


def _sentences(words: Sequence[str]) -> str:
    return " ".join(f"{_capital(one)}." for one in words if one)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
