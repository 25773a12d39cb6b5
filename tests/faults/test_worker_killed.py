"""Worker killed with -9 between any two events: nothing is lost or doubled, and it goes on when one is back."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import pytest
from fault_processes import kill
from fault_record import sound
from fault_shop import Shop, ended
from fault_users import Users

from pilotage.core import events as e
from pilotage.core.state import Status

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-worker-killed")]

DOOMED = Path(__file__).with_name("fault_worker.py")
MOMENTS = [("after", "1"), ("before", "2")]
ONCE = {"1.0.1": 1, "1.0.2": 1, "2.0.1": 1, "2.0.2": 1}


@pytest.mark.parametrize("moment", MOMENTS, ids=["recorded-and-not-done", "done-and-not-recorded"])
@pytest.mark.timeout(1200)
def test_a_canary_and_a_way_back_whose_worker_dies_at_every_change(shop: Shop, moment: tuple[str, str]) -> None:
    shop.release("1.0")
    with Users(shop.listen) as users:
        canary = begun_without_worker(shop, "2.0")
        lives = live_and_die(shop, canary, moment)
        state = sound(shop, canary)
        assert state.status is Status.SUCCEEDED, shop.told()
        assert shop.live() == "2.0"
        assert lives > 8
        assert shop.starts() == ONCE

        shop.write(hold="5m")
        doomed = shop.begin("3.0")
        shop.until_share("3.0", 500_000)
        shop.stop_workers()
        shop.order(doomed, e.Order.ABORT)
        lives = live_and_die(shop, doomed, moment)
        state = sound(shop, doomed)
        assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.ASKED), shop.told()
        assert shop.live() == "2.0"
        assert lives > 5
        assert shop.starts() == {**ONCE, "3.0.1": 1, "3.0.2": 1}
    assert not users.losses, users.told()
    assert users.answers["3.0"]


def begun_without_worker(shop: Shop, version: str) -> str:
    rollout = shop.begin(version)
    shop.stop_workers()
    return rollout


def live_and_die(shop: Shop, rollout: str, moment: tuple[str, str]) -> int:
    """Workers one after the other, each of which dies at its first change; how many there were."""
    words = ("worker", "--until-idle", "--state", str(shop.state))
    before = len(shop.events(rollout))
    done = ended(shop.start(*moment, *words, program=(sys.executable, str(DOOMED))), seconds=500)
    assert done.code == 0, f"{done}\n{shop.told(rollout)}"
    lives = len(done.out.split())
    assert lives <= 1 + len(shop.events(rollout)) - before, "a life without a trace"
    return lives


@pytest.mark.timeout(300)
def test_a_worker_killed_at_random_instants(open_shop: Shop) -> None:
    """Lives grow longer, so that it comes to an end on a slow machine too."""
    shop, dice = open_shop, random.Random(7)
    with Users(shop.listen) as users:
        rollout, kills = shop.begin("2.0"), 0
        while not shop.state_of(rollout).status.final:
            live_and_be_killed(shop, rollout, dice.uniform(0, 1 + kills / 20))
            kills += 1
        assert sound(shop, rollout).status is Status.SUCCEEDED, shop.told()
    assert kills > 2
    assert shop.starts() == ONCE
    assert not users.losses, users.told()


def live_and_be_killed(shop: Shop, rollout: str, seconds: float) -> None:
    """One worker, killed so long after it took the rollout."""
    before = shop.leases(rollout)
    worker = shop.worker()
    shop.until(lambda: shop.leases(rollout) > before or worker.poll() is not None)
    time.sleep(seconds)
    kill(*shop.workers())
    ended(worker)


def test_whoever_watches_brings_a_killed_worker_back(open_shop: Shop) -> None:
    shop = open_shop
    shop.write(hold="5m")
    with Users(shop.listen):
        rollout = shop.begin("2.0")
        shop.until_share("2.0", 500_000)
        shop.stop_workers()
        watching = shop.start("watch", "--until-retired")
        shop.until(shop.workers)
        shop.let_go_on(rollout)
        watched = ended(watching)
        assert watched.code == 0, watched
    assert sound(shop, rollout).status is Status.SUCCEEDED


def test_a_second_worker_is_told_that_there_is_one(open_shop: Shop) -> None:
    shop = open_shop
    shop.write(hold="1m")
    shop.begin("2.0")
    shop.until(shop.workers)
    second = shop.pilotage("worker")
    assert second.code == 5, second
    assert "worker.second" in second.err
