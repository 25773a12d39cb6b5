"""Hooks whose worker is killed with -9 at every change: done once, recorded before, and not ended by that."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from fault_processes import kill
from fault_record import sound
from fault_shop import Shop, ended

from pilotage.core import events as e
from pilotage.core.hooks import Outcome
from pilotage.core.state import Status

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-hooks")]

DOOMED = Path(__file__).with_name("fault_worker.py")
SLOW = """
import os, sys, time
time.sleep(0.7)
open("knobs/did", "a").write(sys.argv[1] + chr(10))
print(os.environ["KEY"])
"""


def hook(name: str, when: str, **fields: object) -> dict[str, object]:
    command = [sys.executable, "-c", SLOW, name]
    references = {"KEY": {"env": "SHOP_KEY"}}
    return {"name": name, "when": when, "command": command, "references": references, **fields}


def did(shop: Shop) -> list[str]:
    book = shop.folder / "knobs" / "did"
    return book.read_text().split() if book.exists() else []


@pytest.mark.parametrize("moment", [("after", "1"), ("before", "2")], ids=["not-done", "done-and-not-recorded"])
def test_a_worker_that_dies_at_every_change_does_nothing_twice(shop: Shop, moment: tuple[str, str]) -> None:
    shop.variables["SHOP_KEY"] = "s3cret-of-the-shop"
    shop.manifest["hooks"] = [hook("seed", "before-start"), hook("tell", "at-the-end")]
    shop.write()
    rollout = shop.begin("1.0")
    shop.stop_workers()
    words = ("worker", "--until-idle", "--state", str(shop.state))
    done = ended(shop.start(*moment, *words, program=(sys.executable, str(DOOMED))), seconds=200)
    assert done.code == 0, f"{done}\n{shop.told(rollout)}"
    assert sound(shop, rollout).status is Status.SUCCEEDED, shop.told()
    assert did(shop) == ["seed", "tell"]
    ends = [(x.hook, x.outcome) for x in shop.events(rollout) if isinstance(x, e.HookEnded)]
    assert ends == [("seed", Outcome.DONE), ("tell", Outcome.DONE)]
    assert shop.pilotage("logs", rollout).out.count("•••") == 2
    written = [path for path in shop.state.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]
    assert written == []


def test_what_goes_down_with_its_machine_waits_for_a_person(shop: Shop) -> None:
    shop.variables["SHOP_KEY"] = "s3cret-of-the-shop"
    endless = [sys.executable, "-c", "import time; print('begins', flush=True); time.sleep(600)"]
    shop.manifest["hooks"] = [hook("seed", "before-start") | {"command": endless}]
    shop.write()
    rollout = shop.begin("1.0")
    shop.until(lambda: shop.processes("time.sleep(600)"))
    kill(*shop.processes("pilotage.adapters.hooks"), *shop.processes("time.sleep(600)"))
    shop.until(lambda: (problem := shop.state_of(rollout).problem) and problem.code == "hook.unknown")
    why = shop.pilotage("why")
    assert "pilotage settle" in why.out, why
    assert "begins" in why.out
    assert shop.pilotage("settle").code == 2
    assert shop.pilotage("settle", "--done", "--reason", "seen in the table").code == 0
    assert shop.until_final(rollout).status is Status.SUCCEEDED
    assert [x.by != e.PILOTAGE for x in shop.events(rollout) if isinstance(x, e.HookEnded)] == [False, True]
