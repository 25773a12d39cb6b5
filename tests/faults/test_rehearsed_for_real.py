"""A rollback rehearsed for real: everything as before, measured, kept; and a big-bang that needs it."""

from __future__ import annotations

import json

import pytest
from fault_processes import kill
from fault_record import sound
from fault_shop import Shop

from pilotage.core.evidence import Statement
from pilotage.core.state import Status
from pilotage.store import reading
from ports import free_ports

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-rehearsed-for-real")]

RECOVERY = """\
version: "2.0"
recovery: {owner: ada, procedure: [bring the copy of the night back]}
"""
IGNORED = ("criteria", "definition_of_done", "non_functional", "work_items", "stakeholders", "communication",
           "training", "support", "risks", "issues", "recovery", "vendors", "change", "windows", "residency",
           "compliance", "interfaces", "runbook")  # fmt: skip


def staged(shop: Shop) -> None:
    """1.0 is live in ``local``, which is not the only environment and is released to by big-bang."""
    listen, preview = free_ports(2)
    router = {"listen": f"127.0.0.1:{listen}", "preview": f"127.0.0.1:{preview}"}
    shop.manifest["environments"]["production"] = {"instances": 2, "router": router}
    shop.manifest["strategy"] = {"method": "big-bang", "drain": "2s"}
    shop.manifest["readiness"] = dict.fromkeys(IGNORED, "ignore")
    shop.write()
    (shop.folder / "release.yaml").write_text(RECOVERY.replace("2.0", "1.0"))
    shop.release("1.0", "--to", "local")
    (shop.folder / "release.yaml").write_text(RECOVERY)


def statements(shop: Shop) -> tuple[Statement, ...]:
    return shop.read(lambda db: reading.statements(db, "shop"))


def test_a_big_bang_is_rehearsed_before_it_may_begin(shop: Shop) -> None:
    staged(shop)
    refused = shop.pilotage("release", "2.0", "--to", "local", "--yes", "--json")
    assert (refused.code, refused.problems) == (5, ["release.unproven"]), refused
    assert len(shop.rollouts) == 1

    done = shop.pilotage("rehearse", "2.0", "--really", "--in", "local", "--valid", "14d", "--json")
    assert done.code == 0, f"{done}\n{shop.told()}"
    [kept] = statements(shop)
    told = json.loads(done.out)
    assert (told["digest"], told["standing"]) == (kept.digest, "holds")
    assert (kept.passed, kept.reached, kept.old, kept.new) == (True, "whole", "1.0", "2.0")
    assert kept.unseen is not None
    assert kept.back is not None
    assert 0 < kept.unseen <= kept.back
    assert shop.live() == "1.0"
    assert len(shop.of_version("1.0")) == 4, "two instances, each with its supervisor"
    assert not shop.of_version("2.0")
    for rollout in kept.rollouts:
        sound(shop, rollout)

    planned = shop.pilotage("plan", "2.0", "--to", "local")
    assert f"on {kept.at:%Y-%m-%d} in local" in planned.out, planned
    assert "release.unproven" not in planned.err, planned
    listed = json.loads(shop.pilotage("evidence", "--json").out)
    assert [one["digest"] for one in listed] == [kept.digest]

    shop.set("dies", "2.0")
    done = shop.pilotage("rehearse", "2.0", "--really", "--in", "local", "--json")
    [_, last] = statements(shop)
    assert (done.code, last.passed, last.reached) == (1, False, "not-exposed"), done
    assert shop.live() == "1.0"
    planned = shop.pilotage("plan", "2.0", "--to", "local")
    assert "release.unproven" in planned.err, "the last one counts"


def test_killed_in_the_middle_nothing_is_stated_and_the_rollout_goes_on(shop: Shop) -> None:
    staged(shop)
    running = shop.start("rehearse", "2.0", "--really", "--in", "local", "--json")
    shop.until(lambda: len(shop.rollouts) == 2 and shop.reached("2.0"))
    kill(running.pid)
    running.communicate()
    state = shop.until_final(shop.rollouts[1])
    assert state.status in (Status.SUCCEEDED, Status.ROLLED_BACK)
    assert statements(shop) == ()
