"""New versions that do not get well, or die: users keep being served, and the reason is told."""

from __future__ import annotations

import pytest
from fault_processes import kill
from fault_record import sound
from fault_shop import Shop
from fault_users import Users, only_what_nobody_may_repeat

from pilotage.core import events as e
from pilotage.core.state import Status

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-new-version-fails")]


def test_one_that_never_becomes_healthy_is_taken_back_before_any_user_sees_it(open_shop: Shop) -> None:
    shop = open_shop
    shop.set("sick", "2.0")
    shop.write(ready_within="4s")
    with Users(shop.listen) as users:
        done = shop.pilotage("release", "2.0", "--yes")
    assert done.code == 6, done
    state = sound(shop, shop.latest)
    assert (state.status, state.cause, state.exposed_at) == (Status.ROLLED_BACK, e.Cause.UNHEALTHY, None)
    assert "0 of 2 instances of 2.0 were healthy" in state.why[0]
    assert not shop.of_version("2.0")
    assert not users.losses, users.told()
    assert set(users.answers) == {"1.0"}


def test_one_that_crashes_at_its_start_is_taken_back_and_its_last_words_are_told(open_shop: Shop) -> None:
    shop = open_shop
    shop.set("dies", "2.0")
    with Users(shop.listen) as users:
        done = shop.pilotage("release", "2.0", "--yes")
    assert done.code == 6, done
    state = sound(shop, shop.latest)
    assert (state.status, state.cause, state.exposed_at) == (Status.ROLLED_BACK, e.Cause.UNHEALTHY, None)
    words = shop.pilotage("why").out
    assert "the ledger of 2.0 is locked: giving up" in words
    assert "exit 3" in words
    assert not shop.of_version("2.0")
    assert not users.losses, users.told()
    assert set(users.answers) == {"1.0"}


def test_one_that_dies_at_half_of_the_traffic_is_taken_back(open_shop: Shop) -> None:
    """kill -9 of all its programs and supervisors, and it does not come up again."""
    shop = open_shop
    shop.write(hold="5m")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        users.once_around()
        shop.set("dies", "2.0")
        kill(*shop.of_version("2.0"))
        state = shop.until_final(rollout)
        shop.until(lambda: users.served > 50)
    sound(shop, rollout)
    assert (state.status, state.promoted) == (Status.ROLLED_BACK, None), shop.told()
    assert state.cause in (e.Cause.UNHEALTHY, e.Cause.JUDGED)
    assert shop.live() == "1.0"
    assert not shop.of_version("2.0")
    only_what_nobody_may_repeat(users)


def test_one_instance_of_the_new_version_that_dies_is_started_again(open_shop: Shop) -> None:
    shop = open_shop
    shop.write(hold="5m")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        users.once_around()
        kill(*shop.of_version("2.0")[:1])  # a supervisor: its program is adopted by the next one
        programs = [pid for pid in shop.of_version("2.0") if "app.py" in shop.processes().get(pid, "")]
        kill(programs[0])
        shop.until(lambda: shop.starts()["2.0.1"] + shop.starts()["2.0.2"] == 3)
        shop.let_go_on(rollout)
        state = shop.until_final(rollout)
    sound(shop, rollout)
    assert state.status is Status.SUCCEEDED, shop.told()
    assert shop.starts()["2.0.1"] + shop.starts()["2.0.2"] == 3
    only_what_nobody_may_repeat(users)
