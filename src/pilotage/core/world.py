"""The wanted world: a pure function of the plan, how far it was walked, and which instances are well.

Recomputed at every pass, never an accumulation of edits.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pilotage.core.fleet import Instance, Phase, of_release
from pilotage.core.release import Release
from pilotage.core.routing import Backend, ByRequest, Endpoint, Mirroring, Routing, Split
from pilotage.core.state import State
from pilotage.core.steps import Expose, Mirror, Retire, Scale, Step, Verify
from pilotage.core.values import EVERYBODY

STAND_IN_AFTER = timedelta(seconds=3)
"""A release without a healthy instance for so long gives its share to a healthy one (guarantee 1)."""


def walked(state: State) -> Iterator[Step]:
    """The steps that shape the world, in order: those entered forward, then those entered on the way back."""
    yield from state.plan.steps[: state.reached + 1]
    if state.back:
        yield from state.steps[: state.position + 1]


def releases(state: State) -> tuple[Release, ...]:
    """Those this rollout has to do with: live, new, warm, isolated copies; each once."""
    basis = state.plan.basis
    known = {r.id: r for r in (basis.live, state.plan.new, basis.warm, *state.plan.copies) if r is not None}
    return tuple(known.values())


def retirement_due(state: State, step: Retire, now: datetime) -> bool:
    """Whether the warm time of the current Retire step is over."""
    return state.continued or now >= state.entered + step.keep_warm


def wanted_instances(state: State, now: datetime) -> dict[str, int]:
    """How many instances of each release; one that is not named is left as it is."""
    basis = state.plan.basis
    wanted = {basis.live.id: basis.instances} if basis.live else {}
    for step in walked(state):
        if isinstance(step, Scale):
            wanted[step.release] = step.instances
        elif isinstance(step, Retire) and (step is not state.step or retirement_due(state, step, now)):
            wanted[step.release] = 0
    return wanted


def surplus(state: State, instances: tuple[Instance, ...], now: datetime) -> tuple[Instance, ...]:
    """Those that exist beyond the wanted number: the ones with the highest numbers."""
    wanted = wanted_instances(state, now)
    return tuple(i for i in instances if i.exists and i.release in wanted and i.number > wanted[i.release])


def missing(state: State, instances: tuple[Instance, ...], now: datetime) -> dict[str, tuple[int, ...]]:
    """The numbers that are wanted and do not exist, by release."""
    numbers = {
        release: tuple(sorted(set(range(1, count + 1)) - {i.number for i in of_release(instances, release)}))
        for release, count in wanted_instances(state, now).items()
    }
    return {release: needed for release, needed in numbers.items() if needed}


def exposure(state: State) -> Expose:
    """Who is served by what: the last Expose that was entered, else what the environment had."""
    last = None
    for step in walked(state):
        if isinstance(step, Expose):
            last = step
    return last or exposure_before(state)


def exposure_before(state: State) -> Expose:
    """What the environment had when the plan was made: everybody to the live release, or nobody."""
    basis = state.plan.basis
    if basis.live is None:
        return Expose(splits=())
    key = basis.routing.key if basis.routing is not None else ByRequest()
    return Expose(splits=(Split(release=basis.live.id, share=EVERYBODY),), key=key)


def routing_due(state: State) -> bool:
    """Whether the router has anything to do yet: a first release must not open a door before it is proven."""
    if state.plan.basis.live is not None:
        return True
    return any(isinstance(step, Expose | Verify) for step in walked(state))


def routing(state: State, instances: tuple[Instance, ...], now: datetime) -> Routing:
    """The router's one wanted state."""
    expose = exposure(state)
    over = {instance.id for instance in surplus(state, instances, now)}
    named = {split.release for split in expose.splits} | {pin.release for pin in expose.pins}
    backends = tuple(
        Backend(release=release.id, endpoints=_endpoints(of_release(instances, release.id), over))
        for release in releases(state)
        if release.id in named or of_release(instances, release.id)
    )
    spec, splits = state.plan.router, _stand_in(state, expose.splits, instances, now)
    present = {backend.release for backend in backends}
    return Routing(
        listen=spec.listen,
        preview=spec.preview,
        preview_release=_preview(state, present),
        backends=backends,
        splits=splits,
        key=expose.key,
        pins=tuple(pin for pin in expose.pins if healthy(instances, pin.release)),
        failover=_failover(state, instances, present),
        timeouts=spec.timeouts,
        mirror=mirroring(state, present, splits),
    )


def mirroring(state: State, present: set[str], splits: tuple[Split, ...]) -> Mirroring | None:
    """Copies are made only during their own step, and of no release that users see."""
    step = state.step
    if state.back or not isinstance(step, Mirror) or not present.issuperset(step.mirroring.releases):
        return None
    seen = any(split.share for split in splits if split.release == step.mirroring.new)
    return None if seen else step.mirroring.model_copy(update={"run": state.id})


def healthy(instances: tuple[Instance, ...], release: str) -> int:
    """How many instances of a release are healthy now."""
    return sum(1 for i in instances if i.release == release and i.healthy)


def _endpoints(instances: tuple[Instance, ...], over: set[str]) -> tuple[Endpoint, ...]:
    """Healthy ones serve; others drain while a healthy one is there, and are the last resort while none is.

    One that has never been healthy is not there at all.
    """
    any_healthy = any(i.healthy and i.id not in over for i in instances)
    return tuple(
        Endpoint(
            instance=i.id,
            address=i.address,
            draining=i.id in over or i.phase is Phase.STOPPING or (any_healthy and not i.healthy),
        )
        for i in instances
        if i.phase is not Phase.STARTING or i.restarts
    )


def _preview(state: State, present: set[str]) -> str | None:
    """The new version, from its first instance until it is promoted or taken back."""
    new = state.plan.new.id
    shown = state.plan.router.preview is not None and not state.back and state.promoted != new
    return new if shown and new in present else None


def _stand_in(
    state: State, splits: tuple[Split, ...], instances: tuple[Instance, ...], now: datetime
) -> tuple[Split, ...]:
    """A share whose release is down goes to a healthy release that already serves users (guarantee 1)."""
    down = {r for r, since in state.sick.items() if now - since >= STAND_IN_AFTER}
    serving = {split.release for split in splits if split.share} | set(state.shares)
    serving |= {state.plan.new.id} if state.groups else set()
    stand_ins = [r for r in serving if r not in down and healthy(instances, r)]
    if not stand_ins or not down & {split.release for split in splits if split.share}:
        return splits
    shares: dict[str, int] = {}
    for split in splits:
        target = sorted(stand_ins)[0] if split.release in down and split.share else split.release
        shares[split.release] = shares.get(split.release, 0)
        shares[target] = shares.get(target, 0) + split.share
    return tuple(Split(release=release, share=share) for release, share in shares.items())


def _failover(state: State, instances: tuple[Instance, ...], present: set[str]) -> tuple[str, ...]:
    """Who takes the requests of a release whose instances do not answer: only what users may already see."""
    old, new = state.plan.basis.live, state.plan.new.id
    shown = state.exposed_at is not None or exposure(state).shows(new)
    if old is None or old.id not in present or new not in present or not shown:
        return ()
    if state.back and healthy(instances, old.id):
        return (old.id,)
    return (old.id, new)
