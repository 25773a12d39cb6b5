"""What every store keeps to: the fake in memory, SQLite, and any to come. Add a maker to ``MAKERS``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from databases import Databases
from factories import (
    NOW,
    at,
    make_change,
    make_created,
    make_environment,
    make_finished,
    make_glance,
    make_history,
    make_plan,
    make_snapshot,
    make_statement,
)
from pilotage.core import events as e
from pilotage.core.environment import Care, Mend, follow
from pilotage.core.events import Order
from pilotage.core.readiness import Item, Readiness, Standing, Tick, Weight
from pilotage.core.retention import Pruned
from pilotage.core.state import State, Status, fold
from pilotage.ports import Change, Conflict, Held, LeaseLost, Store, StoreError
from pilotage.store.postgresql.store import PostgresStore
from pilotage.store.sqlite import SqliteStore
from pilotage.testing.store import MemoryStore

TTL = timedelta(seconds=30)
MAKERS: dict[str, Callable[[Path, Databases | None], Store]] = {
    "memory": lambda folder, _: MemoryStore(),
    "sqlite": lambda folder, _: SqliteStore.open(folder / "state" / "pilotage.db"),
    "postgresql": lambda folder, databases: open_postgresql(databases),
}
KINDS = [pytest.param(name, marks=[pytest.mark.real] if name == "postgresql" else []) for name in MAKERS]


class Desk:
    """A store without ``await``, and the few things every test here does."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._runner = asyncio.Runner()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.store, name)
        return lambda *args, **fields: self._runner.run(method(*args, **fields))

    def end(self) -> None:
        self.close()
        self._runner.close()

    def create(self, id: str = "shop-1", length: int = 1, **created: Any) -> State:
        plan = created.pop("plan", None)
        change = make_change(id, *make_history(length, plan, **created))
        self.commit(change)
        return change.state

    def hold(self, owner: str = "w1", now: float = 0, ttl: timedelta = TTL) -> tuple[Held, State]:
        """The one rollout that is due."""
        [claimed] = self.claim(owner, at(now), ttl, 10)
        return claimed

    def due(self, now: float, owner: str = "looker") -> list[str]:
        """Claims what is due, and says what that was."""
        return [held.rollout for held, _ in self.claim(owner, at(now), timedelta(0), 10)]


@pytest.fixture(params=KINDS)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    databases = request.getfixturevalue("databases") if request.param == "postgresql" else None
    desk = Desk(MAKERS[request.param](tmp_path, databases))
    yield desk
    desk.end()


def open_postgresql(databases: Databases | None) -> Store:
    assert databases is not None
    return PostgresStore.open(databases.emptied())


def note(text: str = "x", second: float = 1) -> e.Event:
    return e.Intended(at=at(second), key=text, value=text, told=text)


