"""What to do about the difference between the wanted world and the seen one.

The order is the guarantee (5): new instances start; the router is told and confirms; what is over drains,
then stops; what has stopped leaves the routing.
"""

from __future__ import annotations

from datetime import timedelta

from pilotage.core import events as e
from pilotage.core import world
from pilotage.core.backoff import grown
from pilotage.core.fleet import Instance, Phase
from pilotage.core.state import Status
from pilotage.core.steps import Prepare, Retire, Verify
from pilotage.core.turn import (
    REPEAT,
    SOON,
    Command,
    Effect,
    PrepareArtifact,
    Route,
    RunChecks,
    Start,
    Stop,
    Turn,
)

DRAIN = timedelta(seconds=30)
CHECK_AGAIN = timedelta(seconds=2)
SETTLE = timedelta(seconds=1)
"""In-flight counts are believed only so long after the router confirmed that nothing new comes."""


def command(turn: Turn) -> None:
    """Adds the commands of this turn, each with its intent recorded first."""
    if turn.state.status not in (Status.RUNNING, Status.ROLLING_BACK) or backing_off(turn):
        return
    step = turn.state.step
    if isinstance(step, Prepare) and step.release not in turn.state.prepared:
        version = turn.state.plan.version(step.release)
        give(
            turn,
            f"prepare:{step.release}",
            step.release,
            f"prepare {version}",
            PrepareArtifact(release=step.release),
        )
    if turn.seen.instances is None:
        return
    _start(turn)
    _route(turn)
    _drain_and_stop(turn)
    if isinstance(step, Verify):
        _check(turn, step)


def give(turn: Turn, key: str, value: str, told: str, command: Command) -> None:
    """Records the intent once, then commands; an effect that does not show is asked for again later."""
    intent = turn.state.intents.get(key)
    if intent is None or intent.value != value:
        turn.record(e.Intended(at=turn.now, key=key, value=value, told=told))
    elif intent.done and turn.now - intent.at < REPEAT:
        return
    turn.effects.append(Effect(key, value, command))


def backing_off(turn: Turn) -> bool:
    """Whether effects have failed in a row and the next try has still time."""
    state = turn.state
    if not state.failures or state.failed_at is None:
        return False
    if state.problem is not None:
        turn.trouble(state.problem)
    delay = grown(state.failures)
    if turn.now >= state.failed_at + delay:
        return False
    turn.wakes.append(state.failed_at + delay)
    return True


def _start(turn: Turn) -> None:
    for release, numbers in world.missing(turn.state, turn.instances, turn.now).items():
        if release == turn.state.plan.new.id and release not in turn.state.prepared:
            continue
        text = ", ".join(map(str, numbers))
        told = f"start {turn.state.plan.version(release)}: instance {text}"
        value = f"{text} at step {turn.state.position}"
        give(turn, f"start:{release}", value, told, Start(release=release, numbers=numbers))
        turn.wake_in(SOON)


def _route(turn: Turn) -> None:
    if not world.routing_due(turn.state):
        return
    wanted, router = turn.wanted, turn.seen.router
    if router is not None and router.revision == wanted.revision:
        return
    plan = turn.state.plan
    shares = ", ".join(f"{plan.version(s.release)} {s.share / 10_000:g} %" for s in wanted.splits)
    give(turn, "route", wanted.revision, f"route {shares or 'nobody'}", Route(routing=wanted))
    turn.wake_in(SOON)


def _drain_and_stop(turn: Turn) -> None:
    over = [i for i in world.surplus(turn.state, turn.instances, turn.now) if i.phase is not Phase.STOPPING]
    if not over:
        return
    turn.wake_in(SOON)
    if not turn.confirmed:
        return
    fresh = tuple(i.id for i in over if i.id not in turn.state.draining)
    if fresh:
        turn.record(e.DrainStarted(at=turn.now, instances=fresh))
    empty = tuple(i.id for i in over if i.id not in turn.state.drained and _is_drained(turn, i))
    if empty:
        left = sum(_inflight(turn, id) or 0 for id in empty)
        turn.record(e.DrainEnded(at=turn.now, instances=empty, left=left))
    ready = tuple(i.id for i in over if i.id in turn.state.drained)
    if ready:
        give(turn, "stop", ",".join(ready), f"stop {', '.join(ready)}", Stop(instances=ready))


def _is_drained(turn: Turn, instance: Instance) -> bool:
    since = turn.now - turn.state.draining[instance.id]
    step = turn.state.step
    limit = step.drain if isinstance(step, Retire) else DRAIN
    return since >= limit or (since >= SETTLE and _inflight(turn, instance.id) == 0)


def _inflight(turn: Turn, instance: str) -> int | None:
    """None: not known, because no router answers."""
    router = turn.seen.router
    return router.inflight.get(instance, 0) if router is not None else None


def _check(turn: Turn, step: Verify) -> None:
    state = turn.state
    if state.attempts >= step.attempts or state.last_check == {}:
        return
    if state.checked_at is not None and turn.now - state.checked_at < CHECK_AGAIN:
        return
    instances = tuple(i for i in turn.instances if i.release == step.release and i.healthy)
    at_preview = state.plan.router.preview is not None
    if not instances or (at_preview and not turn.confirmed):
        return
    value = f"attempt {state.attempts + 1} at step {state.position}"
    told = f"check {state.plan.version(step.release)} before any user, attempt {state.attempts + 1}"
    checks = RunChecks(step=step, attempt=state.attempts, instances=instances, at_preview=at_preview)
    give(turn, "checks", value, told, checks)
