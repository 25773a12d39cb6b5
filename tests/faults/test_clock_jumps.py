"""The machine's clock is set by an hour while a rollout runs: nothing is cut short, nothing waits longer."""

from __future__ import annotations

import subprocess
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
from pilotage.core.steps import Judge

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-clock-jumps")]

HOUR = 3600


class Clock:
    """The wall clock of those who are started by ``start``."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.file = shop.folder / "clock"
        self.set(0)
        self.variables = {"FAULT_CLOCK": str(self.file)}

    def set(self, ahead: int) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{ahead:+d}\n")
        fresh.rename(self.file)

    def start(self, *words: str) -> subprocess.Popen[str]:
        program = [sys.executable, str(Path(__file__).with_name("fault_clock.py"))]
        return self.shop.start(*words, program=program, **self.variables)

    def worker(self, *words: str) -> subprocess.Popen[str]:
        return self.start("worker", *words, "--state", str(self.shop.state))


@pytest.fixture
def clock(open_shop: Shop) -> Clock:
    open_shop.until(lambda: not open_shop.workers())
    return Clock(open_shop)


def test_the_liar_lies(clock: Clock) -> None:
    """Otherwise the others would show nothing."""
    clock.set(5 * HOUR)
    done = ended(clock.start("doctor"))
    assert "clock was set by" in done.out, done


def test_in_the_middle_of_a_hold(clock: Clock) -> None:
    """Forward in the first, backward in the second; and in between the worker is killed, and another one begins
    under the new time: it goes on with the old one."""
    shop = clock.shop
    shop.write(steps=["20%", "50%"], hold="4s")
    with Users(shop.listen) as users:
        worker = clock.worker()  # before the release: none other begins, which could be ahead on a slow machine
        shop.until(lambda: "worker --state" in " ".join(shop.processes().values()))
        rollout = shop.begin("2.0")
        exposed = last_before_share(shop, "2.0", 200_000)
        clock.set(HOUR)
        kill(worker.pid)
        ended(worker)
        worker = clock.worker("--until-idle")
        shop.until_share("2.0", 500_000)
        assert time.monotonic() - exposed >= 4, "the hold was cut short"
        clock.set(-HOUR)
        state = shop.until_final(rollout)
        done = ended(worker)
    assert done.code == 0, done
    assert "lost" not in done.err
    assert sound(shop, rollout) == state
    assert state.status is Status.SUCCEEDED, shop.told()
    assert each_was_held(shop, rollout) >= 4
    assert not users.losses, users.told()


def last_before_share(shop: Shop, version: str, share: int) -> float:
    """Waits for the share; the last moment at which it was not yet there, however slow the looks are."""
    before = time.monotonic()

    def there() -> bool:
        nonlocal before
        asked = time.monotonic()
        if share in shop.reached(version):
            return True
        before = asked
        return False

    shop.until(there)
    return before


def each_was_held(shop: Shop, rollout: str) -> float:
    """The shortest hold in seconds, by the record; which never goes back in time."""
    events = shop.events(rollout)
    assert [event.at for event in events] == sorted(event.at for event in events)
    steps, finished = shop.state_of(rollout).plan.steps, {}
    for event in events:
        if isinstance(event, e.StepFinished):
            finished[event.index] = event.at
    holds = [finished[n] - finished[n - 1] for n, step in enumerate(steps) if isinstance(step, Judge)]
    return min(holds).total_seconds()


def test_before_the_next_release_while_a_worker_waits(clock: Clock) -> None:
    """The commands follow the new time as nothing is in flight; the worker that runs must follow with them."""
    shop = clock.shop
    worker = clock.worker()
    with Users(shop.listen) as users:
        shop.until(lambda: "worker --state" in " ".join(shop.processes().values()))
        for version, ahead in (("2.0", HOUR), ("3.0", -HOUR)):
            clock.set(ahead)
            done = ended(clock.start("release", version, "--yes", "--until-retired", "--timeout", "60s"))
            assert done.code == 0, f"{done}\n{shop.told()}"
            assert sound(shop, shop.latest).status is Status.SUCCEEDED
            assert each_was_held(shop, shop.latest) >= 1
    kill(worker.pid)
    ended(worker)
    assert not users.losses, users.told()