class TestHistory:
    def test_what_was_committed_is_read_back(self, desk: Desk) -> None:
        state = desk.create("shop-1", 3)
        assert desk.rollout("shop-1") == state
        assert desk.events("shop-1") == make_history(3)
        assert fold("shop-1", desk.events("shop-1")) == state

    def test_events_after_a_number(self, desk: Desk) -> None:
        desk.create("shop-1", 5)
        assert desk.events("shop-1", 3) == make_history(5)[3:]
        assert desk.events("shop-1", 5) == ()
        assert desk.events("nobody") == ()

    def test_instants_are_exact(self, desk: Desk) -> None:
        instant = NOW.replace(microsecond=123457)
        desk.create(at=instant)
        assert desk.rollout("shop-1").created == instant
        assert desk.events("shop-1")[0].at == instant

    def test_a_second_creation_is_refused(self, desk: Desk) -> None:
        state = desk.create()
        with pytest.raises(Conflict) as caught:
            desk.commit(make_change("shop-1", *make_history(2, by="bob")))
        assert caught.value.problems[0].code == "store.conflict"
        assert desk.rollout("shop-1") == state

    def test_the_second_of_two_who_read_the_same_is_refused(self, desk: Desk) -> None:
        state = desk.create()
        first, second = make_change(state, note("first")), make_change(state, note("second"))
        desk.commit(first)
        with pytest.raises(Conflict):
            desk.commit(second)
        assert desk.rollout("shop-1") == first.state
        assert desk.events("shop-1", 1) == first.events

    def test_a_change_to_nothing_is_refused(self, desk: Desk) -> None:
        with pytest.raises(StoreError) as caught:
            desk.commit(make_change(fold("ghost", make_history()), note()))
        assert caught.value.problems[0].code == "rollout.unknown"

    def test_a_state_that_does_not_fit_its_events_is_a_fault_of_the_caller(self, desk: Desk) -> None:
        state = desk.create()
        with pytest.raises(ValueError, match="not those of the change"):
            desk.commit(Change(state, (note(),), before=1))
        with pytest.raises(ValueError, match="begins with"):
            desk.commit(Change(state, (), before=0))
        assert desk.rollout("shop-1") == state

    def test_a_change_without_events_only_moves_the_wake_up(self, desk: Desk) -> None:
        state = desk.create()
        desk.commit(Change(state, (), before=1, wake=at(10)))
        assert desk.rollout("shop-1") == state
        assert desk.due(9.999999) == []
        assert desk.due(10) == ["shop-1"]

    def test_several_changes_are_one(self, desk: Desk) -> None:
        one, two = desk.create("shop-1"), desk.create("shop-2")
        desk.commit(make_change(one, note()))
        with pytest.raises(Conflict):
            desk.commit(make_change(two, note()), make_change(one, note()))
        assert desk.rollout("shop-2") == two
        assert len(desk.events("shop-2")) == 1

    def test_two_changes_of_the_same_rollout_follow_each_other(self, desk: Desk) -> None:
        first = make_change("shop-1", make_created())
        second = make_change(first.state, note())
        desk.commit(first, second)
        assert desk.rollout("shop-1") == second.state

    def test_an_unknown_rollout_names_the_nearest(self, desk: Desk) -> None:
        desk.create("shop-production-17")
        with pytest.raises(StoreError) as caught:
            desk.rollout("shop-prodcution-17")
        [problem] = caught.value.problems
        assert problem.code == "rollout.unknown"
        assert "shop-production-17" in (problem.mend or "")

    def test_the_newest_first(self, desk: Desk) -> None:
        desk.create("a", at=at(9))
        desk.create("b", plan=make_plan(environment="staging"))
        desk.create("c", plan=make_plan(service="till"))
        last = desk.create("d")
        desk.commit(make_change(last, make_finished()))

        def ids(*args: Any, **fields: Any) -> list[str]:
            return [state.id for state in desk.rollouts(*args, **fields)]

        assert ids() == ["d", "c", "b", "a"]
        assert ids("shop") == ["d", "b", "a"]
        assert ids("shop", "production") == ["d", "a"]
        assert ids(environment="production", unfinished=True) == ["c", "a"]
        assert ids(limit=2) == ["d", "c"]
        assert ids("nobody") == []


class TestEnvironments:
    def test_an_unknown_one_is_empty(self, desk: Desk) -> None:
        assert desk.environment("shop", "production") == make_environment()
        assert desk.environments() == []

    def test_it_is_stored_one_revision_higher(self, desk: Desk) -> None:
        desk.commit(environment=make_environment(holder="shop-1", rollouts=1))
        assert desk.environment("shop", "production") == make_environment(
            holder="shop-1", rollouts=1, revision=1
        )

    def test_with_what_a_rollout_made_of_it(self, desk: Desk) -> None:
        plan = make_plan()
        events = (make_created(plan), e.Promoted(at=at(1), release=plan.new.id))
        after = follow(make_environment(), "shop-1", plan, events)
        desk.commit(make_change("shop-1", *events), environment=after)
        assert desk.environment("shop", "production") == after.model_copy(update={"revision": 1})

    def test_what_is_done_about_it_at_rest_is_one_workers(self, desk: Desk) -> None:
        desk.commit(environment=make_environment())
        mend = Mend(at=NOW, by="first", what="routing was another's")
        care = Care(by="first", until=NOW + TTL, doing="shop.1 did not run", mends=(mend,))
        desk.commit(environment=make_environment(revision=1, care=care))
        with pytest.raises(Conflict):
            desk.commit(environment=make_environment(revision=1, care=Care(by="second")))
        assert desk.environment("shop", "production").care == care

    @pytest.mark.parametrize("stored", [0, 1, 2])
    def test_only_from_the_revision_that_is_stored(self, desk: Desk, stored: int) -> None:
        for revision in range(stored):
            desk.commit(environment=make_environment(revision=revision))
        for revision in {0, 1, 2, 3} - {stored}:
            with pytest.raises(Conflict):
                desk.commit(environment=make_environment(revision=revision, holder="late"))
        assert desk.environment("shop", "production") == make_environment(revision=stored)

    def test_its_conflict_takes_the_changes_with_it(self, desk: Desk) -> None:
        state = desk.create()
        with pytest.raises(Conflict):
            desk.commit(
                make_change(state, note()), make_change("shop-2", make_created()),
                environment=make_environment(revision=7),
            )  # fmt: skip
        assert [known.id for known in desk.rollouts()] == ["shop-1"]
        assert desk.rollout("shop-1") == state

    def test_a_conflict_of_a_change_takes_it_along(self, desk: Desk) -> None:
        state = desk.create()
        desk.commit(make_change(state, note()))
        with pytest.raises(Conflict):
            desk.commit(make_change(state, note()), environment=make_environment())
        assert desk.environments() == []

    def test_all_by_name(self, desk: Desk) -> None:
        for service, name in [("till", "a"), ("shop", "b"), ("shop", "a")]:
            desk.commit(environment=make_environment(service=service, name=name))
        known = [(environment.service, environment.name) for environment in desk.environments()]
        assert known == [("shop", "a"), ("shop", "b"), ("till", "a")]


