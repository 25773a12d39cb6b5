"""What steps, methods and ends are called to people. Versions, never ids."""

from __future__ import annotations

from typing import assert_never

from pilotage.core.events import Cause
from pilotage.core.notation import show_duration
from pilotage.core.plan import Plan
from pilotage.core.routing import ByUser
from pilotage.core.sight import sight
from pilotage.core.state import Status
from pilotage.core.steps import (
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
from pilotage.core.values import EVERYBODY
from pilotage.views import choosing, featuring, gates
from pilotage.views.figures import counted, percent


def version(plan: Plan, release: str) -> str:
    """The version of a release; told apart when the same version is released again."""
    try:
        known = plan.release(release)
    except KeyError:
        return "another version"
    if known in plan.copies:
        return f"{known.version} ({known.again})"
    twin = known.again and plan.old is not None and known.version == plan.old.version
    return f"{known.version} (again)" if twin and release == plan.new.id else known.version


def audience(step: Expose) -> str:
    """What its shares are of."""
    return "users" if isinstance(step.key, ByUser) else "requests"


def grouped(groups: dict[str, int], last: str = "") -> str:
    """``pilots``, ``berlin and 25 % of munich``; ``last``: who comes after the groups."""
    named = {group or "pilots": share for group, share in groups.items()}
    words = [name if share == EVERYBODY else f"{percent(share)} of {name}" for name, share in named.items()]
    *more, end = [*words, *([last] if last else [])]
    return f"{', '.join(more)} and {end}" if more else end


def exposure(
    plan: Plan, shares: dict[str, int], of: str = "requests", groups: dict[str, int] | None = None
) -> str:
    """Shares as words: ``10 % of requests to 0.65.5``, ``everybody to 0.65.5``, ``nobody is served``; with the
    groups that see the new version anyway: ``pilots and 10 % of requests to 0.65.5``."""
    share = shares.get(plan.new.id, 0)
    if groups and share < EVERYBODY:
        others = f"{percent(share)} of {of}" if share else ""
        return f"{grouped(groups, others)} to {version(plan, plan.new.id)}"
    served = {release: share for release, share in shares.items() if share}
    if not served:
        return "nobody is served"
    for release, share in served.items():
        if share == EVERYBODY:
            return f"everybody to {version(plan, release)}"
    new = plan.new.id
    if new in served:
        return f"{percent(served[new])} of {of} to {version(plan, new)}"
    return ", ".join(f"{percent(share)} to {version(plan, release)}" for release, share in served.items())


def alone(plan: Plan, index: int) -> bool:
    """Whether nobody like those who have the new version at this forward step has the old one: there is nothing
    to compare it with."""
    if plan.feature is not None:
        return featuring.alone(plan, index)
    shown = [step for step in plan.steps[:index] if isinstance(step, Expose) and step.shows(plan.new.id)]
    return bool(shown) and not sight(plan, shown[-1]).compared


def title(plan: Plan, step: Step, *, alone: bool = False) -> str:
    """One short imperative; what it must not lose is the number that matters. ``alone``: see there."""
    match step:
        case Gate():
            return gates.title(step)
        case Prepare():
            return f"Prepare {version(plan, step.release)}"
        case Scale(instances=0):
            return f"Stop {version(plan, step.release)}"
        case Scale():
            return f"Run {counted(step.instances, 'instance')} of {version(plan, step.release)}"
        case Verify():
            return f"Check {version(plan, step.release)} before any user"
        case Expose():
            return _exposing(plan, step)
        case Mirror():
            return _mirroring(plan, step)
        case Judge():
            return _judging(plan, step, alone=alone)
        case Pause():
            return _pausing(step)
        case Hook():
            return step.title
        case Flag():
            return featuring.flag_title(step)
        case Promote():
            return f"Promote {version(plan, step.release)}"
        case Retire():
            name = version(plan, step.release)
            warm = show_duration(step.keep_warm)
            return f"Keep {name} warm for {warm}, then retire it" if step.keep_warm else f"Retire {name}"
        case _:
            assert_never(step)


def _exposing(plan: Plan, step: Expose) -> str:
    shares = {split.release: step.share(split.release) for split in step.splits}
    if not any(shares.values()):
        return "Serve nobody"
    words = exposure(plan, shares, audience(step), step.groups(plan.new.id))
    return words[:1].upper() + words[1:]


def _pausing(step: Pause) -> str:
    if step.duration:
        return f"Wait {show_duration(step.duration)}"
    why = f": {step.why}" if step.why else ""
    return f"Ask {asked(step)}{why}" if step.ask else f"Wait for a person{why}"


def asked(step: Pause) -> str:
    """Whom a pause waits for: ``ada or bea``, ``a person``."""
    *more, last = step.ask or ("a person",)
    return f"{', '.join(more)} or {last}" if more else last


def _judging(plan: Plan, step: Judge, *, alone: bool) -> str:
    if plan.judge is not None and step.choose is not None:
        return choosing.title(plan, step.choose)
    if plan.judge is not None and plan.feature is not None:
        return featuring.judging(plan.feature, alone=alone)
    new = version(plan, plan.new.id)
    at_least = f" by {counted(step.requests, 'request')} at least" if step.requests else ""
    if plan.judge is not None and alone:
        return f"Judge {new} against the error limit{at_least}"
    if plan.judge is None or plan.old is None:
        return f"Hold {new} for {show_duration(step.at_least)}"
    return f"Judge {new} against {version(plan, plan.old.id)}{at_least}"


def _mirroring(plan: Plan, step: Mirror) -> str:
    compared = f"compare {version(plan, plan.new.id)}"
    old = f" with {version(plan, plan.old.id)}" if plan.old is not None else ""
    what = "requests" if step.mirroring.writes else "safe requests"
    return f"Copy {percent(step.mirroring.share)} of {what}, {compared}{old}"


RESTORE = "restore"
"""The method of a rollback after a finished rollout."""

STATUS = {
    Status.QUEUED: "queued",
    Status.RUNNING: "running",
    Status.ROLLING_BACK: "rolling back",
    Status.SUCCEEDED: "succeeded",
    Status.ROLLED_BACK: "rolled back",
    Status.VOID: "void",
}

CAUSE = {
    Cause.JUDGED: "it was judged worse",
    Cause.UNHEALTHY: "it was not healthy",
    Cause.FAILED: "a step could not be done",
    Cause.UNDECIDED: "the judge did not know in time",
    Cause.DIFFERENT: "its answers differ",
    Cause.CHOSEN: "the old version was chosen",
    Cause.ASKED: "a person asked for it",
    Cause.SUPERSEDED: "a newer release took its place",
}
