"""MemoryStore: the Store port in memory, for tests and simulations. Holds to the same contract suite."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from pilotage.core.environment import Environment, Glance
from pilotage.core.events import Event, Message, Order
from pilotage.core.evidence import Statement
from pilotage.core.judging import Snapshot
from pilotage.core.readiness import Tick
from pilotage.core.retention import Pruned
from pilotage.core.state import State, Status
from pilotage.errors import Problem
from pilotage.ports import Change, Conflict, Held, LeaseLost, StoreError

_AT_ONCE = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Row:
    """What the store keeps of one rollout; ``wake`` is None exactly when it is final."""

    state: State
    wake: datetime | None
    events: tuple[Event, ...] = ()
    nudged: bool = False
    owner: str | None = None
    epoch: int = 0
    lease_until: datetime = _AT_ONCE


class MemoryStore:
    """Nothing is written anywhere. One event loop only.

    ``fail_next`` makes the next call fail before it does anything.
    """

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._environments: dict[tuple[str, str], Environment] = {}
        self._messages: dict[str, list[tuple[str | None, Message]]] = {}
        self._snapshots: dict[str, dict[int, Snapshot]] = {}
        self._checkpoints: dict[str, tuple[int, str]] = {}
        self._glances: dict[str, Glance] = {}
        self._ticks: list[Tick] = []
        self._pruned: dict[str, Pruned] = {}
        self._statements: dict[str, Statement] = {}
        self._failures: deque[StoreError] = deque()

    def fail_next(self, *problems: Problem | StoreError) -> None:
        """One problem for each of the next calls, in order."""
        self._failures.extend(p if isinstance(p, StoreError) else StoreError(p) for p in problems)

    async def commit(self, *changes: Change, environment: Environment | None = None) -> None:
        self._maybe_fail()
        kept = dict(self._rows)
        for change in changes:
            kept[change.state.id] = self._changed(kept.get(change.state.id), change)
        if environment is not None:
            stored = self._checked(environment)
            self._environments[stored.service, stored.name] = stored
            if stored.holder is None:
                kept.update(_nudged(kept, stored))
        self._rows = kept

    async def claim(
        self,
        owner: str,
        now: datetime,
        ttl: timedelta,
        limit: int,
        environments: Collection[str] | None = None,
    ) -> list[tuple[Held, State]]:
        self._maybe_fail()
        due = [
            (row.wake, id)
            for id, row in self._rows.items()
            if row.wake is not None
            and row.wake <= now
            and row.lease_until <= now
            and _served(row, environments)
        ]
        due.sort(key=lambda pair: pair[0])
        claimed = []
        for _, id in due[:limit]:
            row = self._rows[id]
            row = replace(row, owner=owner, epoch=row.epoch + 1, lease_until=now + ttl, nudged=False)
            self._rows[id] = row
            claimed.append((Held(rollout=id, owner=owner, epoch=row.epoch), row.state))
        return claimed

    async def renew(self, owner: str, now: datetime, ttl: timedelta, rollouts: Collection[str]) -> None:
        self._maybe_fail()
        for id, row in self._rows.items():
            if row.owner == owner and id in rollouts:
                self._rows[id] = replace(row, lease_until=now + ttl)

    async def take_over(self) -> None:
        self._maybe_fail()
        for id, row in self._rows.items():
            if row.wake is not None:
                self._rows[id] = replace(row, owner=None, lease_until=_AT_ONCE, wake=_AT_ONCE)

    async def release(self, held: Held, wake: datetime) -> None:
        self._maybe_fail()
        row = self._rows.get(held.rollout)
        if row is not None and _holds(row, held):
            wake = self._wake(row, row.state.heard, wake)
            self._rows[held.rollout] = replace(row, owner=None, lease_until=_AT_ONCE, wake=wake)

    async def send(
        self, rollout: str, order: Order, by: str, at: datetime, reason: str = "", key: str | None = None
    ) -> Message:
        self._maybe_fail()
        row = self._row(rollout)
        inbox = self._messages.setdefault(rollout, [])
        for known, message in inbox:
            if key is not None and known == key:
                return message
        if row.wake is None:
            status = row.state.status.value
            what = f"{rollout} has ended ({status}): it hears nothing any more"
            raise Conflict(Problem(code="rollout.ended", what=what))
        message = Message(number=len(inbox) + 1, order=order, by=by, at=at, reason=reason)
        inbox.append((key, message))
        if row.wake is not None:
            self._rows[rollout] = replace(row, wake=_AT_ONCE)
        return message

    async def messages(self, rollout: str, after: int) -> tuple[Message, ...]:
        self._maybe_fail()
        return tuple(message for _, message in self._messages.get(rollout, ()) if message.number > after)

    async def rollout(self, id: str) -> State:
        self._maybe_fail()
        return self._row(id).state

    async def rollouts(
        self,
        service: str | None = None,
        environment: str | None = None,
        *,
        unfinished: bool = False,
        limit: int = 50,
    ) -> list[State]:
        self._maybe_fail()
        states = (row.state for row in reversed(self._rows.values()))
        wanted = (
            state
            for state in states
            if service in (None, state.plan.service)
            and environment in (None, state.plan.environment)
            and not (unfinished and state.status.final)
        )
        return [state for _, state in zip(range(limit), wanted, strict=False)]

    async def events(self, rollout: str, after: int = 0) -> tuple[Event, ...]:
        self._maybe_fail()
        row = self._rows.get(rollout)
        return row.events[after:] if row else ()

    async def environment(self, service: str, name: str) -> Environment:
        self._maybe_fail()
        return self._environments.get((service, name)) or Environment(service=service, name=name)

    async def environments(self) -> list[Environment]:
        self._maybe_fail()
        return [environment for _, environment in sorted(self._environments.items(), key=lambda item: item[0])]

    async def tick(self, tick: Tick) -> None:
        self._maybe_fail()
        self._ticks.append(tick)

    async def ticks(self, plan: str) -> tuple[Tick, ...]:
        self._maybe_fail()
        return tuple(tick for tick in self._ticks if tick.plan == plan)

    async def attest(self, statement: Statement) -> None:
        self._maybe_fail()
        self._statements.setdefault(statement.digest, statement)

    async def statements(self, service: str) -> tuple[Statement, ...]:
        self._maybe_fail()
        return tuple(one for one in self._statements.values() if one.service == service)

    async def record(self, rollout: str, number: int, snapshot: Snapshot) -> None:
        self._maybe_fail()
        self._snapshots.setdefault(rollout, {}).setdefault(number, snapshot)

    async def snapshots(self, rollout: str, after: int = 0) -> list[tuple[int, Snapshot]]:
        self._maybe_fail()
        kept = sorted(self._snapshots.get(rollout, {}).items(), key=lambda item: item[0])
        return [(number, snapshot) for number, snapshot in kept if number > after]

    async def checkpoint(self, rollout: str, number: int, judge: dict[str, Any]) -> None:
        self._maybe_fail()
        self._checkpoints[rollout] = (number, json.dumps(judge))

    async def last_checkpoint(self, rollout: str) -> tuple[int, dict[str, Any]] | None:
        self._maybe_fail()
        kept = self._checkpoints.get(rollout)
        return None if kept is None else (kept[0], json.loads(kept[1]))

    async def put_glance(self, rollout: str, glance: Glance) -> None:
        self._maybe_fail()
        self._glances[rollout] = glance

    async def glance(self, rollout: str) -> Glance | None:
        self._maybe_fail()
        return self._glances.get(rollout)

    async def remembered(self) -> tuple[str, ...]:
        self._maybe_fail()
        orders = {id for id, kept in self._messages.items() if kept}
        return tuple(sorted({*self._snapshots, *self._checkpoints, *self._glances, *orders}))

    async def weight(self, rollout: str) -> dict[str, int]:
        self._maybe_fail()
        return {
            "snapshots": len(self._snapshots.get(rollout, ())),
            "checkpoints": int(rollout in self._checkpoints),
            "glances": int(rollout in self._glances),
            "messages": len(self._messages.get(rollout, ())),
        }

    async def forget(self, rollout: str, at: datetime) -> None:
        self._maybe_fail()
        if rollout not in self._rows:
            raise _unknown(rollout, self._rows)
        if not self._rows[rollout].state.status.final:
            what = f"{rollout} has not ended: nothing of it is forgotten"
            raise Conflict(Problem(code="rollout.unfinished", what=what, mend="`pilotage status`"))
        if kept := self._snapshots.pop(rollout, None):
            self._pruned.setdefault(rollout, Pruned(at=at, snapshots=len(kept)))
        for records in (self._checkpoints, self._glances, self._messages):
            records.pop(rollout, None)

    async def pruned(self, rollout: str) -> Pruned | None:
        self._maybe_fail()
        return self._pruned.get(rollout)

    async def close(self) -> None:
        """Forgets nothing, so that a test may look afterwards."""

    def _maybe_fail(self) -> None:
        if self._failures:
            raise self._failures.popleft()

    def _row(self, id: str) -> _Row:
        row = self._rows.get(id)
        if row is None:
            raise _unknown(id, self._rows)
        return row

    def _unheard(self, rollout: str, heard: int) -> bool:
        return any(message.number > heard for _, message in self._messages.get(rollout, ()))

    def _wake(self, row: _Row, heard: int, wake: datetime) -> datetime:
        """What came while somebody had the lease does not wait for the wake-up chosen before it came."""
        return _AT_ONCE if row.nudged or self._unheard(row.state.id, heard) else wake

    def _changed(self, row: _Row | None, change: Change) -> _Row:
        _check_numbers(change)
        state = change.state
        if not change.before:
            if row is not None:
                raise _conflict(f"There is a rollout {state.id} already")
            row = _Row(state, _AT_ONCE)
        elif row is None:
            raise _unknown(state.id, self._rows)
        elif change.held is not None and not _holds(row, change.held):
            raise _lease_lost(change.held)
        elif row.state.events != change.before:
            raise _conflict(f"{state.id} has moved on meanwhile")
        row = replace(row, state=state, events=row.events + change.events)
        if state.status.final:
            if self._unheard(state.id, state.heard):
                raise _conflict(f"{state.id} would end without having heard its last message")
            return replace(row, wake=None, owner=None, lease_until=_AT_ONCE)
        return replace(row, wake=self._wake(row, state.heard, change.wake or _AT_ONCE))

    def _checked(self, environment: Environment) -> Environment:
        known = self._environments.get((environment.service, environment.name))
        if environment.revision != (known.revision if known else 0):
            raise _conflict(f"Environment {environment.name} of {environment.service} has moved on meanwhile")
        return environment.model_copy(update={"revision": environment.revision + 1})


def _holds(row: _Row, held: Held) -> bool:
    return (row.owner, row.epoch) == (held.owner, held.epoch)


def _served(row: _Row, environments: Collection[str] | None) -> bool:
    plan = row.state.plan
    names = {plan.environment, f"{plan.service}/{plan.environment}"}
    return environments is None or not names.isdisjoint(environments)


def _nudged(rows: dict[str, _Row], free: Environment) -> dict[str, _Row]:
    """Those who wait for this environment, to be looked at again at once."""
    return {
        id: replace(row, wake=_AT_ONCE, nudged=True)
        for id, row in rows.items()
        if row.state.status is Status.QUEUED
        and (row.state.plan.service, row.state.plan.environment) == (free.service, free.name)
    }


def _check_numbers(change: Change) -> None:
    state = change.state
    if not change.before and not change.events:
        raise ValueError(f"{state.id}: a rollout begins with its first event")
    if state.events != change.before + len(change.events):
        raise ValueError(f"{state.id}: the state has {state.events} events, which are not those of the change")


def _conflict(what: str) -> Conflict:
    return Conflict(Problem(code="store.conflict", what=what, mend="Read it again and decide again"))


def _lease_lost(held: Held) -> LeaseLost:
    what = f"{held.owner} has no lease on {held.rollout} any more"
    return LeaseLost(Problem(code="store.lease-lost", what=what))


def _unknown(id: str, known: Iterable[str]) -> StoreError:
    near = get_close_matches(id, list(known), n=3)
    mend = f"Did you mean {' or '.join(near)}?" if near else "See `pilotage history`"
    return StoreError(Problem(code="rollout.unknown", what=f"There is no rollout {id}", mend=mend))
