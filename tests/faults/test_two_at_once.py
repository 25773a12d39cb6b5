"""Several releases at the same instant, and a second one while one runs."""

from __future__ import annotations

import json

import pytest
from fault_processes import kill
from fault_record import sound
from fault_shop import Shop, ended
from fault_users import Users

from pilotage.core import events as e
from pilotage.core.state import Status

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-two-at-once")]

AT_ONCE = 6


@pytest.mark.parametrize("first", [True, False], ids=["nothing-is-live", "1.0-is-live"])
def test_of_several_releases_at_once_exactly_one_begins(shop: Shop, first: bool) -> None:
    if not first:
        shop.release("1.0")
    shop.write(hold="5m")
    before = len(shop.rollouts)
    versions = ["2.0", "3.0"] * (AT_ONCE // 2)
    running = [shop.start("release", version, "--yes", "--detach", "--json") for version in versions]
    done = [ended(process) for process in running]
    begun = [json.loads(one.out)["rollout"] for one in done if one.code == 0]
    refused = [one for one in done if one.code != 0]
    assert len(begun) == 1, "\n".join(map(str, done))
    assert shop.rollouts[before:] == begun
    for one in refused:
        assert one.code == 5, one
        assert one.problems == ["release.busy"], one


def test_a_second_release_is_refused_and_changes_nothing(open_shop: Shop) -> None:
    shop = open_shop
    shop.write(hold="5m")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        done = shop.pilotage("release", "3.0", "--yes", "--json")
        assert (done.code, done.problems) == (5, ["release.busy"]), done
        assert shop.latest == rollout
        assert shop.state_of(rollout).status is Status.RUNNING
        assert not shop.of_version("3.0")
    assert not users.losses, users.told()


def test_one_that_supersedes_waits_for_the_way_back_and_has_the_same_one(open_shop: Shop) -> None:
    shop = open_shop
    shop.write(hold="5m")
    with Users(shop.listen) as users:
        first = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        second = shop.begin("3.0", "--supersede")
        assert shop.state_of(second).queued_behind == first
        state = shop.until_final(first)
        assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.SUPERSEDED)
        shop.until_share("3.0", 500_000, second)
        assert not shop.of_version("2.0")
        done = shop.pilotage("rollback", "--yes")
        assert done.code == 0, done
    sound(shop, first)
    state = sound(shop, second)
    assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.ASKED)
    assert state.plan.basis.live is not None
    assert state.plan.basis.live.version == "1.0"
    assert shop.live() == "1.0"
    assert set(shop.starts().values()) == {1}
    assert not users.losses, users.told()


def test_one_that_supersedes_and_is_killed_as_soon_as_it_has_begun_still_takes_its_place(
    open_shop: Shop,
) -> None:
    shop = open_shop
    shop.write(hold="5m")
    first = shop.begin("2.0")
    shop.until_share("2.0", 500_000)
    command = shop.start("release", "3.0", "--yes", "--supersede")
    shop.until(lambda: shop.latest != first)
    kill(command.pid)
    ended(command)
    assert shop.until_final(first).cause is e.Cause.SUPERSEDED
    shop.until_share("3.0", 500_000)
    sound(shop, first)


def test_of_several_that_supersede_at_once_one_is_next(open_shop: Shop) -> None:
    """Whoever comes too late is told so; nothing waits for ever."""
    shop = open_shop
    shop.write(hold="5m")
    first = shop.begin("2.0")
    shop.until_share("2.0", 500_000)
    running = [shop.start("release", "3.0", "--yes", "--detach", "--json", "--supersede") for _ in range(3)]
    done = [ended(process) for process in running]
    assert {one.code for one in done} <= {0, 5}, "\n".join(map(str, done))
    queued = [json.loads(one.out)["rollout"] for one in done if one.code == 0]
    assert queued
    assert shop.until_final(first).status is Status.ROLLED_BACK
    shop.until(lambda: any(500_000 in shop.reached("3.0", one) for one in queued))
    shop.pilotage("rollback", "--yes")
    for one in queued:
        if not shop.state_of(one).status.final:
            shop.pilotage("abort", one)
        sound(shop, one)
        assert shop.until_final(one).status in (Status.ROLLED_BACK, Status.VOID)
    assert shop.live() == "1.0"
