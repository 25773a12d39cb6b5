"""The manifest is edited, or broken, while a rollout runs: the frozen plan goes on, and can be steered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fault_record import sound
from fault_shop import Shop
from fault_users import Users

from pilotage.core.state import Status
from ports import free_ports

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-manifest-changes")]

LOOKING, STEERING = ("status", "history", "why", "logs"), ("pause", "resume")


def test_an_edited_manifest_and_artifact_change_nothing_in_flight(open_shop: Shop) -> None:
    shop = open_shop
    shop.write(steps=["20%", "50%"], hold="5m")
    with Users(shop.listen) as users:
        rollout = shop.begin("2.0")
        digest = shop.state_of(rollout).plan.digest
        shop.until_share("2.0", 200_000)
        listen, preview = free_ports(2)
        environment = shop.manifest["environments"]["local"]
        environment |= {
            "instances": 5,
            "router": {"listen": f"127.0.0.1:{listen}", "preview": f"127.0.0.1:{preview}"},
        }
        shop.manifest["run"]["command"] = ["false"]
        shop.write(steps=["1%"], hold="1h")
        shutil.rmtree(shop.folder / "build")
        shop.stop_workers()  # also one that begins now knows the frozen plan only
        shop.let_go_on(rollout)
        watched = shop.pilotage("watch", "--until-retired")
        assert watched.code == 0, watched
    state = sound(shop, rollout)
    assert (state.status, state.plan.digest) == (Status.SUCCEEDED, digest)
    assert {200_000, 500_000, 1_000_000} <= set(shop.reached("2.0"))
    assert shop.starts() == {"1.0.1": 1, "1.0.2": 1, "2.0.1": 1, "2.0.2": 1}
    assert not users.losses, users.told()


def test_a_broken_manifest_stops_no_looking_and_no_steering(open_shop: Shop) -> None:
    shop = open_shop
    shop.write(hold="5m")
    rollout = shop.begin("2.0")
    shop.until_share("2.0", 500_000)
    for broken, words in (("service: [", (*LOOKING, *STEERING)), ("", ("status",))):
        shop.file.write_text(broken)
        refused = shop.pilotage("release", "3.0", "--yes", "--json")
        assert refused.code == 3, refused
        works_on(shop, *words)
    assert shop.state_of(rollout).status is Status.RUNNING


def test_without_a_manifest_everything_is_steered_by_the_state_folder(open_shop: Shop) -> None:
    shop = open_shop
    shop.write(hold="5m")
    rollout = shop.begin("2.0")
    shop.until_share("2.0", 500_000)
    shop.file.unlink()
    works_on(shop, *STEERING, state=shop.state)
    done = shop.pilotage("abort", "--state", str(shop.state))
    assert done.code == 0, done
    assert sound(shop, rollout).status is Status.ROLLED_BACK
    assert shop.live() == "1.0"


def works_on(shop: Shop, *words: str, state: Path | None = None) -> None:
    where = ("--state", str(state)) if state else ()
    for word in words:
        done = shop.pilotage(word, "--json", *where)
        assert done.code == 0, f"{word}: {done}"
        assert json.loads(done.out)
