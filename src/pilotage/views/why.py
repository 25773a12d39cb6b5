"""Why a rollout is where it is: sentences, from its events only. What decided, and what would change it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import assert_never

from pilotage.core import events as e
from pilotage.core.environment import Glance
from pilotage.core.judging import Measure, Outcome, Role, Verdict
from pilotage.core.state import State, Status
from pilotage.core.steps import Judge
from pilotage.core.values import Frozen, Instant
from pilotage.views import featuring
from pilotage.views.chart import Chart
from pilotage.views.chart import draw as draw_chart
from pilotage.views.figures import amount, between, clock, lasting, multiple
from pilotage.views.ink import EMPTY, Line, Span, Tone, line, plain, span, wrap
from pilotage.views.rollout.coming import coming
from pilotage.views.rollout.judgement import lacking, told_name
from pilotage.views.rollout.making import headline
from pilotage.views.story import Moment, reason_given, tell
from pilotage.views.titles import CAUSE, exposure, version
from pilotage.views.verdict import Told, told, would_be_within


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
    verdict: Told | None = None
    """The judge's last word, where there is one: what was compared, what was found, what follows."""
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
    verdict: Told | None = None
    evidence: tuple[str, ...] = ()
    would_change: tuple[str, ...] = ()
    by: str = e.PILOTAGE
    at: Instant


def view_of(
    state: State, events: Sequence[e.Event], glance: Glance | None = None, now: datetime | None = None
) -> WhyView:
    """``events`` are all of the rollout's, in order. ``glance`` is the last look, which is fresher than the
    verdict in the record while the judge does not know; what has been decided is told from the record alone."""
    answer = _answer(state, events, glance, now)
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
        verdict=answer.verdict,
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


def _answer(state: State, events: Sequence[e.Event], glance: Glance | None, now: datetime | None) -> _Answer:
    match state.status:
        case Status.ROLLING_BACK | Status.ROLLED_BACK:
            return _turned_back(state, events, glance)
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
            return _succeeded(state, events) if state.warm else _running(state, events, glance, now)
        case _:
            assert_never(state.status)


_PLAN_AGAIN = "Nothing was changed by it; `pilotage release` makes a new plan for what is live now."


def _last(events: Sequence[e.Event], kind: type[e.Finished]) -> e.Finished:
    return next(event for event in reversed(events) if isinstance(event, kind))


def _turned_back(state: State, events: Sequence[e.Event], glance: Glance | None) -> _Answer:
    turned = next(event for event in events if isinstance(event, e.TurnedBack))
    before = events[: events.index(turned)]
    judgement = _last_word(before, glance if turned.cause is e.Cause.UNDECIDED else None)
    verdict = judgement.verdict if judgement else None
    new = version(state.plan, state.plan.new.id)
    decided = [f"{new} was taken back because {CAUSE[turned.cause]}.", _exposed_then(state, before)]
    if turned.cause in (e.Cause.ASKED, e.Cause.SUPERSEDED):
        reason = reason_given(turned)
        decided.insert(1, _sentence(f"By {turned.by}" + (f": {reason}" if reason else "")))
        return _Answer(decided=tuple(decided), by=turned.by, at=turned.at, would_change=(_ASKED,))
    by_judge = turned.cause in (e.Cause.JUDGED, e.Cause.UNDECIDED, e.Cause.CHOSEN) and judgement is not None
    judged = turned.cause is e.Cause.JUDGED and verdict is not None
    return _Answer(
        decided=(
            decided[0],
            *(_sentence(why) for why in (() if judged else turned.why[:1])),
            *decided[1:],
        ),
        verdict=_told(state, judgement, before) if by_judge else None,
        evidence=_figures(verdict) if by_judge and verdict else _evidence(turned),
        would_change=_would_change(state, turned, verdict),
        by=turned.by,
        at=turned.at,
    )


def _last_word(events: Sequence[e.Event], glance: Glance | None) -> e.Judged | None:
    """The freshest verdict: an outcome is recorded once, its figures are seen at every look."""
    recorded = next((one for one in reversed(events) if isinstance(one, e.Judged)), None)
    if glance is None or glance.verdict is None:
        return recorded
    at = min(glance.at, events[-1].at) if isinstance(events[-1], e.TurnedBack) else glance.at
    return e.Judged(at=at, verdict=glance.verdict)


def _told(state: State, judgement: e.Judged | None, events: Sequence[e.Event]) -> Told | None:
    if judgement is None:
        return None
    before = [event for event in events if event.at <= judgement.at]
    return told(state.plan, judgement.verdict, judgement.at, before, over=state.cause is e.Cause.UNDECIDED)


