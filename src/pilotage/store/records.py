"""What every database of ours keeps in the same way: a change as one row, and why a change is refused."""

from __future__ import annotations

from pilotage.core.events import Event
from pilotage.core.keeping import TABLES
from pilotage.core.state import State
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


def as_new(state: State, events: tuple[Event, ...]) -> dict[str, object]:
    """The columns of a rollout that is put in with its whole history: nobody's, and due unless it is final."""
    return columns(Change(state, events, before=0))


def insert(table: str, mark: str = "?") -> str:
    """The statement for a row of a table of ``keeping.TABLES``; ``mark`` stands for a value."""
    names = TABLES[table]
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})"


def not_empty(where: str) -> Conflict:
    what = f"{where} has a record already"
    mend = (
        "Name another state; or --replace puts the backup in its place (what is there is kept in a file first)"
    )
    return Conflict(Problem(code="store.not-empty", what=what, mend=mend))


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