class TestLeases:
    def test_a_new_rollout_is_due_at_once(self, desk: Desk) -> None:
        state = desk.create()
        assert desk.hold("w1") == (Held("shop-1", "w1", 1), state)

    def test_nobody_else_gets_what_is_held(self, desk: Desk) -> None:
        desk.create()
        desk.hold("w1")
        assert desk.claim("w2", at(29.999999), TTL, 10) == []
        assert desk.claim("w1", at(29.999999), TTL, 10) == []

    def test_a_lease_that_ran_out_is_taken_with_a_higher_epoch(self, desk: Desk) -> None:
        desk.create()
        desk.hold("w1")
        held, _ = desk.hold("w2", now=30)
        assert held == Held("shop-1", "w2", 2)

    def test_renewed_leases_stay(self, desk: Desk) -> None:
        desk.create()
        desk.hold("w1")
        desk.renew("w2", at(20), TTL, ["shop-1"])
        desk.renew("w1", at(20), TTL, ["shop-1"])
        assert desk.claim("w2", at(49), TTL, 10) == []
        assert desk.hold("w2", now=50)[0].epoch == 2

    def test_a_lease_that_its_owner_does_not_drive_runs_out(self, desk: Desk) -> None:
        desk.create()
        desk.create("shop-2", plan=make_plan(environment="staging"))
        desk.claim("w1", at(0), TTL, 10)
        desk.renew("w1", at(20), TTL, ["shop-2"])
        assert [held.rollout for held, _ in desk.claim("w2", at(30), TTL, 10)] == ["shop-1"]

    def test_an_empty_change_tells_whether_the_lease_still_holds(self, desk: Desk) -> None:
        desk.create()
        held, state = desk.hold("w1")
        desk.commit(make_change(state, held=held, wake=at(5)))
        assert desk.events("shop-1") == desk.events("shop-1")[: state.events]
        desk.hold("w2", now=30)
        with pytest.raises(LeaseLost):
            desk.commit(make_change(state, held=held, wake=at(5)))

    def test_a_lease_that_was_taken_away_is_not_renewed(self, desk: Desk) -> None:
        desk.create()
        desk.hold("w1")
        desk.hold("w2", now=30)
        desk.renew("w1", at(31), TTL * 10, ["shop-1"])
        assert desk.hold("w3", now=60)[0] == Held("shop-1", "w3", 3)

    def test_the_limit_takes_those_who_wait_longest(self, desk: Desk) -> None:
        for number, wake in enumerate([3, 1, 2]):
            state = desk.create(f"shop-{number}")
            desk.commit(Change(state, (), before=1, wake=at(wake)))
        assert [held.rollout for held, _ in desk.claim("w1", at(9), TTL, 2)] == ["shop-1", "shop-2"]
        assert [held.rollout for held, _ in desk.claim("w1", at(9), TTL, 2)] == ["shop-0"]

    def test_the_holder_commits_and_keeps_the_lease(self, desk: Desk) -> None:
        desk.create()
        held, state = desk.hold()
        change = make_change(state, note(), held=held)
        desk.commit(change)
        desk.commit(make_change(change.state, note(), held=held))
        assert desk.claim("w2", at(1), TTL, 10) == []

    def test_a_holder_whose_lease_ran_out_unnoticed_still_commits(self, desk: Desk) -> None:
        desk.create()
        held, state = desk.hold()
        desk.commit(make_change(state, note(second=99), held=held))
        assert len(desk.events("shop-1")) == 2

    @pytest.mark.parametrize("by", ["another", "the same again", "nobody"])
    def test_a_lost_lease_changes_nothing(self, desk: Desk, by: str) -> None:
        desk.create()
        held, state = desk.hold("w1")
        if by == "nobody":
            desk.release(held, at(5))
        else:
            desk.hold("w1" if by == "the same again" else "w2", now=40)
        with pytest.raises(LeaseLost) as caught:
            desk.commit(make_change(state, note(), held=held), environment=make_environment())
        assert caught.value.problems[0].code == "store.lease-lost"
        assert desk.rollout("shop-1") == state
        assert desk.environments() == []

    def test_a_holder_that_was_overtaken_without_a_lease_has_a_conflict(self, desk: Desk) -> None:
        desk.create()
        held, state = desk.hold()
        desk.commit(make_change(state, note("handover")))
        with pytest.raises(Conflict) as caught:
            desk.commit(make_change(state, note(), held=held))
        assert not isinstance(caught.value, LeaseLost)

    def test_what_is_given_back_is_due_when_it_asked_to_be(self, desk: Desk) -> None:
        desk.create()
        held, _ = desk.hold()
        desk.release(held, at(5.000002))
        assert desk.due(5.000001) == []
        assert desk.due(5.000002) == ["shop-1"]

    def test_giving_back_what_is_lost_changes_nothing(self, desk: Desk) -> None:
        desk.create()
        lost, _ = desk.hold("w1")
        kept, state = desk.hold("w2", now=30)
        desk.release(lost, at(0))
        assert desk.claim("w3", at(59), TTL, 10) == []
        desk.commit(make_change(state, note(), held=kept))
        desk.release(Held("ghost", "w1", 1), at(0))

    def test_a_committed_wake_up_counts_when_the_holder_dies(self, desk: Desk) -> None:
        desk.create()
        held, state = desk.hold()
        desk.commit(make_change(state, note(), held=held, wake=at(100)))
        assert desk.due(99) == []
        assert desk.due(100) == ["shop-1"]

    @pytest.mark.parametrize("ending", list(e.Ending))
    def test_a_final_state_ends_the_lease_for_ever(self, desk: Desk, ending: e.Ending) -> None:
        desk.create()
        held, state = desk.hold()
        over = make_change(state, make_finished(ending), held=held, wake=at(1))
        desk.commit(over)
        desk.renew("w1", at(1), TTL, [state.id])
        desk.release(held, at(0))
        assert desk.due(10**6) == []
        with pytest.raises(LeaseLost):
            desk.commit(make_change(over.state, note(), held=held))

    def test_a_rollout_created_final_is_never_due(self, desk: Desk) -> None:
        desk.commit(make_change("shop-1", make_created(), make_finished(e.Ending.VOID)))
        assert desk.due(10**6) == []

    def test_only_of_the_environments_that_are_named(self, desk: Desk) -> None:
        for number, name in enumerate(["production", "staging", "test"]):
            desk.create(f"shop-{number}", plan=make_plan(environment=name))
        claim = partial(desk.claim, "w1", at(0), timedelta(0), 10)
        assert sorted(held.rollout for held, _ in claim(["staging", "shop/test"])) == ["shop-1", "shop-2"]
        assert claim(["shop", "till/test", "stag"]) == []
        assert claim([]) == []
        assert len(claim(None)) == 3


