"""The proxy is killed, broken or refuses: users get back what they had, and the rollout goes on or back."""

from __future__ import annotations

import pytest
from fault_processes import kill
from fault_record import sound
from fault_shop import Shop
from fault_users import Users

from pilotage.core import events as e
from pilotage.core.state import Status

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-proxy-faults")]


@pytest.mark.parametrize("worker_too", [False, True], ids=["alone", "with-the-worker"])
def test_a_proxy_killed_with_its_supervisor_comes_back_with_the_same_shares(
    open_shop: Shop, worker_too: bool
) -> None:
    shop = open_shop
    shop.write(hold="5m")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        revision = shop.state_of(rollout).revision
        dead = shop.proxy()
        assert len(dead) == 2
        if worker_too:
            shop.stop_workers()
        kill(*dead)
        worker = shop.worker() if worker_too else None
        shop.until(lambda: not set(shop.proxy()) & set(dead) and len(shop.proxy()) == 2)
        served = users.served
        shop.until(lambda: users.served > served + 5)
        assert shop.state_of(rollout).revision in (revision, None)
        users.begin_anew()
        shop.until(lambda: min(users.answers["1.0"], users.answers["2.0"]) > 3)
        shop.let_go_on(rollout)
        state = shop.until_final(rollout)
    if worker is not None:
        worker.communicate()
    sound(shop, rollout)
    assert state.status is Status.SUCCEEDED, shop.told()
    assert not users.losses, users.told()
    assert set(shop.starts().values()) == {1}


def test_a_proxy_that_restarts_with_broken_files_is_mended(open_shop: Shop) -> None:
    shop = open_shop
    shop.write(hold="5m")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        for name in ("lds.json", "cds.json", "rds_pilotage_main.json"):
            (shop.router / "broken").write_text('{"version_info": "x", "resources": [{"@type": "nonsense"}]}')
            (shop.router / "broken").rename(shop.router / name)
        kill(*shop.proxy())
        shop.until_event(rollout, e.DriftSeen)
        served = users.served
        shop.until(lambda: users.served > served + 5)
        users.begin_anew()
        shop.let_go_on(rollout)
        state = shop.until_final(rollout)
    sound(shop, rollout)
    assert state.status is Status.SUCCEEDED, shop.told()
    assert not users.losses, users.told()


def test_a_routing_that_the_proxy_refuses_is_taken_back(open_shop: Shop) -> None:
    """Real Envoy, real refusal: a header of that name cannot be."""
    shop = open_shop
    shop.write(pilots=[{"header": "two\nlines", "value": "x"}])
    with Users(shop.listen) as users:
        done = shop.pilotage("release", "2.0", "--yes")
    assert done.code == 6, done
    state = sound(shop, shop.latest)
    assert (state.status, state.cause, state.exposed_at) == (Status.ROLLED_BACK, e.Cause.FAILED, None), (
        shop.told()
    )
    back = shop.until_event(shop.latest, e.TurnedBack)
    assert back.problem is not None
    assert back.problem.code == "router.refused"
    assert "HeaderMatcherValidationError" in f"{back.problem.why}"
    assert shop.live() == "1.0"
    assert not shop.of_version("2.0")
    assert not users.losses, users.told()
    assert set(users.answers) == {"1.0"}
