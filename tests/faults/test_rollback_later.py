"""Rollback after a finished release: from the warm side at once, else from the kept artifact."""

from __future__ import annotations

import json
import shutil

import pytest
from fault_processes import kill
from fault_record import sound
from fault_shop import Shop
from fault_users import Users

from pilotage.core import events as e
from pilotage.core.state import Status

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-rollback-later")]

ONCE = {"1.0.1": 1, "1.0.2": 1, "2.0.1": 1, "2.0.2": 1}


def test_while_the_old_side_is_warm_it_takes_over_at_once(open_shop: Shop) -> None:
    shop = open_shop
    shop.write(keep_warm="10m")
    with Users(shop.listen) as users:
        done = shop.pilotage("release", "2.0", "--yes")
        assert done.code == 0, done
        assert (shop.live(), shop.state_of(shop.latest).status) == ("2.0", Status.RUNNING)
        back = shop.pilotage("rollback", "--yes")
        assert back.code == 0, back
        users.begin_anew()
        shop.until(lambda: users.answers["1.0"] > 10)
    state = sound(shop, shop.latest)
    assert (state.status, shop.live()) == (Status.ROLLED_BACK, "1.0")
    assert shop.starts() == ONCE
    assert set(users.answers) == {"1.0"}
    assert not users.losses, users.told()


def test_when_it_is_cold_it_comes_from_the_kept_artifact(open_shop: Shop) -> None:
    """Also without the manifest, without the build, and with every worker gone."""
    shop = open_shop
    with Users(shop.listen) as users:
        first = shop.release("2.0")
        assert not shop.of_version("1.0")
        shutil.rmtree(shop.folder / "build")
        shop.file.write_text("broken: [")
        users.begin_anew()
        back = shop.pilotage("rollback", "--yes")
        assert back.code == 0, back
        outcome = json.loads(shop.pilotage("watch", shop.latest, "--json").out.splitlines()[-1])
        users.once_around()
        counted = {one["version"]: one["requests"] for one in outcome["view"]["traffic"]}
        assert counted.keys() == {"1.0", "2.0"}
        for version, requests in counted.items():  # not what 1.0 had before it was released over
            assert 0 < requests <= users.answers[version], (counted, users.told())
    state = sound(shop, shop.latest)
    assert (state.status, shop.live()) == (Status.SUCCEEDED, "1.0")
    assert shop.latest != first
    assert shop.starts() == {**ONCE, "1.0.1": 2, "1.0.2": 2}
    assert not shop.of_version("2.0")
    assert not users.losses, users.told()


def test_a_live_version_that_is_dead_does_not_stop_a_rollback(open_shop: Shop) -> None:
    """Guarantee 10: neither its health nor its silence blocks the way back."""
    shop = open_shop
    with Users(shop.listen) as users:
        shop.release("2.0")
        shop.set("dies", "2.0")
        kill(*shop.of_version("2.0"))
        back = shop.pilotage("rollback", "--yes")
        assert back.code == 0, back
        users.begin_anew()
        shop.until(lambda: users.answers["1.0"] > 10)
    sound(shop, shop.latest)
    assert shop.live() == "1.0"
    assert set(users.answers) == {"1.0"}
    assert not users.losses, users.told()


def test_nothing_to_go_back_to_is_said(open_shop: Shop) -> None:
    done = open_shop.pilotage("rollback", "--yes", "--json")
    assert (done.code, done.problems) == (5, ["rollback.no-earlier"]), done
    assert not [event for event in open_shop.events(open_shop.latest) if isinstance(event, e.TurnedBack)]
