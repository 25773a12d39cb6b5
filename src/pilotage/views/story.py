"""Events in sentences: the timeline, and the lines of a watch without a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from pilotage.core import events as e
from pilotage.core.judging import Outcome
from pilotage.core.plan import Plan
from pilotage.core.steps import Step
from pilotage.core.values import Frozen, Instant
from pilotage.views import featuring, mirroring
from pilotage.views.figures import counted, lasting
from pilotage.views.hooks import hook_told
from pilotage.views.ink import Tone
from pilotage.views.titles import CAUSE, RESTORE, alone, exposure, title, version


class Moment(Frozen):
    """One thing that happened, told. ``detail``: only for those who look closely."""

    at: Instant
    number: int
    """Of the event, from 1."""
    kind: str
    by: str
    text: str
    tone: Tone = Tone.PLAIN
    detail: bool = False


def tell(plan: Plan, events: Iterable[e.Event]) -> tuple[Moment, ...]:
    """Every event of a rollout, from the first, as a Moment."""
    moments: list[Moment] = []
    shown: tuple[dict[str, int], dict[str, int]] | None = None
    for number, event in enumerate(events, 1):
        again = isinstance(event, e.Exposed) and (_served(event.shares), event.groups) == shown
        if isinstance(event, e.Exposed):
            shown = (_served(event.shares), event.groups)
        moments.append(_moment(plan, event, number, detail=again or _is_detail(plan, event)))
    return tuple(moments)


def _served(shares: dict[str, int]) -> dict[str, int]:
    return {release: share for release, share in shares.items() if share}


def _moment(plan: Plan, event: e.Event, number: int, *, detail: bool) -> Moment:
    text, tone = _sentence(plan, event)
    return Moment(at=event.at, number=number, kind=event.kind, by=event.by, text=text, tone=tone, detail=detail)


def _is_detail(plan: Plan, event: e.Event) -> bool:
    match event:
        case e.Intended() | e.Done() | e.Heard() | e.Prepared():
            return True
        case e.StepFinished():
            step = _step(plan, event)
            return step is not None and step.kind in ("expose", "promote", "verify", "flag", "run")
        case e.Judged():
            return event.verdict.outcome is not Outcome.FAIL
        case _:
            return False


def _step(plan: Plan, event: e.StepFinished) -> Step | None:
    steps = plan.way_back if event.back else plan.steps
    return steps[event.index] if event.index < len(steps) else None


def _sentence(plan: Plan, event: e.Event) -> tuple[str, Tone]:
    """What happened to the rollout itself; the rest is in _world and _detail."""
    new = version(plan, plan.new.id)
    match event:
        case e.Created():
            return _created(plan, event), Tone.STRONG
        case e.Started():
            return "It is its turn: started", Tone.PLAIN
        case e.Paused():
            return _because(f"{event.by} paused it", event.reason), Tone.WARN
        case e.Resumed():
            return f"{event.by} resumed it", Tone.PLAIN
        case e.Continued():
            what = "go on to the end" if event.full else "go on"
            return _because(f"{event.by} let it {what}", event.reason), Tone.PLAIN
        case e.TurnedBack():
            return _turned_back(event), Tone.BAD
        case e.Promoted():
            tone = Tone.GOOD if event.release == plan.new.id else Tone.WARN
            return f"{version(plan, event.release)} is the version of {plan.environment} now", tone
        case e.HookEnded() | e.HookAgain():
            return hook_told(plan, event)
        case e.Finished():
            return _finished(plan, event, new), _ENDING[event.ending]
        case e.Judged():
            return _judged(event, new)
        case e.Reconciled():
            return mirroring.reconciled(event)
        case e.SignedOff():
            return mirroring.signed_off(event), Tone.STRONG
        case _:
            return _world(plan, event)


def _world(
    plan: Plan,
    event: e.StepFinished | e.Intended | e.Done | e.Failed | e.Prepared | e.Checked | e.Exposed | e.DriftSeen
    | e.HealthLost | e.HealthRegained | e.DrainStarted | e.DrainEnded | e.ProblemRaised | e.ProblemCleared
    | e.Refused | e.Heard | e.Ramped | e.FlagDrifted,
) -> tuple[str, Tone]:  # fmt: skip
    """What was seen and done in the world."""
    match event:
        case e.StepFinished():
            return _step_finished(plan, event), Tone.PLAIN
        case e.Checked():
            return _checked(plan, event)
        case e.Exposed():
            words = exposure(plan, event.shares, groups=event.groups)
            new = version(plan, plan.new.id)
            first = f", first users see {new}" if event.first else ""
            return f"Confirmed: {words}{first}", Tone.STRONG
        case e.DriftSeen():
            return "The router showed something else than was confirmed: mending it", Tone.WARN
        case e.Ramped() | e.FlagDrifted():
            return featuring.event_words(event)
        case e.HealthLost():
            name = version(plan, event.release)
            return _because(f"{name} has no healthy instance", _first_line(event.detail)), Tone.BAD
        case e.HealthRegained():
            return f"{version(plan, event.release)} is healthy again", Tone.GOOD
        case e.DrainStarted():
            return f"Draining {counted(len(event.instances), 'instance')}", Tone.DIM
        case e.DrainEnded():
            cut = f", {counted(event.left, 'request')} cut" if event.left else ", nothing was cut"
            return f"Drained {counted(len(event.instances), 'instance')}{cut}", Tone.DIM
        case e.ProblemRaised():
            return _because(_capital(event.problem.what), _first_line(event.problem.why or "")), Tone.WARN
        case e.ProblemCleared():
            return "That is over", Tone.PLAIN
        case e.Refused():
            return f"{event.by} was refused: {event.problem.what}", Tone.WARN
        case e.Failed():
            return _because(f"Failed: {event.problem.what}", _first_line(event.problem.why or "")), Tone.BAD
        case e.Intended():
            return f"About to {event.told}", Tone.DIM
        case e.Done():
            return f"Accepted: {event.key.split(':')[0]}", Tone.DIM
        case e.Prepared():
            return f"{version(plan, event.release)} is prepared, {event.digest[:19]}", Tone.DIM
        case e.Heard():
            return f"Heard all orders up to number {event.upto}", Tone.DIM
        case _:
            assert_never(event)


_ENDING = {
    e.Ending.SUCCEEDED: Tone.GOOD,
    e.Ending.ROLLED_BACK: Tone.BAD,
    e.Ending.VOID: Tone.WARN,
}


def _created(plan: Plan, event: e.Created) -> str:
    old = f"{plan.old.version} → " if plan.old else ""
    if plan.method == RESTORE:
        return _because(f"{event.by} takes {plan.new.version} back to {plan.environment}", event.reason)
    what = f"{event.by} released {old}{version(plan, plan.new.id)} to {plan.environment} ({plan.method})"
    behind = f", queued behind {event.queued_behind}" if event.queued_behind else ""
    open_ = [item for item in event.readiness.items if item.warns] if event.readiness else []
    ready = f", with {counted(len(open_), 'open item')} of its readiness" if open_ else ""
    return _because(what + behind + ready, event.reason)


def _turned_back(event: e.TurnedBack) -> str:
    if event.cause is e.Cause.JUDGED:
        return f"Turned back: {CAUSE[event.cause]}"
    if event.cause is e.Cause.ASKED:
        return _because(f"Turned back: {event.by} asked for it", reason_given(event))
    return _because(f"Turned back: {CAUSE[event.cause]}", _first_line("\n".join(event.why)))


def reason_given(event: e.TurnedBack) -> str:
    """What the person who asked for it gave as a reason."""
    said = "; ".join(event.why)
    return "" if said == f"{event.by} asked for it" else said


def _finished(plan: Plan, event: e.Finished, new: str) -> str:
    took = f" after {lasting(event.took)}" if event.took is not None else ""
    match event.ending:
        case e.Ending.SUCCEEDED:
            return f"Finished{took}: {new} is {'back' if plan.method == RESTORE else 'released'}"
        case e.Ending.ROLLED_BACK:
            return f"Rolled back completely{took}"
        case e.Ending.VOID:
            return _because("Never begun", event.why)
        case _:
            assert_never(event.ending)


def _judged(event: e.Judged, new: str) -> tuple[str, Tone]:
    verdict = event.verdict
    why = "; ".join(map(_first_line, verdict.why))
    match verdict.outcome:
        case Outcome.PASS:
            looked = counted(verdict.requests_new, "request")
            return f"Judge: {new} may go on, after {looked}", Tone.GOOD
        case Outcome.FAIL:
            return _because(f"Judge: {new} is worse", why), Tone.BAD
        case Outcome.UNDECIDED:
            return _because("Judge: not known yet", why), Tone.DIM
        case _:
            assert_never(verdict.outcome)


def _step_finished(plan: Plan, event: e.StepFinished) -> str:
    step = _step(plan, event)
    name = (
        title(plan, step, alone=not event.back and alone(plan, event.index))
        if step is not None
        else f"Step {event.index + 1}"
    )
    noted = step is not None and step.kind not in ("prepare", "expose", "promote")
    return f"{name}: {event.note}" if event.note and noted else f"{name}: done"


def _checked(plan: Plan, event: e.Checked) -> tuple[str, Tone]:
    name = version(plan, event.release)
    if not event.failures:
        return f"{name} passed {counted(event.passed, 'check')} before any user", Tone.GOOD
    failed = "; ".join(f"{check}: {wrong}" for check, wrong in event.failures.items())
    return _because(f"{name} failed {counted(len(event.failures), 'check')}", failed), Tone.BAD


def _because(what: str, why: str) -> str:
    return f"{what}: {why}" if why else what


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""
