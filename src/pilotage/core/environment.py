"""What an environment runs, folded from what its rollouts did."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pilotage.core import events as e
from pilotage.core.fleet import Instance
from pilotage.core.hooks import Outcome
from pilotage.core.judging import Verdict
from pilotage.core.plan import Basis, Plan
from pilotage.core.release import Release
from pilotage.core.routing import RouterSeen, Routing, Telemetry
from pilotage.core.steps import Hook, Step
from pilotage.core.values import Frozen, Growing, Instant
from pilotage.errors import Problem


class Good(Frozen):
    """A release that was promoted here."""

    release: Release
    instances: int
    rollout: str
    at: Instant


class Barrier(Frozen):
    """A hook that was begun, after which no release before ``release`` can come back."""

    rollout: str
    hook: str
    title: str
    release: str
    reversible: bool = False


class Mend(Frozen):
    """What was put right while no rollout was under way."""

    at: Instant
    by: str
    what: str


class Care(Frozen):
    """What is done about an environment at rest (``core/resting.py``)."""

    by: str = ""
    """The worker that mends it, or did last."""
    until: Instant | None = None
    """So long nobody else does."""
    doing: str = ""
    """What it is putting right."""
    problem: Problem | None = None
    mends: tuple[Mend, ...] = ()
    """The newest last."""


class Environment(Growing):
    """One service's environment. ``revision`` grows with every change (compare-and-set)."""

    added: ClassVar[tuple[str, ...]] = ("care",)

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
    barriers: tuple[Barrier, ...] = ()
    """What versions before a release cannot live with any more."""
    routing: Routing | None = None
    last_plan: Plan | None = None
    """Of the last promotion: how this environment's target and router are reached."""
    stopped: Instant | None = None
    """Since when everything here is stopped on purpose; the next rollout starts it again."""
    care: Care = Care()

    @property
    def live(self) -> Good | None:
        return self.lineage[-1] if self.lineage else None

    @property
    def previous(self) -> Good | None:
        """The last good release before the live one: where a rollback goes."""
        return self.lineage[-2] if len(self.lineage) > 1 else None

    def barrier_before(self, release: str) -> Barrier | None:
        """Why a good release of the lineage cannot come back; None when it can."""
        known = [good.release.id for good in self.lineage]
        for barrier in self.barriers:
            if barrier.release in known and release in known[: known.index(barrier.release)]:
                return barrier
        return None

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


def concerns_environment(event: e.Event, plan: Plan) -> bool:
    """Whether ``follow`` may make something of it."""
    match event:
        case e.Started() | e.Promoted() | e.Finished() | e.HookEnded():
            return True
        case e.Intended(key=key):
            return key.startswith("run:")
        case e.StepFinished():
            return isinstance(_step(plan, event), Hook)
        case _:
            return False


def _step(plan: Plan, event: e.StepFinished) -> Step | None:
    steps = plan.way_back if event.back else plan.steps
    return steps[event.index] if event.index < len(steps) else None


def _changes(environment: Environment, rollout: str, plan: Plan, event: e.Event) -> dict[str, object]:
    match event:
        case e.Created():
            held = {} if event.queued_behind else {"holder": rollout}
            return {"rollouts": environment.rollouts + 1, "stopped": None, **held}
        case e.Started():
            return {"holder": rollout}
        case e.Promoted():
            return _promoted(environment, rollout, plan, event)
        case e.StepFinished():
            return _undone(environment, _step(plan, event))
        case e.Intended() | e.HookEnded():
            return _barriers(environment, rollout, plan, event)
        case e.Finished() if environment.holder == rollout:
            kept = event.routing or environment.routing
            gone = {"lineage": ()} if _nothing_left(plan, event) else {}
            return {"holder": None, "warm": None, "routing": kept, **gone}
        case _:
            return {}


def _barriers(
    environment: Environment, rollout: str, plan: Plan, event: e.Intended | e.HookEnded
) -> dict[str, object]:
    """One stands from the moment at which a hook may have been begun; not, when it is seen to have changed
    nothing."""
    if isinstance(event, e.Intended) and not event.key.startswith("run:"):
        return {}
    name = event.key.split(":")[1] if isinstance(event, e.Intended) else event.hook
    step = next((s for s in plan.steps if isinstance(s, Hook) and s.name == name and s.breaks), None)
    if step is None or step.breaks is None:
        return {}
    without = tuple(b for b in environment.barriers if (b.rollout, b.hook) != (rollout, name))
    unchanged = step.migration is not None and step.migration.before
    if isinstance(event, e.HookEnded) and event.outcome is Outcome.FAILED and event.revision == unchanged:
        return {"barriers": without}
    barrier = Barrier(
        rollout=rollout, hook=name, title=step.title, release=step.breaks, reversible=step.reversible
    )
    return {"barriers": (*without, barrier)}


def _undone(environment: Environment, step: Step | None) -> dict[str, object]:
    if not isinstance(step, Hook) or step.undoes is None:
        return {}
    kept = tuple(b for b in environment.barriers if b.hook != step.undoes)
    return {"barriers": kept} if kept != environment.barriers else {}


def _nothing_left(plan: Plan, event: e.Finished) -> bool:
    """A first version, promoted for its feature to follow, was taken back whole: nobody is served."""
    nobody = event.routing is not None and not any(split.share for split in event.routing.splits)
    return plan.basis.live is None and event.ending is e.Ending.ROLLED_BACK and nobody


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
