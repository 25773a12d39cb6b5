"""Releases that are judged by what the shop itself counts, behind the real proxy."""

from __future__ import annotations

from typing import Any

import pytest
from fault_record import sound
from fault_shop import Shop
from fault_users import Users

from pilotage.core import events as e
from pilotage.core.judging import Outcome, Verdict
from pilotage.core.state import Status

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-judged-by-orders")]


@pytest.fixture
def counting_shop(shop: Shop) -> Shop:
    """1.0 is live; orders must be shown to be fine before a version may go on."""
    local: dict[str, Any] = shop.manifest["environments"]["local"]
    local["telemetry"] = [
        "router",
        {
            "kind": "http",
            "url": f"http://127.0.0.1:{shop.listen}/figures/{{version}}",
            "figures": {"orders": "/shop/orders", "pages": "/shop/pages"},
        },
    ]
    orders = {"kind": "count", "per": "pages", "worse": "less", "role": "must", "ratio": 1.1, "pass_ratio": 2}
    shop.manifest["judge"]["measures"] = {"orders": orders}
    shop.write()
    shop.release("1.0")
    return shop


def verdict(shop: Shop, rollout: str, outcome: Outcome) -> Verdict:
    judged = [event.verdict for event in shop.events(rollout) if isinstance(event, e.Judged)]
    return next(one for one in judged if one.outcome is outcome)


def test_a_version_that_sells_as_well_is_promoted_by_it(counting_shop: Shop) -> None:
    shop = counting_shop
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        state = shop.until_final(rollout)
    assert state.status is Status.SUCCEEDED, shop.told()
    (orders,) = [one for one in verdict(shop, rollout, Outcome.PASS).measures if one.name == "orders"]
    assert orders.for_ >= 1, orders
    assert not users.losses, users.told()


def test_a_version_that_answers_well_and_sells_less_is_taken_back_by_it(counting_shop: Shop) -> None:
    shop = counting_shop
    shop.set("unsold", "2.0")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        shop.until_final(rollout)
    state = sound(shop, rollout)
    assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.JUDGED), shop.told()
    assert verdict(shop, rollout, Outcome.FAIL).blame == ("orders",)
    assert "orders" in shop.pilotage("why").out
    assert not users.losses, users.told()


def test_while_nobody_tells_the_orders_it_holds_and_says_so(counting_shop: Shop) -> None:
    shop = counting_shop
    shop.set("mute", "any")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        users.begin_anew()
        shop.until(lambda: users.answers["2.0"] > 300)
        held = shop.state_of(rollout)
        told = [event.problem.code for event in shop.events(rollout) if isinstance(event, e.ProblemRaised)]
        shop.unset("mute", "any")
        state = shop.until_final(rollout)
    assert held.status is Status.RUNNING, shop.told()
    assert held.promoted is None
    assert "telemetry.refused" in told, shop.told()
    assert state.status is Status.SUCCEEDED, shop.told()
