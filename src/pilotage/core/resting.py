"""An environment at rest: what differs from what is recorded of it, and the next thing that puts it right.

A call of a worker that froze may land after its rollout has ended, in another worker's hands; nobody can call
it back. So a resting environment is looked at as well, and brought to its recorded state: by wanted state, one
effect at a time, never while a rollout has it, and never when it was taken down on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pilotage.core.environment import Care, Environment, Good, Mend
from pilotage.core.fleet import Instance, Phase, of_release
from pilotage.core.routing import Backend, Endpoint, RouterSeen, Routing
from pilotage.core.turn import Route, Start, Stop
from pilotage.errors import Problem

KEPT = 10
"""Of the journal, the newest."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not as recorded, and what puts it right."""

    what: str
    command: Route | Start | Stop


def at_rest(environment: Environment) -> bool:
    """Live, held by no rollout, and not taken down."""
    free = environment.holder is None and environment.stopped is None
    known = environment.last_plan is not None and environment.routing is not None
    return free and known and environment.live is not None


def difference(
    environment: Environment, instances: tuple[Instance, ...], router: RouterSeen
) -> Difference | None:
    """The first one: whom users reach goes before what is missing, and that before what is too many."""
    live, routing = environment.live, environment.routing
    assert live is not None, "it is at rest"
    assert routing is not None, "it is at rest"
    wanted = as_it_runs(routing, live, instances)
    reached = any(backend.endpoints for backend in wanted.backends if backend.release == live.release.id)
    if router.revision != wanted.revision and reached:
        what = "routing was another's" if router.running else "the router did not run"
        return Difference(what, Route(routing=wanted))
    exist = {instance.number for instance in of_release(instances, live.release.id)}
    missing = tuple(number for number in range(1, live.instances + 1) if number not in exist)
    if missing:
        told = ", ".join(f"{live.release.id}.{number}" for number in missing)
        return Difference(f"{told} did not run", Start(release=live.release.id, numbers=missing))
    surplus = _surplus(live, wanted, instances, router)
    return (
        Difference(f"{', '.join(surplus)} ran beyond what is wanted", Stop(instances=surplus))
        if surplus
        else None
    )


def _surplus(
    live: Good, routing: Routing, instances: tuple[Instance, ...], router: RouterSeen
) -> tuple[str, ...]:
    """What nobody wants, is routed to by nobody, and has no request in flight."""
    serving = [backend for backend in routing.backends if _serves(routing, backend)]
    routed = {end.instance for backend in serving for end in backend.endpoints}
    return tuple(
        one.id
        for one in instances
        if one.exists
        and one.phase is not Phase.STOPPING
        and not (one.release == live.release.id and one.number <= live.instances)
        and one.id not in routed
        and not router.inflight.get(one.id)
    )


def _serves(routing: Routing, backend: Backend) -> bool:
    pinned = {pin.release for pin in routing.pins} | set(routing.failover)
    return bool(routing.share(backend.release)) or backend.release in pinned


def as_it_runs(routing: Routing, live: Good, instances: tuple[Instance, ...]) -> Routing:
    """The recorded routing, to the live instances of today; itself when that is the same.

    What was recorded while the target did not answer names too few; one that drained then may be well now.
    """
    mine = [one for one in of_release(instances, live.release.id) if one.number <= live.instances]
    backends = tuple(
        backend.model_copy(update={"endpoints": _today(backend, mine)})
        if backend.release == live.release.id
        else backend
        for backend in routing.backends
    )
    return routing if backends == routing.backends else routing.model_copy(update={"backends": backends})


def _today(backend: Backend, instances: list[Instance]) -> tuple[Endpoint, ...]:
    now = {one.id: one for one in instances}
    known = {end.instance for end in backend.endpoints}
    kept = tuple(
        end.model_copy(
            update={
                "address": now[end.instance].address,
                "draining": end.draining and not now[end.instance].healthy,
            }
        )
        if end.instance in now
        else end
        for end in backend.endpoints
    )
    more = [one for one in instances if one.healthy and one.id not in known]
    return kept + tuple(Endpoint(instance=one.id, address=one.address) for one in more)


def others_turn(environment: Environment, name: str, now: datetime) -> bool:
    """Whether another worker mends it just now."""
    care = environment.care
    return care.until is not None and care.by != name and care.until > now


def begun(environment: Environment, found: Difference, name: str, until: datetime) -> Environment:
    """The record before an effect: who does what about it, and until when others leave it alone."""
    care = environment.care.model_copy(update={"by": name, "until": until, "doing": found.what})
    routing = found.command.routing if isinstance(found.command, Route) else environment.routing
    return environment.model_copy(update={"care": care, "routing": routing})


def well_again(environment: Environment, now: datetime) -> Environment:
    """The record when nothing differs any more; the same object when there is nothing to say."""
    care = environment.care
    if not care.doing and care.problem is None:
        return environment
    mends = care.mends
    if care.doing:
        mends = (*mends, Mend(at=now, by=care.by, what=care.doing))[-KEPT:]
    return environment.model_copy(update={"care": Care(mends=mends)})


def in_trouble(environment: Environment, problem: Problem) -> Environment:
    """The record when it could not be put right; the same object when that is known."""
    if environment.care.problem == problem:
        return environment
    return environment.model_copy(update={"care": environment.care.model_copy(update={"problem": problem})})


def strangers(instances: tuple[Instance, ...], known: set[str]) -> Problem | None:
    """What no record tells of: the record may be an older one, put back, and is then no measure."""
    unknown = sorted(one.id for one in instances if one.exists and one.release not in known)
    if not unknown:
        return None
    return Problem(
        code="environment.strangers",
        what=f"{', '.join(unknown)} run here, and no rollout that is recorded made them",
        why="the record may be older than what runs (a backup that was put back): nothing is mended by it",
        mend="see what is right; release it again, or stop what is not wanted",
    )


def reported(found: Difference) -> Problem:
    """For whoever wants to be told and mend it themselves."""
    return Problem(
        code="environment.drift",
        what=f"the environment is not as recorded: {found.what}",
        why="the worker was told only to report it (--drift report)",
        mend="put it right by hand, or run the worker with --drift mend",
    )


def stubborn(found: Difference) -> Problem:
    """What was done again and again and did not help."""
    return Problem(
        code="environment.drift",
        what=f"the environment is not as recorded: {found.what}",
        why="it was put right again and again, and did not stay so",
        mend="see who else changes it; the worker goes on trying, slowly",
    )
