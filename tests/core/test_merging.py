"""Several sources made one: every figure from one owner, nothing guessed, restarts shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pilotage.core.judging import Arm
from pilotage.core.merging import Merger, merge_histories, without_latency
from pilotage.core.telemetry import Reading

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def reading(old: dict[str, Any] | None, new: dict[str, Any] | None = None, **fields: Any) -> Reading:
    arms = {"old": None if old is None else Arm(**old), "new": None if new is None else Arm(**new)}
    return Reading(**{"at": NOW, **arms, **fields})


ROUTER = reading({"requests": 90, "errors": 1}, {"requests": 10, "errors": 0}, epoch="start-1")
SHOP = reading({"requests": 70, "orders": 7}, {"requests": 9, "orders": 1}, epoch="boot-1", notes=("a gap",))


def test_the_first_source_that_knows_a_figure_has_it() -> None:
    merged = Merger().merge([ROUTER, SHOP], NOW)
    assert merged.old == Arm(requests=90, errors=1, orders=7)
    assert merged.new == Arm(requests=10, errors=0, orders=1)
    assert merged.notes == ("a gap",)
    assert Merger().merge([SHOP, ROUTER], NOW).old == Arm(requests=70, errors=1, orders=7)


def test_a_silent_owner_is_not_stood_in_for() -> None:
    merger = Merger()
    merger.merge([ROUTER, SHOP], NOW)
    merged = merger.merge([None, SHOP], NOW)
    assert merged.old == Arm(orders=7)
    assert merged.new == Arm(orders=1)
    assert merger.merge([ROUTER, None], NOW).new == Arm(requests=10, errors=0)
    assert merger.merge([ROUTER, SHOP], NOW) == Merger().merge([ROUTER, SHOP], NOW)


def test_an_arm_is_unknown_only_when_everybody_answers_and_nobody_knows() -> None:
    merger = Merger()
    assert merger.merge([reading({"requests": 1}), reading({"orders": 1})], NOW).new is None
    assert merger.merge([None, reading({"orders": 1})], NOW).new == Arm()


def test_an_owner_that_comes_later_takes_its_figures_and_begins_a_new_epoch() -> None:
    merger = Merger()
    before = merger.merge([None, SHOP], NOW)
    after = merger.merge([ROUTER, SHOP], NOW)
    assert (before.old, after.old) == (Arm(requests=70, orders=7), Arm(requests=90, errors=1, orders=7))
    assert before.epoch != after.epoch


def test_the_epoch_follows_every_source_that_contributes() -> None:
    merger = Merger()
    first = merger.merge([ROUTER, SHOP], NOW).epoch
    assert merger.merge([ROUTER, None], NOW).epoch == first
    assert merger.merge([ROUTER, SHOP], NOW).epoch == first
    restarted = merger.merge([ROUTER, SHOP.model_copy(update={"epoch": "boot-2"})], NOW).epoch
    assert restarted != first
    idle = reading(None, None, epoch="one")
    with_idle = Merger()
    same = with_idle.merge([ROUTER, idle], NOW).epoch
    assert with_idle.merge([ROUTER, idle.model_copy(update={"epoch": "two"})], NOW).epoch == same


def test_the_epoch_of_an_only_source_is_its_own() -> None:
    assert Merger().merge([ROUTER], NOW) == ROUTER


def test_buckets_bounds_and_shards_come_from_their_owner_alone() -> None:
    shards = [{"requests": 40, "errors": 0, "latency_bucket": (1, 2)}, {"requests": 50, "errors": 1}]
    counts = reading({"requests": 90, "shards": [Arm(**one) for one in shards]})
    timed = reading({"latency_bucket": (5, 9)}, latency_bounds=(0.1,))
    merged = Merger().merge([counts, timed], NOW)
    assert merged.latency_bounds == (0.1,)
    assert merged.old is not None
    assert merged.old.latency_bucket == (5, 9)
    assert merged.old.shards == (Arm(requests=40, errors=0), Arm(requests=50, errors=1))


def test_without_latency_keeps_the_rest_and_says_so() -> None:
    given_ = reading(
        {"requests": 9, "latency_bucket": (1, 9)}, {"latency_bucket": (0, 1)}, latency_bounds=(1.0,)
    )
    bare = without_latency(given_, "other buckets")
    assert (bare.old, bare.new, bare.latency_bounds) == (Arm(requests=9), Arm(), ())
    assert bare.notes == ("other buckets",)


def test_histories_meet_where_their_times_are_near() -> None:
    seconds = timedelta(seconds=1)
    often = [reading({"requests": n}, at=NOW + 15 * n * seconds) for n in range(5)]
    seldom = [reading({"orders": n}, at=NOW + (15 * n + 3) * seconds) for n in (1, 3)]
    merged = merge_histories([(), seldom, often])
    assert [one.at for one in merged] == [one.at for one in often]
    orders = [None if one.old is None else (one.old.model_extra or {}).get("orders") for one in merged]
    assert orders == [None, 1, None, 3, None]
    assert merge_histories([(), ()]) == ()
    assert merge_histories([often[:1]]) == tuple(often[:1])


FIELDS = st.dictionaries(
    st.sampled_from(["requests", "errors", "orders", "cpu"]), st.integers(0, 99).map(float)
)
ARMS = st.none() | FIELDS
READINGS = st.none() | st.builds(reading, ARMS, ARMS, epoch=st.sampled_from([None, "a", "b"]))


@given(st.lists(st.lists(READINGS, min_size=3, max_size=3), min_size=1, max_size=6))
def test_a_figure_has_one_owner_and_changing_it_changes_the_epoch(looks: list[list[Reading | None]]) -> None:
    merger = Merger()
    owners: dict[str, int] = {}
    last: Reading | None = None
    for look in looks:
        before = dict(owners)
        merged = merger.merge(look, NOW)
        for place, one in enumerate(look):
            for arm in () if one is None else (one.old, one.new):
                for name in () if arm is None else arm.model_dump(exclude_none=True):
                    owners[name] = min(place, owners.get(name, place))
        for side in ("old", "new"):
            arm = getattr(merged, side)
            for name, value in ({} if arm is None else arm.model_dump(exclude_none=True)).items():
                owner = look[owners[name]]
                assert owner is not None
                assert getattr(getattr(owner, side), name) == value
        if last is not None and before != owners:
            assert merged.epoch != last.epoch
        last = merged
