"""The old version dies during a canary: the new one is not blamed, nothing is widened, users are served."""

from __future__ import annotations

import pytest
from fault_processes import kill
from fault_record import sound
from fault_shop import Shop
from fault_users import Users, only_what_nobody_may_repeat

from pilotage.core import events as e
from pilotage.core.state import Status

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-old-version-dies")]


def test_the_old_version_dies_and_comes_back(open_shop: Shop) -> None:
    shop = open_shop
    shop.write(steps=["20%", "50%"], hold="10s")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 200_000)
        users.once_around()
        die(shop)
        shop.until(lambda: shop.share("2.0") == 1_000_000)  # it stands in: the only one that is well
        problem = shop.until(lambda: shop.state_of(rollout).problem)
        assert problem.code == "rollout.old-version-down"
        only_what_nobody_may_repeat(users)
        users.begin_anew()
        before = shop.state_of(rollout)
        shop.until_held(rollout)
        shop.until(lambda: users.served > 200)  # judged long enough too: but for the old one it would go on
        state = shop.state_of(rollout)
        assert (state.status, state.position) == (Status.RUNNING, before.position), shop.told()
        assert not users.losses, users.told()
        assert users.answers["2.0"]

        repaired(shop)
        state = shop.until_final(rollout)
    sound(shop, rollout)
    assert state.status is Status.SUCCEEDED, shop.told()
    assert not [event for event in shop.events(rollout) if isinstance(event, e.TurnedBack)]
    assert not users.losses, users.told()


def test_a_person_may_let_the_new_version_go_on_when_it_is_the_repair(open_shop: Shop) -> None:
    shop = open_shop
    shop.write(hold="10s")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        users.once_around()
        die(shop)
        shop.until(lambda: shop.state_of(rollout).problem)
        users.begin_anew()
        done = shop.pilotage("promote", "--full")
        assert done.code == 0, done
        state = shop.until_final(rollout)
    assert sound(shop, rollout) == state
    assert (state.status, shop.live()) == (Status.SUCCEEDED, "2.0")
    assert not users.losses, users.told()


def test_a_way_back_to_a_dead_old_version_keeps_users_on_the_new_one_until_it_is_well(open_shop: Shop) -> None:
    """Guarantee 1 on the way back."""
    shop = open_shop
    shop.write(hold="5m")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        users.once_around()
        die(shop)
        shop.until(lambda: shop.share("2.0") == 1_000_000)
        users.begin_anew()
        shop.pilotage("abort", "--detach")
        shop.until(lambda: users.served > 200)
        assert shop.state_of(rollout).status is Status.ROLLING_BACK
        assert not users.losses, users.told()
        assert set(users.answers) == {"2.0"}
        repaired(shop)
        state = shop.until_final(rollout)
        shop.until(lambda: users.answers["1.0"])
    sound(shop, rollout)
    assert (state.status, shop.live()) == (Status.ROLLED_BACK, "1.0")
    assert not users.losses, users.told()


def die(shop: Shop) -> None:
    """kill -9 of all its programs and supervisors, and it does not come up again."""
    shop.set("dies", "1.0")
    kill(*shop.of_version("1.0"))


def repaired(shop: Shop) -> None:
    """By somebody who does not wait until the back-off is over."""
    shop.unset("dies", "1.0")
    kill(*shop.of_version("1.0"))
