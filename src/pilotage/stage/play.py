"""One run of a plan, from beginning to end: the real decide and the real reconcile, the world of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random

from pilotage.core import events as e
from pilotage.core import steps
from pilotage.core.environment import Environment, Good, follow
from pilotage.core.judging import Arm
from pilotage.core.plan import ROUTER, Plan
from pilotage.core.state import State, begin
from pilotage.core.steps import Hook, Pause
from pilotage.core.world import routing, routing_due
from pilotage.engine.reconcile import Reconciler
from pilotage.ports import Change, Held, Reach
from pilotage.rehearsal.fault import Fault, From
from pilotage.rehearsal.model import Service
from pilotage.rehearsal.outcome import Episode, Waiting
from pilotage.stage.agenda import Agenda, plan_faults
from pilotage.stage.clock import Jumping
from pilotage.stage.errands import Errands
from pilotage.stage.judging import Patient
from pilotage.stage.looks import FINE, longest_wait, next_look
from pilotage.stage.notebook import Notebook
from pilotage.stage.site import Caller, Premises, PremisesTarget
from pilotage.stage.sources import Mirror
from pilotage.stage.tally import Tally
from pilotage.stage.users import Crossing

PATIENCE = timedelta(days=7)
"""So long beyond its planned time a step is waited for; then the run ends where it is."""
EVER = timedelta(days=36_500)
PERSON = "somebody"


@dataclass
class Scene:
    """Everything that one run is played with."""

    plan: Plan
    clock: Jumping
    world: Premises
    router: Crossing
    errands: Errands
    tally: Tally
    agenda: Agenda = field(default_factory=Agenda)
    late: float = 0.0
    """Seconds by which people answer later than usual."""
    quiet_since: float = 0.0
    asked: bool = False
    """A person has been asked about the current step."""
    orders: list[e.Order] = field(default_factory=list)
    """Of people, not sent yet."""

    @property
    def new(self) -> str:
        return self.plan.new.id

    @property
    def old(self) -> str | None:
        return self.plan.basis.live.id if self.plan.basis.live is not None else None

    def happened(self) -> None:
        self.quiet_since = self.clock.elapsed()


async def play(
    plan: Plan,
    model: Service,
    faults: Sequence[Fault],
    seed: int,
    at: datetime,
    patience: timedelta = PATIENCE,
) -> Episode:
    """The plan, begun at that time. The same arguments give the same run on every machine."""
    scene = _set(plan, model, seed, at)
    store = Notebook(scene.tally.heard)
    held, state = await _begin(store, scene)
    reach = _reach(scene)
    between = partial(_between, scene)
    reconciler = Reconciler(store, scene.clock, lambda _: reach, lambda one: Patient(one, between))
    plan_faults(scene, faults, From.BEGIN, 0.0)
    while True:
        before = state
        state, wake = await reconciler.reconcile(held, state)
        scene.tally.looked(len(scene.world.existing()))
        if wake is None or state.status.final or _given_up(state, scene, patience):
            return scene.tally.episode(state, seed)
        _notice(scene, before, state, faults)
        _ask_somebody(scene, state, model)
        _pass(scene, state, wake)
        await _obey(scene, store, state)


def _set(plan: Plan, model: Service, seed: int, at: datetime) -> Scene:
    clock = Jumping(at)
    world = Premises(plan, model, clock.elapsed)
    router = Crossing(plan, world, model, Random(f"rehearsal {seed}"), at)
    usual = len(world.existing())
    tally = Tally(router, clock.elapsed, usual)
    scene = Scene(plan, clock, world, router, Errands(plan, model.hooks, clock.elapsed), tally)
    router.crowd.by_user = any(step.kind == "expose" and step.key.kind == "user" for step in plan.steps)
    return scene


def _reach(scene: Scene) -> Reach:
    others = [one for one in scene.plan.telemetry if one.kind != ROUTER]
    return Reach(
        target=PremisesTarget(scene.world),
        router=scene.router,
        prober=Caller(scene.world, scene.router),
        telemetry=tuple(Mirror(scene.router, scene.clock) for _ in others),
        runner=scene.errands,
        database=scene.errands,
    )


async def _begin(store: Notebook, scene: Scene) -> tuple[Held, State]:
    """The environment as the plan found it, and the rollout of this plan under one lease for good."""
    plan, now = scene.plan, scene.clock.now()
    created = e.Created(at=now, by=PERSON, plan=plan, digest=plan.digest)
    state = begin("rehearsal", created)
    if routing_due(state) and plan.basis.live is not None:
        await scene.router.apply(routing(state, await PremisesTarget(scene.world).observe(), now))
    known = follow(_found(plan, now), state.id, plan, [created])
    await store.commit(Change(state=state, events=(created,), before=0, wake=now), environment=known)
    [(held, claimed)] = await store.claim(PERSON, now, EVER, 1)
    return held, claimed


def _found(plan: Plan, now: datetime) -> Environment:
    live = plan.basis.live
    goods = () if live is None else (Good(release=live, instances=plan.basis.instances, rollout="", at=now),)
    return Environment(service=plan.service, name=plan.environment, lineage=goods, routing=plan.basis.routing)


def _notice(scene: Scene, before: State, state: State, faults: Sequence[Fault]) -> None:
    """Something has happened: the looks come each second again."""
    if before.exposed_at is None and state.exposed_at is not None:
        plan_faults(scene, faults, From.EXPOSURE, scene.clock.until(state.exposed_at))
    moved = (before.position, before.back, before.shares, before.sick, before.paused_by)
    if moved != (state.position, state.back, state.shares, state.sick, state.paused_by):
        scene.happened()
    if (before.position, before.back) != (state.position, state.back):
        scene.asked = False


def _ask_somebody(scene: Scene, state: State, model: Service) -> None:
    """Where the plan waits for a person, one comes some time later."""
    order = _waits_for(state)
    if scene.asked or order is None:
        return
    scene.asked = True
    now = scene.clock.elapsed()
    at = now + model.answers + scene.late
    since, until = timedelta(seconds=now), timedelta(seconds=at)
    scene.tally.waits.append(Waiting(index=state.position, since=since, until=until))
    scene.agenda.add(at, f"{PERSON} lets it go on", lambda: scene.orders.append(order))


def _waits_for(state: State) -> e.Order | None:
    """What a person must say before it goes on; None: nothing."""
    step = state.step
    if isinstance(step, steps.Mirror):
        return e.Order.SIGN_OFF if step.sign_off and state.reconciled is not None else None
    person = (isinstance(step, Pause) and step.duration is None) or (isinstance(step, Hook) and step.approval)
    return e.Order.PROMOTE if person else None


async def _obey(scene: Scene, store: Notebook, state: State) -> None:
    for order in scene.orders:
        report = state.reconciled if order is e.Order.SIGN_OFF else None
        reason = report.digest if report is not None else ""
        await store.send(state.id, order, PERSON, scene.clock.now(), reason=reason)
    scene.orders.clear()


def _between(scene: Scene) -> list[tuple[float, Arm, Arm]]:
    """What the router had counted of both sides since the judge last heard of it."""
    old, new = scene.old, scene.new
    return [
        (one.ago, one.counted[old].arm(), one.counted[new].arm())
        for one in scene.router.glimpses()
        if old is not None and old in one.counted and new in one.counted
    ]


def _pass(scene: Scene, state: State, wake: datetime) -> None:
    """To the next look, or to what happens before it."""
    now = scene.clock.elapsed()
    at = next_look(scene.clock, state, wake, scene.quiet_since, scene.agenda.next)
    scene.tally.waited(at - now, exposed=_exposed(scene, state))
    judge = scene.plan.judge
    if judge is not None:
        scene.router.fine = max(judge.interval.total_seconds(), (now - scene.quiet_since) / FINE)
    scene.clock.seconds = max(at, now)
    due = scene.agenda.due(at)
    if due:
        scene.router.flow()
        scene.happened()
    for what, action in due:
        action()
        scene.tally.tell(what)


def _exposed(scene: Scene, state: State) -> bool:
    return state.shares.get(scene.new, 0) > 0


def _given_up(state: State, scene: Scene, patience: timedelta) -> bool:
    return scene.clock.now() - state.entered > longest_wait(state) + patience
