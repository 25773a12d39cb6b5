"""Why a rollout is where it is: sentences, from its events. What decided, and what would change it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import assert_never

from pilotage.core import events as e
from pilotage.core.judging import JudgeSettings, Measure, Outcome, Verdict
from pilotage.core.state import State, Status
from pilotage.core.steps import Judge
from pilotage.core.values import Frozen, Instant
from pilotage.views.figures import clock, counted, lasting, rate, times
from pilotage.views.ink import EMPTY, Line, Span, Tone, line, plain, span, wrap
from pilotage.views.rollout.coming import coming
from pilotage.views.rollout.judgement import lacking, told_name
from pilotage.views.rollout.making import headline
from pilotage.views.story import Moment, reason_given, tell
from pilotage.views.titles import CAUSE, exposure, version


class WhyView(Frozen):
    id: str
    service: str
    environment: str
    old: str | None
    new: str
    status: Status
    headline: str
    decided: tuple[str, ...]
    """What decided, most important first."""
    evidence: tuple[str, ...]
    """Figures, the output of what failed, the other side's words."""
    would_change: tuple[str, ...]
    """What would have changed the verdict, or would let it go on now."""
    by: str
    at: Instant
    """When that was decided."""
    moments: tuple[Moment, ...]
    """The events that say so."""


class _Answer(Frozen):
    decided: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    would_change: tuple[str, ...] = ()
    by: str = e.PILOTAGE
    at: Instant


def view_of(
    state: State, events: Sequence[e.Event], latest: Verdict | None = None, now: datetime | None = None
) -> WhyView:
    """``events`` are all of the rollout's, in order. ``latest``: of the last look, which is fresher than the
    verdict in the record while the judge does not know; what has been decided is told from the record alone."""
    if latest is not None and isinstance(state.step, Judge):
        state = state.model_copy(update={"verdict": latest})
    answer = _answer(state, events, now)
    plan = state.plan
    return WhyView(
        id=state.id,
        service=plan.service,
        environment=plan.environment,
        old=plan.old.version if plan.old else None,
        new=version(plan, plan.new.id),
        status=state.status,
        headline=headline(state),
        decided=answer.decided,
        evidence=tuple(filter(None, answer.evidence)),
        would_change=answer.would_change,
        by=answer.by,
        at=answer.at,
        moments=tuple(one for one in tell(plan, events) if one.kind in _TELLING and not one.detail),
    )


_TELLING = (
    "created", "exposed", "judged", "checked", "failed", "health-lost", "paused", "continued",
    "turned-back", "refused", "problem-raised", "promoted", "finished",
)  # fmt: skip


def _answer(state: State, events: Sequence[e.Event], now: datetime | None) -> _Answer:
    match state.status:
        case Status.ROLLING_BACK | Status.ROLLED_BACK:
            return _turned_back(state, events)
        case Status.VOID:
            ended = _last(events, e.Finished)
            return _Answer(
                decided=(f"It never began: {ended.why}.",),
                by=ended.by,
                at=ended.at,
                would_change=(_PLAN_AGAIN,),
            )
        case Status.QUEUED:
            return _Answer(decided=(_waiting(state, now),), at=state.created)
        case Status.SUCCEEDED:
            return _succeeded(state, events)
        case Status.RUNNING:
            return _succeeded(state, events) if state.warm else _running(state, events, now)
        case _:
            assert_never(state.status)


_PLAN_AGAIN = "Nothing was changed by it; `pilotage release` makes a new plan for what is live now."


def _last(events: Sequence[e.Event], kind: type[e.Finished]) -> e.Finished:
    return next(event for event in reversed(events) if isinstance(event, kind))


def _turned_back(state: State, events: Sequence[e.Event]) -> _Answer:
    turned = next(event for event in events if isinstance(event, e.TurnedBack))
    before = events[: events.index(turned)]
    verdict = next((one.verdict for one in reversed(before) if isinstance(one, e.Judged)), None)
    new = version(state.plan, state.plan.new.id)
    decided = [f"{new} was taken back because {CAUSE[turned.cause]}.", _exposed_then(state, before)]
    if turned.cause in (e.Cause.ASKED, e.Cause.SUPERSEDED):
        reason = reason_given(turned)
        decided.insert(1, _sentence(f"By {turned.by}" + (f": {reason}" if reason else "")))
        return _Answer(decided=tuple(decided), by=turned.by, at=turned.at, would_change=(_ASKED,))
    judged = turned.cause is e.Cause.JUDGED and verdict is not None
    evidence = _figures(verdict) if judged and verdict else _evidence(turned)
    return _Answer(
        decided=(
            decided[0],
            *(_sentence(why) for why in (turned.why if judged else turned.why[:1])),
            *decided[1:],
        ),
        evidence=evidence,
        would_change=_would_change(state, turned, verdict),
        by=turned.by,
        at=turned.at,
    )