class TestInbox:
    def test_messages_are_numbered_in_order(self, desk: Desk) -> None:
        desk.create()
        first = desk.send("shop-1", Order.PAUSE, "ada", at(1), reason="lunch")
        second = desk.send("shop-1", Order.RESUME, "ada", at(2))
        assert first == e.Message(number=first.number, order=Order.PAUSE, by="ada", at=at(1), reason="lunch")
        assert first.number < second.number
        assert desk.messages("shop-1", 0) == (first, second)
        assert desk.messages("shop-1", first.number) == (second,)
        assert desk.messages("shop-2", 0) == ()

    def test_numbers_begin_above_what_is_heard(self, desk: Desk) -> None:
        assert desk.create().heard < desk.send("shop-1", Order.PAUSE, "ada", at(1)).number

    def test_to_an_unknown_rollout(self, desk: Desk) -> None:
        with pytest.raises(StoreError) as caught:
            desk.send("ghost", Order.PAUSE, "ada", NOW)
        assert caught.value.problems[0].code == "rollout.unknown"

    def test_the_same_key_is_stored_once_in_each_rollout(self, desk: Desk) -> None:
        desk.create("shop-1")
        desk.create("shop-2")
        first = desk.send("shop-1", Order.PAUSE, "ada", at(1), key="k")
        assert desk.send("shop-1", Order.PAUSE, "ada", at(2), key="k") == first
        desk.send("shop-2", Order.PAUSE, "ada", at(1), key="k")
        desk.send("shop-1", Order.PAUSE, "ada", at(3))
        desk.send("shop-1", Order.PAUSE, "ada", at(3))
        assert len(desk.messages("shop-1", 0)) == 3
        assert len(desk.messages("shop-2", 0)) == 1

    def test_a_message_wakes(self, desk: Desk) -> None:
        state = desk.create()
        desk.commit(Change(state, (), before=1, wake=at(1000)))
        desk.send("shop-1", Order.PAUSE, "ada", at(1))
        assert desk.due(0) == ["shop-1"]

    def test_what_is_final_takes_no_message(self, desk: Desk) -> None:
        desk.commit(make_change("shop-1", make_created(), make_finished()))
        with pytest.raises(Conflict, match="has ended"):
            desk.send("shop-1", Order.ROLLBACK, "ada", at(1))
        assert desk.messages("shop-1", 0) == ()
        assert desk.due(10**6) == []

    def test_nothing_ends_without_having_heard_its_messages(self, desk: Desk) -> None:
        """An order that comes in the last moment is followed or refused, never lost."""
        desk.create()
        held, state = desk.hold()
        desk.send("shop-1", Order.ROLLBACK, "ada", at(1))
        with pytest.raises(Conflict, match="without having heard"):
            desk.commit(make_change(state, make_finished(), held=held))
        assert desk.rollout("shop-1") == state
        desk.commit(make_change(state, e.Heard(at=at(1), upto=1), make_finished(), held=held))
        assert desk.rollout("shop-1").status.final

    def test_the_only_worker_takes_everything_over(self, desk: Desk) -> None:
        desk.create()
        held, state = desk.hold()
        assert desk.due(1) == []
        desk.take_over()
        after, _ = desk.hold()
        assert after.epoch > held.epoch
        with pytest.raises(LeaseLost):
            desk.commit(make_change(state, note(), held=held))

    def test_a_message_does_not_break_a_lease(self, desk: Desk) -> None:
        desk.create()
        desk.hold()
        desk.send("shop-1", Order.PAUSE, "ada", at(1))
        assert desk.due(2) == []

    @pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
    def test_a_message_after_the_last_look_is_not_lost(self, desk: Desk, moment: str) -> None:
        desk.create()
        held, state = desk.hold()
        assert desk.messages("shop-1", state.heard) == ()
        if moment == "before the commit":
            desk.send("shop-1", Order.ABORT, "ada", at(1))
        desk.commit(make_change(state, note(), held=held, wake=at(1000)))
        if moment == "after the commit":
            desk.send("shop-1", Order.ABORT, "ada", at(1))
        desk.release(held, at(1000))
        assert desk.due(2) == ["shop-1"]

    def test_nor_when_the_worker_dies_instead_of_giving_back(self, desk: Desk) -> None:
        desk.create()
        held, state = desk.hold()
        desk.send("shop-1", Order.ABORT, "ada", at(1))
        desk.commit(make_change(state, note(), held=held, wake=at(1000)))
        assert desk.due(30) == ["shop-1"]

    def test_a_heard_message_wakes_no_more(self, desk: Desk) -> None:
        desk.create()
        held, state = desk.hold()
        message = desk.send("shop-1", Order.PAUSE, "ada", at(1))
        heard = (e.Paused(at=at(1)), e.Heard(at=at(1), upto=message.number))
        desk.commit(make_change(state, *heard, held=held))
        desk.release(held, at(1000))
        assert desk.due(999) == []
        assert desk.due(1000) == ["shop-1"]

    def test_nor_when_the_worker_dies_after_hearing_it(self, desk: Desk) -> None:
        desk.create()
        held, state = desk.hold()
        message = desk.send("shop-1", Order.PAUSE, "ada", at(1))
        heard = (e.Paused(at=at(1)), e.Heard(at=at(1), upto=message.number))
        desk.commit(make_change(state, *heard, held=held, wake=at(1000)))
        assert desk.due(999) == []
        assert desk.due(1000) == ["shop-1"]