def _with_notes(said: Told | None, glance: Glance | None) -> Told | None:
    """With what could not be used of the last look's telemetry."""
    if said is None or glance is None or not glance.notes:
        return said
    left_out = f"Of the telemetry was left out: {'; '.join(glance.notes)}."
    return said.model_copy(update={"more": (*said.more, left_out)})


_ASKED = "No measurement decided this; the same plan may be released again."


def _exposed_then(state: State, before: Sequence[e.Event]) -> str:
    """Who saw the new version when it was decided."""
    if state.plan.feature is not None and state.promoted:
        return featuring.had_it(state, state.plan.feature, before)
    shown = next((one for one in reversed(before) if isinstance(one, e.Exposed)), None)
    new = version(state.plan, state.plan.new.id)
    if shown is None or state.exposed_at is None:
        return f"No user ever saw {new}."
    words = exposure(state.plan, shown.shares, groups=shown.groups)
    turned = state.turned_back_at or state.exposed_at
    return f"At that time: {words}, {lasting(turned - state.exposed_at)} after the first user saw {new}."


def _evidence(turned: e.TurnedBack) -> tuple[str, ...]:
    """What the failing side said, without what the decision says already; each line once."""
    said = [*turned.why[1:], (turned.problem.why or "") if turned.problem else ""]
    return tuple(dict.fromkeys(row for text in said for row in text.strip().splitlines()))


def _figures(verdict: Verdict) -> tuple[str, ...]:
    return tuple(_figure(one, verdict) for one in verdict.measures)


def _figure(one: Measure, verdict: Verdict) -> str:
    old = f"old {amount(one.old, one.kind)}, " if one.old is not None else ""
    new = f"new {amount(one.new, one.kind)}" if one.new is not None else "new unknown"
    bounds = between(one.low, one.high)
    ratio = f", {bounds} the old one's" if bounds else ""
    limit = f", limit {multiple(one.limit)}" if one.limit is not None else ""
    if one.ceiling is not None:
        limit = f", limit {amount(one.ceiling, one.kind)}"
    dry = " (dry run)" if one.role is Role.WATCH else ""
    decided = " (decided)" if one.name in verdict.blame else dry
    return f"{told_name(one.name)}: {old}{new}{ratio}{limit}{decided}"


def _would_change(state: State, turned: e.TurnedBack, verdict: Verdict | None) -> tuple[str, ...]:
    new = version(state.plan, state.plan.new.id)
    match turned.cause:
        case e.Cause.JUDGED:
            return _within(state, verdict) or (f"{new} no worse than the old version.",)
        case e.Cause.DIFFERENT:
            return ("The same answers; or a rule under `compare` for what is meant to differ.",)
        case e.Cause.CHOSEN:
            return (f"A measure that speaks for {new}; `no_winner: new` keeps it when nothing is shown.",)
        case e.Cause.UNHEALTHY:
            return (f"An instance of {new} that stays healthy; `pilotage logs` shows what it wrote.",)
        case e.Cause.UNDECIDED:
            return (f"{_more_traffic(verdict)}, a longer `at_most`, or `undecided: hold`.",)
        case e.Cause.FAILED:
            mend = turned.problem.mend if turned.problem else None
            return (_sentence(mend or "The step done: see what it said"),)
        case e.Cause.ASKED | e.Cause.SUPERSEDED:
            return (_ASKED,)
        case _:
            assert_never(turned.cause)


def _more_traffic(verdict: Verdict | None) -> str:
    missing = [one.missing for one in verdict.measures if one.missing] if verdict else []
    return f"More traffic in that time ({'; '.join(missing)})" if missing else "More traffic in that time"


def _within(state: State, verdict: Verdict | None) -> tuple[str, ...]:
    """For each measure that decided, the figure at which it would not have counted as worse."""
    if verdict is None:
        return ()
    if "horizon" in verdict.blame:
        return (f"{_more_traffic(verdict)}, a longer `horizon`, or `at_horizon: hold`.",)
    new = version(state.plan, state.plan.new.id)
    blamed = [one for one in verdict.measures if one.name in verdict.blame]
    return tuple(would_be_within(state.plan.judge, one, verdict, new) for one in blamed)


