"""An environment: what is live, what is kept warm, what is under way, where a rollback would go."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

from pilotage.core.environment import Environment, Good
from pilotage.core.state import State, Status
from pilotage.core.values import Frozen, Instant
from pilotage.views.figures import ago, counted, day
from pilotage.views.ink import Line, Span, Tone, line, plain, span, wrap
from pilotage.views.rollout.making import headline


class LiveVersion(Frozen):
    version: str
    release: str
    instances: int
    rollout: str
    since: Instant


class UnderWay(Frozen):
    id: str
    version: str
    status: Status
    headline: str
    problem: str | None = None


class Mended(Frozen):
    at: Instant
    what: str


class StatusView(Frozen):
    """One environment of one service."""

    service: str
    environment: str
    address: str | None
    """Where users come in."""
    live: LiveVersion | None
    warm: LiveVersion | None
    previous: LiveVersion | None
    """Where `pilotage rollback` goes when nothing is under way."""
    under_way: UnderWay | None
    queued: tuple[UnderWay, ...]
    stopped: Instant | None = None
    """Since when everything is stopped on purpose."""
    mended: Mended | None = None
    """What was put right last while nothing was under way."""
    problem: str | None = None
    """What could not be, or was only to be told."""
    now: Instant


def view_of(environment: Environment, unfinished: Iterable[State], now: datetime) -> StatusView:
    """``unfinished`` are the environment's rollouts that have not ended."""
    states = list(unfinished)
    holder = next((state for state in states if state.id == environment.holder), None)
    plan = environment.last_plan or (holder.plan if holder else None)
    return StatusView(
        service=environment.service,
        environment=environment.name,
        address=str(plan.router.listen) if plan else None,
        live=_live(environment.live),
        warm=_live(environment.warm),
        previous=_live(environment.live if holder and not holder.warm else environment.previous),
        under_way=_under_way(holder) if holder else None,
        queued=tuple(_under_way(state) for state in states if state.status is Status.QUEUED),
        stopped=environment.stopped,
        mended=_mended(environment),
        problem=_problem(environment),
        now=now,
    )


def _mended(environment: Environment) -> Mended | None:
    last = environment.care.mends[-1] if environment.care.mends else None
    return Mended(at=last.at, what=last.what) if last is not None else None


def _problem(environment: Environment) -> str | None:
    """Of its rest: a rollout that is under way tells its own."""
    problem = environment.care.problem
    return problem.what if problem is not None and environment.holder is None else None


def _live(good: Good | None) -> LiveVersion | None:
    if good is None:
        return None
    return LiveVersion(
        version=good.release.version,
        release=good.release.id,
        instances=good.instances,
        rollout=good.rollout,
        since=good.at,
    )


def _under_way(state: State) -> UnderWay:
    return UnderWay(
        id=state.id,
        version=state.plan.new.version,
        status=state.status,
        headline=headline(state),
        problem=state.problem.what if state.problem else None,
    )


def as_text(view: StatusView, width: int = 100, zone: tzinfo = UTC) -> str:
    return plain(draw(view, width, zone=zone))


def draw(view: StatusView, width: int = 100, *, zone: tzinfo = UTC) -> list[Line]:
    at = span(f"   {view.address}" if view.address else "", Tone.DIM)
    lines = wrap(line(span(view.service, Tone.STRONG), " in ", span(view.environment, Tone.STRONG), at), width)
    if view.live is None:
        lines += _row("Live", [span("nothing was released here yet", Tone.DIM)], width)
    else:
        lines += _row("Live", _version(view.live, view.now, zone, Tone.GOOD), width)
    if view.stopped is not None:
        told = f"since {day(view.stopped, zone)} by `pilotage down`; the next release starts it again"
        lines += _row("Stopped", [span(told, Tone.WARN)], width)
    if view.problem is not None:
        lines += _row("Problem", [span(view.problem, Tone.WARN)], width)
    if view.mended is not None:
        lines += _row("Mended", [f"{day(view.mended.at, zone)}: {view.mended.what}"], width)
    if view.warm is not None:
        lines += _row("Warm", [*_version(view.warm, view.now, zone, Tone.OLD), " ready for a way back"], width)
    if view.under_way is not None:
        lines += _under_way_rows(view.under_way, width)
    for one in view.queued:
        lines += _row("Queued", [f"{one.version} ", span(f"({one.id})", Tone.DIM)], width)
    if view.previous is not None:
        text = f"{view.previous.version} (`pilotage rollback`)"
        lines += _row("Way back", [span(text, Tone.PLAIN)], width)
    return lines


def _under_way_rows(one: UnderWay, width: int) -> list[Line]:
    tone = Tone.BAD if one.status is Status.ROLLING_BACK else Tone.NEW
    lines = _row("Now", [span(one.headline, tone), span(f"   {one.id}", Tone.DIM)], width)
    return lines + (_row("Problem", [span(one.problem, Tone.WARN)], width) if one.problem else [])


def _row(label: str, parts: list[str | Span], width: int) -> list[Line]:
    return wrap(line(span(f"  {label:<10}", Tone.DIM), *parts), width, 12)


def _version(one: LiveVersion, now: datetime, zone: tzinfo, tone: Tone) -> list[str | Span]:
    since = f"   {counted(one.instances, 'instance')}, since {day(one.since, zone)} ({ago(now - one.since)})"
    return [span(one.version, tone), span(since, Tone.DIM)]