class TestQueue:
    @staticmethod
    def waiting(desk: Desk, environment: str = "production") -> State:
        plan = make_plan(environment=environment)
        state = desk.create(f"waits-{environment}", plan=plan, queued_behind="shop-0")
        assert state.status is Status.QUEUED
        desk.commit(Change(state, (), before=1, wake=at(1000)))
        return state

    def test_a_free_environment_wakes_its_queue(self, desk: Desk) -> None:
        self.waiting(desk)
        self.waiting(desk, "staging")
        desk.commit(environment=make_environment(holder="shop-0"))
        assert desk.due(1) == []
        desk.commit(environment=make_environment(revision=1, holder=None))
        assert desk.due(1) == ["waits-production"]

    def test_also_one_that_is_being_looked_at(self, desk: Desk) -> None:
        state = self.waiting(desk)
        held, _ = desk.hold(now=1000)
        desk.commit(environment=make_environment())
        desk.commit(Change(state, (), before=1, held=held, wake=at(2000)))
        desk.release(held, at(2000))
        assert desk.due(1001) == ["waits-production"]

    def test_but_once(self, desk: Desk) -> None:
        self.waiting(desk)
        desk.commit(environment=make_environment())
        held, _ = desk.hold(now=1)
        desk.release(held, at(1000))
        assert desk.due(999) == []

    def test_running_ones_sleep_on(self, desk: Desk) -> None:
        state = desk.create()
        desk.commit(Change(state, (), before=1, wake=at(1000)))
        desk.commit(environment=make_environment())
        assert desk.due(999) == []


