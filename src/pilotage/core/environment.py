"""What an environment runs, folded from what its rollouts did."""

from __future__ import annotations

from collections.abc import Iterable

from pilotage.core import events as e
from pilotage.core.fleet import Instance
from pilotage.core.judging import Verdict
from pilotage.core.plan import Basis, Plan
from pilotage.core.release import Release
from pilotage.core.routing import RouterSeen, Routing, Telemetry
from pilotage.core.values import Frozen, Instant


class Good(Frozen):
    """A release that was promoted here."""

    release: Release
    instances: int
    rollout: str
    at: Instant


class Environment(Frozen):
    """One service's environment. ``revision`` grows with every change (compare-and-set)."""

    service: str
    name: str
    revision: int = 0
    holder: str | None = None
    """The rollout that may change it now."""
    rollouts: int = 0
    """How many there have been; the next is numbered one more."""
    lineage: tuple[Good, ...] = ()
    """Promoted releases, oldest first, without those that were taken back; the last one is live."""
    warm: Good | None = None
    """The side that was live before, still kept ready by the holder."""
    routing: Routing | None = None
    last_plan: Plan | None = None
    """Of the last promotion: how this environment's target and router are reached."""
    stopped: Instant | None = None
    """Since when everything here is stopped on purpose; the next rollout starts it again."""

    @property
    def live(self) -> Good | None:
        return self.lineage[-1] if self.lineage else None

    @property
    def previous(self) -> Good | None:
        """The last good release before the live one: where a rollback goes."""
        return self.lineage[-2] if len(self.lineage) > 1 else None

    @property
    def basis(self) -> Basis:
        """What a plan made now is based on, and goes back to."""
        live, warm = self.live, self.warm
        return Basis(
            live=live.release if live else None,
            instances=live.instances if live else 0,
            warm=warm.release if warm else None,
            routing=self.routing if live else None,
        )


def follow(environment: Environment, rollout: str, plan: Plan, events: Iterable[e.Event]) -> Environment:
    """The environment after these events of a rollout; the same object when nothing changed."""
    after = environment
    for event in events:
        changes = _changes(after, rollout, plan, event)
        if changes:
            after = after.model_copy(update=changes)
    return after


def _changes(environment: Environment, rollout: str, plan: Plan, event: e.Event) -> dict[str, object]:
    match event:
        case e.Created():
            held = {} if event.queued_behind else {"holder": rollout}
            return {"rollouts": environment.rollouts + 1, "stopped": None, **held}
        case e.Started():
            return {"holder": rollout}
        case e.Promoted():
            return _promoted(environment, rollout, plan, event)
        case e.Finished() if environment.holder == rollout:
            kept = event.routing or environment.routing
            return {"holder": None, "warm": None, "routing": kept}
        case _:
            return {}


def _promoted(environment: Environment, rollout: str, plan: Plan, event: e.Promoted) -> dict[str, object]:
    known = [good.release.id for good in environment.lineage]
    routing = {"routing": event.routing, "last_plan": plan}
    if event.release in known:
        kept = environment.lineage[: known.index(event.release) + 1]
        return {"lineage": kept, "warm": None, **routing}
    release = plan.release(event.release)
    count = plan.instances if release.id == plan.new.id else plan.basis.instances
    good = Good(release=release, instances=count, rollout=rollout, at=event.at)
    return {"lineage": (*environment.lineage, good), "warm": environment.live, **routing}


class Glance(Frozen):
    """The worker's last look at a rollout's world, for those who watch. Never history, never decisive."""

    at: Instant
    instances: tuple[Instance, ...] = ()
    router: RouterSeen | None = None
    telemetry: Telemetry | None = None
    """Counted since this rollout began."""
    baseline: Telemetry | None = None
    """What the router had counted before."""
    verdict: Verdict | None = None
    notes: tuple[str, ...] = ()
    """What was left out of the telemetry that it was made from, and why."""