def _succeeded(state: State, events: Sequence[e.Event]) -> _Answer:
    new = version(state.plan, state.plan.new.id)
    promoted = [event for event in events if isinstance(event, e.Promoted)]
    at = promoted[-1].at if promoted else state.finished or state.created
    decided = [f"{new} was promoted because every step of its plan held."]
    passes = [
        event for event in events if isinstance(event, e.Judged) and event.verdict.outcome is Outcome.PASS
    ]
    decided += [
        f"{event.by} let it go on without waiting." for event in events if isinstance(event, e.Continued)
    ]
    if state.plan.judge is None:
        decided.append("Nothing was judged: only its health and its checks could have taken it back.")
    evidence = _figures(passes[-1].verdict) if passes else ()
    back = ("`pilotage rollback` takes the version before it back at any time.",) if state.plan.old else ()
    verdict = _told(state, passes[-1], events) if passes else None
    return _Answer(decided=tuple(decided), verdict=verdict, evidence=evidence, would_change=back, at=at)


def _running(state: State, events: Sequence[e.Event], glance: Glance | None, now: datetime | None) -> _Answer:
    """What it waits for."""
    if state.paused_by is not None:
        paused = next(event for event in reversed(events) if isinstance(event, e.Paused))
        reason = f": {paused.reason}" if paused.reason else ""
        sentence = f"{paused.by} paused it{reason}."
        return _Answer(
            decided=(sentence,), would_change=("`pilotage resume` lets it go on.",), by=paused.by, at=paused.at
        )
    decided = [_waiting(state, now, glance.verdict if glance is not None else None)]
    would = []
    judgement = _last_word(events, glance) if isinstance(state.step, Judge) else None
    if state.problem is not None:
        decided.insert(0, _sentence(state.problem.what))
        would = [_sentence(state.problem.mend)] if state.problem.mend else []
    evidence = () if judgement or not state.problem else tuple((state.problem.why or "").strip().splitlines())
    if judgement is not None:
        evidence = _figures(judgement.verdict)
        measures = judgement.verdict.measures
        would += [f"{told_name(one.name)}: {lacking(one.missing)}." for one in measures if one.missing]
    return _Answer(
        decided=tuple(decided),
        verdict=_with_notes(_told(state, judgement, events), glance),
        evidence=evidence,
        would_change=tuple(would),
        at=state.entered,
    )


def _waiting(state: State, now: datetime | None, verdict: Verdict | None = None) -> str:
    following = coming(state, now, verdict)
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


CHART_FROM, CHART_WIDTH = 100, 80
"""A chart is drawn from this width of the terminal on, and so wide."""


def draw(view: WhyView, width: int = 100, *, zone: tzinfo = UTC, chart: Chart | None = None) -> list[Line]:
    """``chart``: of the measure that decided; only drawn where there is room for it."""
    old = (span(view.old, Tone.OLD), " → ") if view.old else ()
    where = (span(view.service, Tone.STRONG), " to ", span(view.environment, Tone.STRONG), ": ")
    what = span(f"   {view.id}", Tone.DIM)
    lines = wrap(line(*where, *old, span(view.new, Tone.NEW), what), width)
    lines += [*wrap(line(span(view.headline, Tone.STRONG)), width), EMPTY]
    for sentence in view.decided:
        lines += wrap(line(sentence), width)
    lines += _verdict(view, width)
    lines += _listed("Evidence", view.evidence, width)
    if chart is not None and width >= CHART_FROM:
        lines += [EMPTY, *draw_chart(chart, CHART_WIDTH)]
    told_already = view.verdict.follows if view.verdict else ""
    untold = [one for one in view.would_change if one not in told_already]
    lines += _listed(_change_label(view), untold, width)
    lines += [EMPTY, line(span("What happened", Tone.STRONG))]
    for moment in view.moments:
        lines += wrap(line(_at(moment, zone), span(moment.text, moment.tone)), width, 12)
    return lines


def _listed(label: str, rows: Sequence[str], width: int) -> list[Line]:
    if not rows:
        return []
    head = [EMPTY, line(span(label, Tone.STRONG))]
    return head + [row for one in rows for row in wrap(line("  ", one), width, 4)]


def _verdict(view: WhyView, width: int) -> list[Line]:
    """One paragraph a sentence; what is missing, and what was only watched, stands out."""
    said = view.verdict
    if said is None:
        return []
    lines = [EMPTY, line(span("The judge", Tone.STRONG))]
    for sentence in (said.compared, said.found, said.follows):
        lines += wrap(line("  ", sentence), width, 2)
    for more in said.more:
        lines += wrap(line("  ", span(more, Tone.WARN)), width, 2)
    return lines


def _at(moment: Moment, zone: tzinfo) -> Span:
    return span(f"  {clock(moment.at, zone)}  ", Tone.DIM)


def _change_label(view: WhyView) -> str:
    taken_back = view.status in (Status.ROLLED_BACK, Status.ROLLING_BACK)
    return "What would have changed it" if taken_back else "What would change it"
