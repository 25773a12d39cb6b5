"""What is noticed at every pass whatever the step: health, drift, and the reasons to turn back."""

from __future__ import annotations

from datetime import timedelta

from pilotage.core import events as e
from pilotage.core import world
from pilotage.core.fleet import of_release
from pilotage.core.judging import Outcome, Verdict
from pilotage.core.routing import Routing
from pilotage.core.state import State, Status
from pilotage.core.steps import Judge
from pilotage.core.turn import Turn
from pilotage.errors import Problem

DEAD_AFTER = timedelta(seconds=10)
"""A new version that has no healthy instance for so long is taken back without waiting for the judge."""
CRASH_LOOP = 5
"""So many restarts of one new instance within a rollout are a crash loop."""


def notice_routing(turn: Turn) -> None:
    """Records what the router confirms, and that it shows something else than it had confirmed."""
    state, router = turn.state, turn.seen.router
    if router is None or turn.seen.instances is None or not world.routing_due(state):
        return
    wanted = turn.wanted
    if router.revision == wanted.revision:
        if state.revision != wanted.revision:
            turn.record(_exposed(turn, wanted))
    elif state.revision == wanted.revision and _asked_last(state, wanted.revision):
        turn.record(e.DriftSeen(at=turn.now, wanted=wanted.revision, seen=router.revision))


def _exposed(turn: Turn, wanted: Routing) -> e.Exposed:
    state, new = turn.state, turn.state.plan.new.id
    shares = {split.release: split.share for split in wanted.splits}
    groups = {pin.group: pin.share for pin in wanted.pins if pin.release == new}
    first = state.exposed_at is None and (shares.get(new, 0) > 0 or bool(groups))
    return e.Exposed(at=turn.now, shares=shares, groups=groups, revision=wanted.revision, first=first)


def _asked_last(state: State, revision: str) -> bool:
    """Not drift is what we ask for ourselves: a revision that is wanted, not wanted, and wanted again."""
    intent = state.intents.get("route")
    return intent is not None and intent.done and intent.value == revision


def notice_health(turn: Turn) -> None:
    """A release that serves users and has no healthy instance is sick until it has one again."""
    if turn.seen.instances is None:
        return
    wanted = world.wanted_instances(turn.state, turn.now)
    # As the plan exposes them: a share that a healthy version carries meanwhile does not make it well.
    exposed = world.exposure(turn.state)
    serving = {split.release for split in exposed.splits if split.share} | {pin.release for pin in exposed.pins}
    live = turn.state.plan.basis.live
    if live is not None:
        serving.add(live.id)
    for release in sorted(serving | set(turn.state.sick)):
        well = world.healthy(turn.instances, release) > 0
        due = wanted.get(release, 0) > 0 and release in serving
        if release in turn.state.sick and (well or not due):
            turn.record(e.HealthRegained(at=turn.now, release=release))
        elif release not in turn.state.sick and due and not well:
            turn.record(e.HealthLost(at=turn.now, release=release, detail=ailment(turn, release)))


def ailment(turn: Turn, release: str) -> str:
    """Why the instances of a release are not healthy, in their own words."""
    words = [f"{i.id}: {i.phase.value}. {i.detail}".strip() for i in of_release(turn.instances, release)]
    return "\n".join(words[:3]) or "no instance runs"


def guard(turn: Turn) -> None:
    """The reasons to turn back that hold at every forward step."""
    state = turn.state
    if state.status is not Status.RUNNING or state.back or state.released:
        return
    verdict = turn.seen.verdict
    if verdict is not None and _worth_telling(turn, verdict):
        turn.record(e.Judged(at=turn.now, verdict=verdict, inputs=turn.seen.inputs))
    if verdict is not None and verdict.outcome is Outcome.FAIL and state.compared_at is not None:
        turn.turn_back(e.Cause.JUDGED, *verdict.why)
        return
    _guard_health(turn)


def _worth_telling(turn: Turn, verdict: Verdict) -> bool:
    """A failure always; else a change of outcome while a step waits for it."""
    state = turn.state
    if state.compared_at is None:
        return False
    changed = state.verdict is None or verdict.outcome is not state.verdict.outcome
    waited_for = isinstance(state.step, Judge) and turn.fresh_verdict is not None
    return changed and (verdict.outcome is Outcome.FAIL or waited_for)


def _guard_health(turn: Turn) -> None:
    state = turn.state
    new, version = state.plan.new.id, state.plan.new.version
    if state.exposed_at is None or turn.seen.instances is None:
        return
    sick_since = state.sick.get(new)
    if sick_since is not None and turn.now - sick_since >= DEAD_AFTER:
        why = f"{version} has had no healthy instance for {DEAD_AFTER.seconds} s"
        turn.turn_back(e.Cause.UNHEALTHY, why, ailment(turn, new), problem=_dead(why, ailment(turn, new)))
        return
    worst = max((i.restarts for i in of_release(turn.instances, new)), default=0)
    if worst >= CRASH_LOOP:
        why = f"an instance of {version} has crashed {worst} times"
        turn.turn_back(e.Cause.UNHEALTHY, why, ailment(turn, new), problem=_dead(why, ailment(turn, new)))


def _dead(what: str, why: str) -> Problem:
    return Problem(code="rollout.unhealthy", what=what, why=why, mend="see `pilotage logs` for its output")


def old_is_down(turn: Turn) -> Problem | None:
    """While the old version is down nothing is widened: there is no way back, and nothing to compare with."""
    live = turn.state.plan.basis.live
    if live is None or live.id not in turn.state.sick or turn.state.plan.restores:
        return None
    return Problem(
        code="rollout.old-version-down",
        what=f"The old version {live.version} has no healthy instance: holding",
        why=ailment(turn, live.id),
        mend="repair it; or, if the new version is the repair, `pilotage promote` lets it go on",
    )
