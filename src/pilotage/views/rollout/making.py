"""From what happened and what was last seen, to what there is to see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pilotage.core import events as e
from pilotage.core import world
from pilotage.core.comparing import Reconciliation
from pilotage.core.environment import Glance
from pilotage.core.fleet import Instance
from pilotage.core.judging import Measure, Outcome, Verdict
from pilotage.core.routing import Telemetry
from pilotage.core.state import State, Status
from pilotage.core.steps import Gate, Hook, Judge, Mirror, Pause, Retire, Scale, Step, Verify
from pilotage.views import featuring
from pilotage.views.figures import counted, percent, quantile
from pilotage.views.rollout.coming import coming
from pilotage.views.rollout.model import (
    Figures,
    InstanceView,
    JudgeView,
    Mark,
    MeasureView,
    RolloutView,
    StepView,
    TrafficView,
)
from pilotage.views.story import tell
from pilotage.views.titles import CAUSE, RESTORE, alone, grouped, title, version

UNWATCHED_AFTER = timedelta(seconds=45)
"""Longer than a worker ever sleeps while a rollout is under way."""


def view_of(state: State, events: Sequence[e.Event], glance: Glance | None, now: datetime) -> RolloutView:
    """``events`` are all of the rollout's; ``glance`` is the worker's last look, None when there was none."""
    plan = state.plan
    seen_at = glance.at if glance else None
    return RolloutView(
        id=state.id,
        service=plan.service,
        environment=plan.environment,
        method=plan.method,
        old=plan.old.version if plan.old else None,
        new=version(plan, plan.new.id),
        status=state.status,
        headline=headline(state),
        cause=state.cause,
        why=state.why,
        by=state.by,
        created=state.created,
        finished=state.finished,
        warm_until=_warm_until(state),
        steps=_steps(state, events, now),
        traffic=_traffic(state, glance.telemetry if glance else None),
        judge=_judge(_verdict(state, events, glance), () if glance is None else glance.notes),
        compared=_compared(state, glance),
        instances=_instances(state, glance.instances if glance else (), now),
        problem=state.problem,
        next=coming(state, now, _verdict(state, events, glance)),
        way_back=_way_back(state),
        figures=_figures(state, events, glance, now),
        timeline=tell(plan, events),
        seen_at=seen_at,
        unwatched=_unwatched(state, seen_at, now),
    )


def headline(state: State) -> str:
    """The status in a sentence."""
    plan = state.plan
    new = version(plan, plan.new.id)
    share = state.shares.get(plan.new.id, 0)
    seeing = grouped(state.groups, percent(share) if share else "") if state.groups else percent(share)
    match state.status:
        case Status.QUEUED:
            return f"Queued: {new} waits for its turn"
        case Status.RUNNING if state.warm:
            old = f", {plan.old.version} is kept warm" if plan.old else ""
            return f"Released: everybody has {new}{old}"
        case Status.RUNNING if state.paused_by is not None:
            why = f" ({state.pause_reason})" if state.pause_reason else ""
            return f"Paused by {state.paused_by}{why}, {new} has {seeing}"
        case Status.RUNNING:
            if plan.feature is not None:
                return f"Running: {featuring.running(state, plan.feature)}"
            seen = f"{new} has {seeing}" if state.exposed_at else f"no user sees {new} yet"
            return f"Running: {seen}"
        case Status.ROLLING_BACK:
            cause = CAUSE[state.cause] if state.cause else "it must"
            return f"Rolling back because {cause}, {new} has {seeing}"
        case Status.SUCCEEDED:
            again = " again" if plan.method == RESTORE else ""
            return f"Succeeded: {new} is the version of {plan.environment}{again}"
        case Status.ROLLED_BACK:
            cause = CAUSE[state.cause] if state.cause else "it had to be"
            return f"Rolled back because {cause}{featuring.ended(state)}"
        case Status.VOID:
            return "Void: it never began"


def _warm_until(state: State) -> datetime | None:
    step = state.step
    waits = state.warm and isinstance(step, Retire) and not state.continued
    return state.entered + step.keep_warm if waits and isinstance(step, Retire) else None


def _unwatched(state: State, seen_at: datetime | None, now: datetime) -> timedelta | None:
    silent = now - max(filter(None, (seen_at, state.entered, state.created)))
    return silent if not state.status.final and silent >= UNWATCHED_AFTER else None


def _way_back(state: State) -> str:
    plan = state.plan
    if state.status.final or state.back:
        return ""
    if state.past_return is not None:
        return f"none: past the point of no return ({state.past_return.title})"
    if plan.feature is not None:
        return featuring.way_back(state, plan.feature)
    if plan.old is None:
        return "nothing ran before: nobody is served then (`pilotage rollback`)"
    if state.exposed_at is None:
        return f"no user has left {plan.old.version}: `pilotage abort` ends it"
    return f"everybody to {plan.old.version} at once: `pilotage rollback`"


def _steps(state: State, events: Sequence[e.Event], now: datetime) -> tuple[StepView, ...]:
    done = _finished_steps(events)
    forward = [_step(state, i, step, done, now, back=False) for i, step in enumerate(state.plan.steps)]
    if not state.back:
        return tuple(forward)
    way_back = [_step(state, i, step, done, now, back=True) for i, step in enumerate(state.steps)]
    return (*forward, *way_back)


_Finished = dict[tuple[bool, int], tuple[timedelta, str]]


def _finished_steps(events: Sequence[e.Event]) -> _Finished:
    """(way back?, index) → how long it took, and its note."""
    found: _Finished = {}
    entered: datetime | None = None
    for event in events:
        if isinstance(event, e.StepFinished):
            found[event.back, event.index] = (event.at - (entered or event.at), event.note)
        if isinstance(event, e.Created | e.Started | e.StepFinished | e.TurnedBack):
            entered = event.at
    return found


def _step(state: State, index: int, step: Step, done: _Finished, now: datetime, *, back: bool) -> StepView:
    took, note = done.get((back, index), (None, ""))
    mark = _mark(state, index, finished=took is not None, back=back)
    least = (
        step.at_least
        if isinstance(step, Judge | Mirror)
        else step.duration
        if isinstance(step, Pause)
        else None
    )
    if mark is Mark.CURRENT:
        took = max(now - state.entered, timedelta(0))
    return StepView(
        number=index + 1,
        title=title(state.plan, step, alone=not back and alone(state.plan, index)),
        kind=step.kind,
        mark=mark,
        back=back,
        took=took,
        at_least=least,
        note=_note(step, note, mark),
    )


def _note(step: Step, note: str, mark: Mark) -> str:
    if isinstance(step, Verify):
        return f"{counted(len(step.checks), 'check')} passed" if mark is Mark.DONE else ""
    return note if isinstance(step, Gate | Scale | Judge | Mirror | Pause | Hook) else ""


def _mark(state: State, index: int, *, finished: bool, back: bool) -> Mark:
    if finished:
        return Mark.DONE
    if back == state.back and index == state.position and state.status in (Status.RUNNING, Status.ROLLING_BACK):
        return Mark.CURRENT
    if state.back and not back:
        return Mark.LEFT if index == state.reached else Mark.SKIPPED
    return Mark.SKIPPED if state.status.final else Mark.NEXT


def _traffic(state: State, telemetry: Telemetry | None) -> tuple[TrafficView, ...]:
    plan = state.plan
    begun = state.status is not Status.QUEUED and (world.routing_due(state) or state.shares)
    wanted = world.exposure(state) if begun else None
    releases = [release for release in (plan.old, plan.new) if release is not None]
    return tuple(
        _version_traffic(
            state,
            release.id,
            wanted.share(release.id) if wanted and not state.status.final else None,
            telemetry,
        )
        for release in releases
    )


def _version_traffic(
    state: State, release: str, wanted: int | None, telemetry: Telemetry | None
) -> TrafficView:
    counters = telemetry.counters.get(release) if telemetry else None
    bounds = telemetry.latency_bounds if telemetry else ()
    buckets = counters.latency_bucket if counters else ()
    return TrafficView(
        version=version(state.plan, release),
        release=release,
        new=release == state.plan.new.id,
        set=wanted,
        confirmed=state.shares.get(release, 0) if state.shares else None,
        requests=counters.requests if counters else None,
        failed=counters.errors if counters else None,
        p50=quantile(bounds, buckets, 0.5),
        p95=quantile(bounds, buckets, 0.95),
    )


def _verdict(state: State, events: Sequence[e.Event], glance: Glance | None) -> Verdict | None:
    """The freshest while it is judged; the one that decided afterwards."""
    seen = glance.verdict if glance else None
    if not (state.back or state.status.final or state.promoted == state.plan.new.id):
        return seen or state.verdict
    judged = [event.verdict for event in events if isinstance(event, e.Judged)]
    decided = judged and judged[-1].outcome is not Outcome.UNDECIDED
    return judged[-1] if decided else seen


def _compared(state: State, glance: Glance | None) -> Reconciliation | None:
    """As it is now while copies are made; as it was recorded afterwards."""
    router = glance.router if glance is not None else None
    now = router.mirrored if router is not None and isinstance(state.step, Mirror) else None
    return now or state.reconciled


def _judge(verdict: Verdict | None, notes: tuple[str, ...]) -> JudgeView | None:
    return None if verdict is None else judge_view(verdict).model_copy(update={"left_out": notes})


def judge_view(verdict: Verdict) -> JudgeView:
    return JudgeView(
        outcome=verdict.outcome,
        last=verdict.last,
        why=verdict.why,
        missing=verdict.missing,
        measures=tuple(measure_view(one, verdict) for one in verdict.measures),
        requests_old=verdict.requests_old,
        requests_new=verdict.requests_new,
    )


def measure_view(one: Measure, verdict: Verdict) -> MeasureView:
    return MeasureView(
        name=one.name,
        kind=one.kind,
        role=one.role,
        old=one.old,
        new=one.new,
        low=one.low,
        high=one.high,
        limit=one.limit,
        ceiling=one.ceiling,
        towards_rollback=one.against,
        towards_passing=one.for_,
        missing=one.missing,
        blamed=verdict.outcome is Outcome.FAIL and one.name in verdict.blame,
    )


def _instances(state: State, instances: tuple[Instance, ...], now: datetime) -> tuple[InstanceView, ...]:
    order = {release.id: place for place, release in enumerate(world.releases(state))}
    ordered = sorted(instances, key=lambda i: (order.get(i.release, len(order)), i.release, i.number))
    return tuple(
        InstanceView(
            id=one.id,
            version=version(state.plan, one.release),
            new=one.release == state.plan.new.id,
            number=one.number,
            address=str(one.address),
            phase=one.phase,
            age=max(now - one.since, timedelta(0)) if one.since else None,
            restarts=one.restarts,
            detail=one.detail,
        )
        for one in ordered
        if one.exists
    )


def _figures(state: State, events: Sequence[e.Event], glance: Glance | None, now: datetime) -> Figures:
    telemetry = glance.telemetry if glance else None
    last = next((event.verdict for event in reversed(events) if isinstance(event, e.Judged)), None)
    verdict = (glance.verdict if glance and not state.status.final else None) or last
    decided = _decided_at(state, events)
    began = state.started or state.created
    ended = state.finished or (None if state.status is Status.QUEUED else now)
    return Figures(
        took=max(ended - began, timedelta(0)) if ended else None,
        exposed_at=state.exposed_at,
        to_verdict=decided - state.compared_at if decided and state.compared_at else None,
        to_rollback=_to_rollback(state, events),
        users_served=telemetry.users_served if telemetry else None,
        users_failed=telemetry.users_failed if telemetry else None,
        judged_requests_new=verdict.requests_new if verdict else None,
        judged_requests_old=verdict.requests_old if verdict else None,
    )


def _decided_at(state: State, events: Sequence[e.Event]) -> datetime | None:
    """When it turned back; otherwise the last time the judge let it go on."""
    if state.turned_back_at is not None:
        return state.turned_back_at if state.exposed_at else None
    passes = (
        event.at for event in events if isinstance(event, e.Judged) and event.verdict.outcome is Outcome.PASS
    )
    return max(passes, default=None)


def _to_rollback(state: State, events: Sequence[e.Event]) -> timedelta | None:
    """From turning back to the confirmation that the new version has nobody, if it ever had somebody."""
    turned, new = state.turned_back_at, state.plan.new.id
    if turned is None or state.exposed_at is None:
        return None
    if state.plan.feature is not None and state.flagged_at is not None:
        return featuring.to_off(turned, events)
    gone = (
        event.at
        for event in events
        if isinstance(event, e.Exposed) and event.at >= turned and not event.shares.get(new, 0)
    )
    confirmed = next(gone, None)
    return confirmed - turned if confirmed else None
