"""SqliteStore does exactly what MemoryStore does, whatever is done in whatever order."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from factories import (
    at,
    make_change,
    make_created,
    make_environment,
    make_finished,
    make_glance,
    make_plan,
    make_snapshot,
)
from pilotage.core import events as e
from pilotage.core.state import State, fold
from pilotage.errors import PilotageError
from pilotage.ports import Change, Held, Store
from pilotage.store.sqlite import SqliteStore
from pilotage.testing.store import MemoryStore

IDS = st.sampled_from(["shop-1", "shop-1", "shop-2", "till-1"])
WORKERS = st.sampled_from(["w1", "w2"])
PLANS = {name: make_plan(environment=name) for name in ("production", "staging")}
SECONDS = st.integers(-5, 60)
MOVES = st.sampled_from(["note", "start", "heard", "finish", "nothing", "two"])


class Both(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.stores: tuple[Store, Store] = (
            MemoryStore(),
            SqliteStore.open(Path(self.folder.name) / "pilotage.db"),
        )
        self.now = 0
        self.seen: dict[str, list[State]] = {}
        """Every state a rollout ever had: some callers have read long ago."""
        self.leases: list[Held] = []

    def teardown(self) -> None:
        self.both("close")
        self.runner.close()
        self.folder.cleanup()

    def both(self, call: str, *args: Any, **fields: Any) -> Any:
        model, real = (self.outcome(store, call, args, fields) for store in self.stores)
        assert model == real
        return model

    def outcome(self, store: Any, call: str, args: Any, fields: Any) -> Any:
        try:
            return self.runner.run(getattr(store, call)(*args, **fields))
        except PilotageError as error:
            return type(error), error.problems[0].code, error.problems[0].what
        except ValueError:
            return ValueError

    def commit(self, change: Change, **fields: Any) -> None:
        if self.both("commit", change, **fields) is None:
            self.seen.setdefault(change.state.id, []).append(change.state)

    @initialize(environment=st.sampled_from(sorted(PLANS)), queued=st.booleans())
    def begin(self, environment: str, queued: bool) -> None:
        self.create("shop-1", environment, queued)

    @rule(seconds=st.integers(1, 40))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(id=IDS, environment=st.sampled_from(sorted(PLANS)), queued=st.booleans())
    def another(self, id: str, environment: str, queued: bool) -> None:
        self.create(id, environment, queued)

    def create(self, id: str, environment: str, queued: bool) -> None:
        created = make_created(PLANS[environment], queued_behind="x" if queued else None, at=at(self.now))
        self.commit(make_change(id, created))

    @rule(data=st.data(), id=IDS, move=MOVES, wake=st.none() | SECONDS, leased=st.booleans())
    def change(self, data: st.DataObject, id: str, move: str, wake: int | None, leased: bool) -> None:
        known = self.seen.get(id)
        if not known:
            return
        latest = data.draw(st.booleans() | st.just(True))
        state = known[-1] if latest else data.draw(st.sampled_from(known))
        leases = [held for held in self.leases if held.rollout == id] if leased else []
        held = data.draw(st.just(leases[-1]) | st.sampled_from(leases)) if leases else None
        events = self.events(state, move)
        when = None if wake is None else at(self.now + wake)
        self.commit(make_change(state, *events, held=held, wake=when))

    def events(self, state: State, move: str) -> tuple[e.Event, ...]:
        now = at(self.now)
        note = e.Intended(at=now, key=f"k{state.events}", value="v", told="t")
        moves: dict[str, tuple[e.Event, ...]] = {
            "note": (note,),
            "start": (e.Started(at=now),),
            "heard": (e.Heard(at=now, upto=state.heard + 1),),
            "finish": (make_finished(at=now),),
            "nothing": (),
            "two": (note, e.Paused(at=now, reason="ö")),
        }
        return moves[move]

    @rule(worker=WORKERS, ttl=st.integers(0, 30), limit=st.integers(0, 3))
    def claim(self, worker: str, ttl: int, limit: int) -> None:
        claimed = self.both("claim", worker, at(self.now), timedelta(seconds=ttl), limit)
        self.leases += [held for held, _ in claimed]

    @rule(worker=WORKERS, ttl=st.integers(0, 30))
    def renew(self, worker: str, ttl: int) -> None:
        every = ["shop-1", "shop-2", "till-1"]
        self.both("renew", worker, at(self.now), timedelta(seconds=ttl), every)

    @rule(data=st.data(), wake=SECONDS)
    def release(self, data: st.DataObject, wake: int) -> None:
        if self.leases:
            self.both("release", data.draw(st.sampled_from(self.leases)), at(self.now + wake))

    @rule(id=IDS, order=st.sampled_from(e.Order), key=st.none() | st.sampled_from("kl"))
    def send(self, id: str, order: e.Order, key: str | None) -> None:
        self.both("send", id, order, "ada", at(self.now), key=key)

    @rule(
        name=st.sampled_from(sorted(PLANS)),
        revision=st.integers(0, 3),
        holder=st.none() | IDS,
        current=st.booleans(),
    )
    def environment(self, name: str, revision: int, holder: str | None, current: bool) -> None:
        known = self.both("environment", "shop", name)
        revision = known.revision if current else revision
        self.both("commit", environment=make_environment(name=name, revision=revision, holder=holder))

    @rule(id=IDS, other=IDS, name=st.sampled_from(sorted(PLANS)))
    def two_at_once(self, id: str, other: str, name: str) -> None:
        changes = [
            make_change(self.seen[one][-1], *self.events(self.seen[one][-1], "note"))
            for one in (id, other)
            if one in self.seen
        ]
        if self.both("commit", *changes, environment=make_environment(name=name)) is None:
            for change in changes:
                self.seen[change.state.id].append(change.state)

    @rule(id=IDS, number=st.integers(1, 4), second=st.floats(-10, 1e6))
    def telemetry(self, id: str, number: int, second: float) -> None:
        self.both("record", id, number, make_snapshot(second))
        self.both("checkpoint", id, number, {"wealth": second})
        self.both("put_glance", id, make_glance(at=at(self.now)))

    @rule(service=st.sampled_from([None, "shop", "till"]), name=st.none() | st.sampled_from(sorted(PLANS)),
          unfinished=st.booleans(), limit=st.integers(0, 5))  # fmt: skip
    def listing(self, service: str | None, name: str | None, unfinished: bool, limit: int) -> None:
        self.both("rollouts", service, name, unfinished=unfinished, limit=limit)

    @invariant()
    def both_show_the_same(self) -> None:
        for id in self.seen:
            state = self.both("rollout", id)
            assert state == fold(id, self.both("events", id))
            assert state == self.seen[id][-1]
            self.both("messages", id, state.heard)
            self.both("snapshots", id)
            self.both("last_checkpoint", id)
            self.both("glance", id)
        self.both("environments")


TestBoth = Both.TestCase
TestBoth.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