class TestTelemetry:
    def test_snapshots_by_number(self, desk: Desk) -> None:
        for number in (2, 1, 3):
            desk.record("shop-1", number, make_snapshot(number / 3))
        desk.record("shop-2", 1, make_snapshot(9))
        assert desk.snapshots("shop-1") == [(n, make_snapshot(n / 3)) for n in (1, 2, 3)]
        assert desk.snapshots("shop-1", 2) == [(3, make_snapshot(1.0))]
        assert desk.snapshots("nobody") == []

    def test_the_same_number_again_changes_nothing(self, desk: Desk) -> None:
        desk.record("shop-1", 1, make_snapshot(1))
        desk.record("shop-1", 1, make_snapshot(2))
        assert desk.snapshots("shop-1") == [(1, make_snapshot(1))]

    def test_what_could_not_be_read_stays_unknown(self, desk: Desk) -> None:
        blind = make_snapshot(1, control=None, extra="kept")
        desk.record("shop-1", 1, blind)
        assert desk.snapshots("shop-1") == [(1, blind)]

    def test_the_last_checkpoint_replaces_the_one_before(self, desk: Desk) -> None:
        assert desk.last_checkpoint("shop-1") is None
        memory = {"wealth": 0.1 + 0.2, "low": float("-inf"), "list": [1, None, "ü"]}
        desk.checkpoint("shop-1", 1, {"wealth": 1})
        desk.checkpoint("shop-1", 7, memory)
        assert desk.last_checkpoint("shop-1") == (7, memory)
        assert desk.last_checkpoint("shop-2") is None

    def test_a_checkpoint_is_a_copy(self, desk: Desk) -> None:
        memory = {"list": [1]}
        desk.checkpoint("shop-1", 1, memory)
        memory["list"].append(2)
        assert desk.last_checkpoint("shop-1") == (1, {"list": [1]})

    def test_the_last_glance(self, desk: Desk) -> None:
        assert desk.glance("shop-1") is None
        desk.put_glance("shop-1", make_glance(at=at(1)))
        desk.put_glance("shop-1", make_glance(at=at(2)))
        assert desk.glance("shop-1") == make_glance(at=at(2))