_ASKED = "No measurement decided this; the same plan may be released again."


def _exposed_then(state: State, before: Sequence[e.Event]) -> str:
    """Who saw the new version when it was decided."""
    shown = next((one for one in reversed(before) if isinstance(one, e.Exposed)), None)
    new = version(state.plan, state.plan.new.id)
    if shown is None or state.exposed_at is None:
        return f"No user ever saw {new}."
    words = exposure(state.plan, shown.shares)
    turned = state.turned_back_at or state.exposed_at
    return f"At that time: {words}, {lasting(turned - state.exposed_at)} after the first user saw {new}."


def _evidence(turned: e.TurnedBack) -> tuple[str, ...]:
    """What the failing side said, without what the decision says already; each line once."""
    said = [*turned.why[1:], (turned.problem.why or "") if turned.problem else ""]
    return tuple(dict.fromkeys(row for text in said for row in text.strip().splitlines()))


def _figures(verdict: Verdict) -> tuple[str, ...]:
    looked = f"{counted(verdict.requests_new, 'request')} of the new version"
    against = f"{counted(verdict.requests_old, 'request')} of the old one"
    return (f"Compared: {looked}, {against}.", *(_figure(one, verdict) for one in verdict.measures))


def _figure(one: Measure, verdict: Verdict) -> str:
    old = f"old {rate(one.old)}, " if one.old is not None else ""
    new = f"new {rate(one.new)}" if one.new is not None else "new unknown"
    between = ""
    if one.low and one.high is None:
        between = f", at least {times(one.low)} the old one's"
    if one.low is not None and one.high is not None:
        between = f", {times(one.low)[:-2]} … {times(one.high)} the old one's"
    limit = f", limit {times(one.limit)}" if one.limit is not None else ""
    if one.ceiling is not None:
        limit = f", limit {rate(one.ceiling)}"
    decided = " (decided)" if one.name in verdict.blame else ""
    return f"{told_name(one.name)}: {old}{new}{between}{limit}{decided}"


def _would_change(state: State, turned: e.TurnedBack, verdict: Verdict | None) -> tuple[str, ...]:
    new = version(state.plan, state.plan.new.id)
    match turned.cause:
        case e.Cause.JUDGED:
            return tuple(_bound(state.plan.judge, one, new) for one in _blamed(verdict)) or (
                f"{new} no worse than the old version.",
            )
        case e.Cause.UNHEALTHY:
            return (f"An instance of {new} that stays healthy; `pilotage logs` shows what it wrote.",)
        case e.Cause.UNDECIDED:
            missing = [one.missing for one in verdict.measures if one.missing] if verdict else []
            more = (
                f"More traffic in that time ({'; '.join(missing)})" if missing else "More traffic in that time"
            )
            return (f"{more}, a longer `at_most`, or `undecided: hold`.",)
        case e.Cause.FAILED:
            mend = turned.problem.mend if turned.problem else None
            return (_sentence(mend or "The step done: see what it said"),)
        case e.Cause.ASKED | e.Cause.SUPERSEDED:
            return (_ASKED,)
        case _:
            assert_never(turned.cause)


def _blamed(verdict: Verdict | None) -> list[Measure]:
    return [one for one in verdict.measures if one.name in verdict.blame] if verdict else []


def _bound(settings: JudgeSettings | None, one: Measure, new: str) -> str:
    """The rate at which the measure would not have counted as worse."""
    name = told_name(one.name)
    if one.ceiling is not None:
        return f"{name}: {new} below {rate(one.ceiling)}."
    if settings is None or one.old is None:
        return f"{name}: {new} within its limit."
    errors = one.name == "errors"
    ratio = settings.error_ratio if errors else settings.latency_ratio
    excess = settings.error_excess if errors else settings.latency_excess
    most = rate(ratio * one.old + excess)
    margin = f"{times(ratio)} the old version's + {rate(excess)}"
    return f"{name}: {new} at or below about {most} of requests ({margin})."


