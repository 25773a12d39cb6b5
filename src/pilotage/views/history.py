"""The rollouts of a service, the newest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo

from pilotage.core.events import Cause
from pilotage.core.state import State, Status
from pilotage.core.values import Duration, Frozen, Instant
from pilotage.views.figures import day, lasting
from pilotage.views.ink import Line, Span, Tone, line, plain, span, table
from pilotage.views.titles import STATUS, version


class PastRollout(Frozen):
    id: str
    service: str
    environment: str
    old: str | None
    new: str
    method: str
    status: Status
    released: bool
    """Its version was promoted and has not been taken back by the same rollout."""
    cause: Cause | None
    why: str
    by: str
    created: Instant
    finished: Instant | None
    took: Duration | None


class HistoryView(Frozen):
    rollouts: tuple[PastRollout, ...]


def view_of(states: Iterable[State], now: datetime) -> HistoryView:
    return HistoryView(rollouts=tuple(_past(state, now) for state in states))


def _past(state: State, now: datetime) -> PastRollout:
    plan = state.plan
    ended = state.finished or (None if state.status is Status.QUEUED else now)
    began = state.started or state.created
    return PastRollout(
        id=state.id,
        service=plan.service,
        environment=plan.environment,
        old=plan.old.version if plan.old else None,
        new=version(plan, plan.new.id),
        method=plan.method,
        status=state.status,
        released=state.promoted == plan.new.id and not state.back,
        cause=state.cause,
        why=state.why[0].strip().splitlines()[0] if state.why and state.why[0].strip() else "",
        by=state.by,
        created=state.created,
        finished=state.finished,
        took=max(ended - began, timedelta(0)) if ended else None,
    )


_TONE = {
    Status.QUEUED: Tone.WARN,
    Status.RUNNING: Tone.NEW,
    Status.ROLLING_BACK: Tone.BAD,
    Status.SUCCEEDED: Tone.GOOD,
    Status.ROLLED_BACK: Tone.BAD,
    Status.VOID: Tone.DIM,
}


def as_text(view: HistoryView, width: int = 100, zone: tzinfo = UTC) -> str:
    return plain(draw(view, width, zone=zone))


def draw(view: HistoryView, width: int = 100, *, zone: tzinfo = UTC) -> list[Line]:
    if not view.rollouts:
        return [line("Nothing was released yet: `pilotage release VERSION` does it.")]
    heads = ["when", "rollout", "environment", "version", "method", "end", "took", "by"]
    rows = [[span(head, Tone.DIM) for head in heads], *(_row(one, zone) for one in view.rollouts)]
    kept = _columns(width)
    return table([[row[i] for i in kept] for row in rows], width, indent=0)


def _columns(width: int) -> list[int]:
    """What a narrow screen shows is still enough to go on with."""
    if width >= 116:
        return [0, 1, 2, 3, 4, 5, 6, 7]
    if width >= 90:
        return [0, 1, 3, 5, 6]
    return [1, 3, 5]


_CAUSE = {
    Cause.JUDGED: "judged worse",
    Cause.UNHEALTHY: "not healthy",
    Cause.FAILED: "a step failed",
    Cause.UNDECIDED: "not decided",
    Cause.DIFFERENT: "answers differ",
    Cause.CHOSEN: "old version chosen",
    Cause.ASKED: "asked for",
    Cause.SUPERSEDED: "superseded",
}


def _end(one: PastRollout) -> Span:
    if one.released and one.status is Status.RUNNING:
        return span("released, old one warm", Tone.GOOD)
    cause = f": {_CAUSE[one.cause]}" if one.cause else ""
    return span(STATUS[one.status] + cause, _TONE[one.status])


def _row(one: PastRollout, zone: tzinfo) -> list[Span]:
    versions = f"{one.old} → {one.new}" if one.old else one.new
    return [
        span(day(one.created, zone), Tone.DIM),
        span(one.id, Tone.PLAIN),
        span(one.environment, Tone.PLAIN),
        span(versions, Tone.STRONG),
        span(one.method, Tone.DIM),
        _end(one),
        span(lasting(one.took) if one.took is not None else "", Tone.DIM),
        span(one.by, Tone.DIM),
    ]
