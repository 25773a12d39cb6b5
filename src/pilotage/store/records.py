"""What every database of ours keeps in the same way: a change as one row, and why a change is refused."""

from __future__ import annotations

from pilotage.errors import Problem
from pilotage.ports import Change, Conflict, Held, LeaseLost
from pilotage.store.reading import FOLD
from pilotage.store.schema import micros


def columns(change: Change) -> dict[str, object]:
    """By the names that the statements use; ValueError when state and events do not belong together."""
    state = change.state
    if not change.before and not change.events:
        raise ValueError(f"{state.id}: a rollout begins with its first event")
    if state.events != change.before + len(change.events):
        raise ValueError(f"{state.id}: the state has {state.events} events, which are not those of the change")
    return {
        "id": state.id,
        "service": state.plan.service,
        "environment": state.plan.environment,
        "status": state.status.value,
        "rev": state.events,
        "before": change.before,
        "heard": state.heard,
        "fold": FOLD,
        "state": state.model_dump_json(exclude={"plan"}),
        "final": state.status.final,
        "wake": None if state.status.final else 0 if change.wake is None else micros(change.wake),
        "owner": change.held.owner if change.held else None,
        "epoch": change.held.epoch if change.held else None,
    }


def conflict(what: str, why: str | None = None) -> Conflict:
    return Conflict(Problem(code="store.conflict", what=what, why=why, mend="Read it again and decide again"))


def moved_on(id: str, events: int, before: int) -> Conflict:
    return conflict(f"{id} has moved on meanwhile", f"it has {events} events, not {before}")


def there_already(id: str) -> Conflict:
    return conflict(f"There is a rollout {id} already")


def environment_moved_on(service: str, name: str) -> Conflict:
    return conflict(f"Environment {name} of {service} has moved on meanwhile")


def lease_lost(held: Held, owner: str | None) -> LeaseLost:
    return LeaseLost(
        Problem(
            code="store.lease-lost",
            what=f"{held.owner} has no lease on {held.rollout} any more",
            why=f"{owner} has it now" if owner else "it was given back",
        )
    )
