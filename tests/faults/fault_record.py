"""What must be true of every record, whatever was killed, filled or set meanwhile."""

from __future__ import annotations

from fault_shop import Shop

from pilotage.core import events as e
from pilotage.core.state import State, fold
from pilotage.core.steps import Expose


def sound(shop: Shop, rollout: str) -> State:
    """Holds the record of a rollout to the guarantees; its state."""
    events = shop.events(rollout)
    state = shop.state_of(rollout)
    assert fold(rollout, events) == state, "replaying gives another state"
    finished = [(ev.back, ev.index) for ev in events if isinstance(ev, e.StepFinished)]
    assert finished == sorted(set(finished)), f"steps finished twice or out of order: {finished}"
    promoted = [ev.release for ev in events if isinstance(ev, e.Promoted)]
    assert len(promoted) == len(set(promoted)), f"promoted twice: {promoted}"
    done = [ev for ev in events if not isinstance(ev, e.Heard | e.Refused)]
    ends = [place for place, ev in enumerate(done) if isinstance(ev, e.Finished)]
    assert ends in ([], [len(done) - 1]), "something happened after the end"
    assert sum(1 for ev in events if isinstance(ev, e.Exposed) and ev.first) <= 1
    assert sum(1 for ev in events if isinstance(ev, e.TurnedBack)) <= 1
    _never_too_many(state, events)
    assert not shop.doubled
    return state


def _never_too_many(state: State, events: list[e.Event]) -> None:
    """Guarantee 2: no confirmed share was greater than what the plan had come to; guarantee 1 excepted."""
    new, allowed, position, sick = state.plan.new.id, 0, 0, 0
    groups: dict[str, int] = {}
    for event in events:
        if isinstance(event, e.StepFinished) and not event.back:
            position = event.index + 1
        if isinstance(event, e.HealthLost):
            sick += 1
        if isinstance(event, e.HealthRegained):
            sick -= 1
        step = state.plan.steps[position] if position < len(state.plan.steps) else None
        if isinstance(step, Expose):
            allowed, groups = step.share(new), step.groups(new)
        if isinstance(event, e.Exposed) and not sick:
            assert event.groups.keys() <= groups.keys(), f"{event.groups} when {groups} were allowed"
            assert event.shares.get(new, 0) <= allowed, f"{event.shares} when {allowed} was allowed"
