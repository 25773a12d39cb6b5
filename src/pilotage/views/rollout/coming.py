"""What a rollout waits for, and what comes then."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from pilotage.core.judging import Verdict
from pilotage.core.notation import show_duration
from pilotage.core.state import State, Status
from pilotage.core.steps import (
    Choose,
    Expose,
    Flag,
    Gate,
    Hook,
    Judge,
    Mirror,
    Pause,
    Prepare,
    Promote,
    Retire,
    Scale,
    Step,
    Verify,
)
from pilotage.views import choosing, gates, mirroring
from pilotage.views.figures import counted
from pilotage.views.hooks import hook_waits
from pilotage.views.rollout.model import NextView
from pilotage.views.titles import asked, title, version

ASKING = ("rollout.no-winner", "rollout.not-sound", "rollout.share-mismatch")
"""Problems that a person solves by a choice."""


def coming(state: State, now: datetime | None = None, verdict: Verdict | None = None) -> NextView | None:
    """None: it has ended. ``now``: to say of what is over already that it is; ``verdict``: the freshest."""
    if state.status.final:
        return None
    if state.status is Status.QUEUED:
        before = state.queued_behind or "the rollout before it"
        return NextView(what=f"begins when {before} has ended", then=_then(state))
    if state.paused_by is not None:
        return NextView(what="paused: `pilotage resume` lets it go on", then=_then(state), person=True)
    if state.step is None:
        return NextView(what="about to end")
    return _of_step(state, state.step, now, verdict or state.verdict)


def _of_step(state: State, step: Step, now: datetime | None, verdict: Verdict | None) -> NextView:
    name = version(state.plan, step.release) if isinstance(step, Prepare | Scale | Verify | Retire) else ""
    match step:
        case Gate():
            return NextView(what=gates.waits(step, now or state.entered), then=_then(state))
        case Prepare():
            return _by(state, f"{name} is made ready, at most {show_duration(step.timeout)}")
        case Scale(instances=0):
            return _by(state, f"{name} drains and stops")
        case Scale():
            what = f"{counted(step.instances, 'instance')} of {name} must be healthy"
            return _by(state, f"{what}, at most {show_duration(step.timeout)}")
        case Verify():
            return _by(state, f"{counted(len(step.checks), 'check')} of {name} must pass")
        case Expose():
            return _by(state, "the router confirms, and a probe sees it")
        case Flag():
            return _by(state, "the flag is read back")
        case Mirror():
            what, due, person = mirroring.waits_for(state, step, now)
            return NextView(what=what, at=due, then=_then(state), person=person)
        case Judge():
            if step.choose is not None:
                return _of_choice(state, step, step.choose, verdict, now)
            return _of_judge(state, step, now)
        case Pause(duration=None):
            why = f" ({step.why})" if step.why else ""
            what = f"waits for {asked(step)}{why}: `pilotage promote` lets it go on"
            return NextView(what=what, then=_then(state), person=True)
        case Pause():
            due = state.entered + step.duration if step.duration else None
            return NextView(what="waits", at=due, then=_then(state))
        case Hook():
            return _of_hook(state, step)
        case Promote():
            return _by(state, "is promoted")
        case Retire():
            return _of_retire(state, step, name)
        case _:
            assert_never(step)


def _of_hook(state: State, step: Hook) -> NextView:
    what, person = hook_waits(state, step)
    return NextView(what=what, then=_then(state), person=person)


def _by(state: State, what: str) -> NextView:
    return NextView(what=what, then=_then(state))


def _of_choice(
    state: State, step: Judge, choose: Choose, verdict: Verdict | None, now: datetime | None
) -> NextView:
    what = choosing.stands(state, step, choose, verdict, now)
    if state.problem is not None and state.problem.code in ASKING:
        what = f"{what}: `pilotage promote` or `pilotage rollback` chooses"
        return NextView(what=what, then=_then(state), person=True)
    due = state.entered + step.at_most if step.at_most is not None else None
    return NextView(what=f"{what}; chooses as soon as it is shown, at the latest", at=due, then=_then(state))


def _of_judge(state: State, step: Judge, now: datetime | None) -> NextView:
    earliest = state.entered + step.at_least
    if state.plan.judge is None:
        return NextView(what="holds", at=earliest, then=_then(state))
    if state.problem is not None and state.problem.code == "rollout.undecided":
        what = "waits for more traffic, or for a person: `pilotage promote` or `pilotage abort`"
        return NextView(what=what, then=_then(state), person=True)
    if now is not None and now >= earliest:
        return NextView(what="the judge decides as soon as it knows", then=_then(state))
    return NextView(what="the judge decides, not before", at=earliest, then=_then(state))


def _of_retire(state: State, step: Retire, name: str) -> NextView:
    if step.keep_warm and not state.continued:
        return NextView(
            what=f"{name} is kept warm until", at=state.entered + step.keep_warm, then="it is retired"
        )
    return _by(state, f"{name} drains, then stops")


def _then(state: State) -> str:
    """The title of the step after the current one that users would notice."""
    at = state.position + (0 if state.status is Status.QUEUED else 1)
    for step in state.steps[at:]:
        if isinstance(step, Expose | Promote | Pause | Flag):
            words = title(state.plan, step)
            return words[:1].lower() + words[1:]
    return ""
