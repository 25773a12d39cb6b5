"""Workers around one PostgreSQL, while a real rollout runs under load: killed, frozen, cut off, alone."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from fault_postgresql import SharedShop
from fault_processes import kill
from fault_record import sound
from fault_users import Users

from databases import Databases
from line import Line
from pilotage.core import events as e
from pilotage.core.state import Status
from pilotage.errors import PilotageError
from pilotage.store.reading import FOLD

pytestmark = [pytest.mark.real, pytest.mark.faults]

HOUR = 3600
HALF = 500_000
ONCE = {"1.0.1": 1, "1.0.2": 1, "2.0.1": 1, "2.0.2": 1}


@pytest.fixture
def shop(tmp_path: Path, databases: Databases) -> Iterator[SharedShop]:
    assert sys.platform == "linux", "these tests find their processes in /proc"
    shop = SharedShop(tmp_path / "shop", databases)
    try:
        yield shop
    finally:
        kill(*shop.logs)
        shop.end()


def at_half(shop: SharedShop, hold: str = "5m") -> str:
    """Half of the users see 2.0."""
    shop.write(hold=hold)
    rollout = shop.begin("2.0")
    shop.until_share("2.0", HALF)
    return rollout


def succeeded(shop: SharedShop, rollout: str) -> None:
    shop.until_final(rollout)
    state = sound(shop, rollout)
    assert state.status is Status.SUCCEEDED, shop.told()
    assert shop.live() == "2.0"
    assert shop.starts() == ONCE


def test_one_is_killed_and_another_whose_clock_is_off_goes_on(shop: SharedShop) -> None:
    both = {shop.service(clock=+HOUR).pid, shop.service(clock=-HOUR).pid}
    shop.release("1.0")
    with Users(shop.listen) as users:
        rollout = at_half(shop, hold="8s")
        leases, holder = shop.leases(rollout), shop.holder(rollout)
        assert holder in both, shop.told(rollout)
        kill(holder)
        killed = time.monotonic()
        shop.until(lambda: shop.leases(rollout) > leases)
        took = time.monotonic() - killed
        assert shop.holder(rollout) in both - {holder}
        succeeded(shop, rollout)
    assert not users.losses, users.told()
    print(f"taken over after {took:.2f} s")
    events = shop.events(rollout)
    assert all(before.at <= after.at for before, after in pairwise(events))
    assert abs(events[-1].at - datetime.now(UTC)) < timedelta(minutes=1)
    shown = [event for event in events if isinstance(event, e.Exposed)]
    new = shop.state_of(rollout).plan.new.id
    half, full = (next(one.at for one in shown if one.shares.get(new) == share) for share in (HALF, 2 * HALF))
    assert full - half >= timedelta(seconds=8), "the hold was cut short"


def test_the_database_is_killed_and_comes_back(shop: SharedShop) -> None:
    worker = shop.service()
    shop.release("1.0")
    with Users(shop.listen) as users:
        rollout = at_half(shop)
        shop.databases.server.crash()
        answered = users.answers.total()
        shop.until_log(worker, "can not be reached")
        shop.databases.server.start()
        shop.let_go_on(rollout)
        succeeded(shop, rollout)
        assert users.answers.total() > answered
    assert not users.losses, users.told()


def test_one_is_cut_off_from_the_database(shop: SharedShop) -> None:
    with Line(shop.databases.server.port) as line:
        cut_off = shop.service(shop.at_port(line.port))
        shop.release("1.0")
        with Users(shop.listen) as users:
            rollout = at_half(shop)
            other = shop.service()
            leases = shop.leases(rollout)
            line.cut()
            shop.until(lambda: shop.leases(rollout) > leases)
            assert shop.holder(rollout) == other.pid
            shop.until_log(cut_off, "can not be reached")
            line.mend()
            shop.until(lambda: shop.knows(cut_off))
            # Who has nothing to write may look on; who wants to write is told.
            shop.let_go_on(rollout)
            shop.until_log(cut_off, f"lost {rollout} to another worker")
            succeeded(shop, rollout)
    assert not users.losses, users.told()


def test_an_old_version_that_froze_writes_nothing_after_a_newer_one(shop: SharedShop) -> None:
    """The newer one's events can not be read by the old one; it is fenced, and takes nothing of them."""
    old = shop.service(version="old")
    shop.release("1.0")
    with Users(shop.listen) as users:
        rollout = at_half(shop)
        os.kill(old.pid, signal.SIGSTOP)
        leases, events = shop.row("SELECT epoch, rev FROM rollouts WHERE id = %s", rollout)
        new = shop.service(version="new")
        shop.until(lambda: shop.leases(rollout) > leases)
        shop.order(rollout, e.Order.PAUSE)
        # Paused, it has no more to write: what is written from then on would be the old one's.
        paused = "state::jsonb ->> 'paused_by' IS NOT NULL"
        query = f"SELECT fold > %s AND rev > %s AND {paused} FROM rollouts WHERE id = %s"
        shop.until(lambda: shop.row(query, FOLD, events, rollout) == (True,))
        before = shop.row("SELECT rev, epoch FROM rollouts WHERE id = %s", rollout)
        os.kill(old.pid, signal.SIGCONT)
        shop.until_log(old, f"lost {rollout} to another worker")
        kill(new.pid)
        shop.until_log(old, "its rollouts are free")
        with pytest.raises(PilotageError) as caught:
            shop.ask(lambda store: store.rollout(rollout))
        assert caught.value.problems[0].code == "store.unreadable"
        shop.until_all_looked()
        assert shop.row("SELECT rev, epoch FROM rollouts WHERE id = %s", rollout) == before
        assert shop.service(version="new").poll() is None
        shop.order(rollout, e.Order.RESUME)
        shop.order(rollout, e.Order.PROMOTE_FULL)
        shop.until(lambda: shop.row("SELECT status FROM rollouts WHERE id = %s", rollout) == ("succeeded",))
        assert old.poll() is None
        assert shop.starts() == ONCE
    assert not users.losses, users.told()