def _succeeded(state: State, events: Sequence[e.Event]) -> _Answer:
    new = version(state.plan, state.plan.new.id)
    promoted = [event for event in events if isinstance(event, e.Promoted)]
    at = promoted[-1].at if promoted else state.finished or state.created
    decided = [f"{new} was promoted because every step of its plan held."]
    passes = [
        event for event in events if isinstance(event, e.Judged) and event.verdict.outcome is Outcome.PASS
    ]
    decided += [_sentence(why) for why in passes[-1].verdict.why] if passes else []
    decided += [
        f"{event.by} let it go on without waiting." for event in events if isinstance(event, e.Continued)
    ]
    if state.plan.judge is None:
        decided.append("Nothing was judged: only its health and its checks could have taken it back.")
    evidence = _figures(passes[-1].verdict) if passes else ()
    back = ("`pilotage rollback` takes the version before it back at any time.",) if state.plan.old else ()
    return _Answer(decided=tuple(decided), evidence=evidence, would_change=back, at=at)


def _running(state: State, events: Sequence[e.Event], now: datetime | None) -> _Answer:
    """What it waits for."""
    if state.paused_by is not None:
        paused = next(event for event in reversed(events) if isinstance(event, e.Paused))
        reason = f": {paused.reason}" if paused.reason else ""
        sentence = f"{paused.by} paused it{reason}."
        return _Answer(
            decided=(sentence,), would_change=("`pilotage resume` lets it go on.",), by=paused.by, at=paused.at
        )
    decided = [_waiting(state, now)]
    evidence: tuple[str, ...] = ()
    would = []
    if state.problem is not None:
        decided.insert(0, _sentence(state.problem.what))
        evidence = tuple((state.problem.why or "").strip().splitlines())
        would = [_sentence(state.problem.mend)] if state.problem.mend else []
    if isinstance(state.step, Judge) and state.verdict is not None:
        decided += [_sentence(why) for why in state.verdict.why if state.problem is None]
        evidence += _figures(state.verdict)
        would += [
            f"{told_name(one.name)}: {lacking(one.missing)}." for one in state.verdict.measures if one.missing
        ]
    return _Answer(decided=tuple(decided), evidence=evidence, would_change=tuple(would), at=state.entered)


def _waiting(state: State, now: datetime | None) -> str:
    following = coming(state, now)
    if following is None:
        return "It waits for nothing."
    at = f" {clock(following.at)} UTC" if following.at is not None else ""
    then = f"; then {following.then}" if following.then else ""
    return _sentence(f"{following.what}{at}{then}")


def _sentence(text: str) -> str:
    """A capital, and a full stop, if it has none."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?", "`")) else ".")


def as_text(view: WhyView, width: int = 100, zone: tzinfo = UTC) -> str:
    return plain(draw(view, width, zone=zone))


def draw(view: WhyView, width: int = 100, *, zone: tzinfo = UTC) -> list[Line]:
    old = (span(view.old, Tone.OLD), " → ") if view.old else ()
    where = (span(view.service, Tone.STRONG), " to ", span(view.environment, Tone.STRONG), ": ")
    what = span(f"   {view.id}", Tone.DIM)
    lines = wrap(line(*where, *old, span(view.new, Tone.NEW), what), width)
    lines += [*wrap(line(span(view.headline, Tone.STRONG)), width), EMPTY]
    for sentence in view.decided:
        lines += wrap(line(sentence), width)
    for label, told in (("Evidence", view.evidence), (_change_label(view), view.would_change)):
        if told:
            lines += [EMPTY, line(span(label, Tone.STRONG))]
            lines += [row for one in told for row in wrap(line("  ", one), width, 4)]
    lines += [EMPTY, line(span("What happened", Tone.STRONG))]
    for moment in view.moments:
        lines += wrap(line(_at(moment, zone), span(moment.text, moment.tone)), width, 12)
    return lines


def _at(moment: Moment, zone: tzinfo) -> Span:
    return span(f"  {clock(moment.at, zone)}  ", Tone.DIM)


def _change_label(view: WhyView) -> str:
    taken_back = view.status in (Status.ROLLED_BACK, Status.ROLLING_BACK)
    return "What would have changed it" if taken_back else "What would change it"