class TestStatements:
    def test_they_are_kept_once_in_order_and_by_service(self, desk: Desk) -> None:
        passed = make_statement(unseen=None)
        failed = make_statement(at=at(60), failures=("the routing is not what it was ☂",))
        other = make_statement(service="till")
        for statement in (passed, other, failed, passed):
            desk.attest(statement)
        assert desk.statements("shop") == (passed, failed)
        assert [one.digest for one in desk.statements("shop")] == [passed.digest, failed.digest]
        assert desk.statements("till") == (other,)
        assert desk.statements("nobody") == ()


class TestTicks:
    def test_they_are_kept_in_order_and_plan_by_plan(self, desk: Desk) -> None:
        first = Tick(plan="sha256:a", step="backup", by="ada", at=NOW)
        taken_back = Tick(plan="sha256:a", step="backup", by="kofi", at=at(60), done=False, note="it was stale")
        other = Tick(plan="sha256:b", step="backup", by="ada", at=NOW)
        for tick in (first, other, taken_back, first):
            desk.tick(tick)
        assert desk.ticks("sha256:a") == (first, taken_back, first)
        assert desk.ticks("sha256:b") == (other,)
        assert desk.ticks("sha256:c") == ()

    def test_a_creation_keeps_how_ready_it_was(self, desk: Desk) -> None:
        item = Item(subject="training", what="support knows it", standing=Standing.OVERDUE, weight=Weight.WARN)
        ready = Readiness(at=NOW, release_file="sha256:f", items=(item,))
        desk.create("shop-1", readiness=ready)
        [created] = desk.events("shop-1")
        assert created.readiness == ready


class TestForgetting:
    def fill(self, desk: Desk, id: str = "shop-1") -> State:
        state = desk.create(id)
        for number in (1, 2):
            desk.record(id, number, make_snapshot(number))
        desk.checkpoint(id, 2, {"level": 1})
        desk.put_glance(id, make_glance())
        desk.send(id, Order.PAUSE, "ada", NOW, key="k")
        return state

    def end(self, desk: Desk, state: State) -> State:
        change = make_change(state, e.Heard(at=at(1), upto=1), make_finished())
        desk.commit(change)
        return change.state

    def test_what_ended_is_forgotten_and_its_history_stays(self, desk: Desk) -> None:
        ended = self.end(desk, self.fill(desk))
        other = self.fill(desk, "shop-2")
        events = desk.events("shop-1")
        assert desk.remembered() == ("shop-1", "shop-2")
        assert desk.weight("shop-1") == {"snapshots": 2, "checkpoints": 1, "glances": 1, "messages": 1}
        for later in (5, 6):  # as when the first answer was lost
            desk.forget("shop-1", at(later))
        assert desk.remembered() == ("shop-2",)
        assert set(desk.weight("shop-1").values()) == {0}
        assert desk.pruned("shop-1") == Pruned(at=at(5), snapshots=2)
        assert (desk.snapshots("shop-1"), desk.last_checkpoint("shop-1"), desk.glance("shop-1")) == (
            [],
            None,
            None,
        )
        assert desk.messages("shop-1", 0) == ()
        assert desk.rollout("shop-1") == ended
        assert desk.events("shop-1") == events
        assert len(desk.snapshots(other.id)) == 2
        assert desk.pruned(other.id) is None

    def test_nothing_of_what_goes_on(self, desk: Desk) -> None:
        self.fill(desk)
        with pytest.raises(Conflict) as caught:
            desk.forget("shop-1", NOW)
        assert caught.value.problems[0].code == "rollout.unfinished"
        assert desk.weight("shop-1")["messages"] == 1
        assert len(desk.snapshots("shop-1")) == 2

    def test_of_nobody(self, desk: Desk) -> None:
        with pytest.raises(StoreError) as caught:
            desk.forget("nobody", NOW)
        assert caught.value.problems[0].code == "rollout.unknown"
        assert desk.pruned("nobody") is None

    def test_where_nothing_was_recorded_nothing_is_said_to_be_gone(self, desk: Desk) -> None:
        state = desk.create()
        desk.commit(make_change(state, make_finished()))
        desk.forget("shop-1", NOW)
        assert desk.pruned("shop-1") is None
