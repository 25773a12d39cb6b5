"""A/B as the example writes it, with the real proxy, real processes, users, and orders that choose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from fault_record import sound
from fault_shop import Shop
from fault_users import Users

from pilotage.core import events as e
from pilotage.core.state import Status

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-ab")]

EXAMPLE = Path(__file__).parents[2] / "examples" / "methods" / "ab" / "pilotage.yaml"
QUICK = {"hold": "1s", "at_most": "5m", "keep_warm": "0s"}
"""Seconds in place of days."""
PAGES = (("GET", "/"),)


@pytest.fixture
def ab_shop(shop: Shop) -> Shop:
    """1.0 is live, its orders are counted."""
    example: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text())
    source = example["environments"]["production"]["telemetry"][1]
    source["url"] = f"http://127.0.0.1:{shop.listen}/figures/{{version}}"
    shop.manifest["environments"]["local"]["telemetry"] = ["router", source]
    # Without its guard: that two versions are compared until one is chosen is what is tried here.
    shop.manifest["judge"]["measures"] = {"orders": example["judge"]["measures"]["orders"] | {"role": "watch"}}
    shop.manifest["strategy"] = example["strategy"] | QUICK
    shop.file.write_text(yaml.safe_dump(shop.manifest, sort_keys=False))
    shop.release("1.0")
    return shop


def test_a_version_that_sells_better_wins_and_everybody_gets_it(ab_shop: Shop) -> None:
    shop = ab_shop
    shop.set("oversold", "2.0")
    with Users(shop.listen, ways=PAGES) as users:
        rollout = shop.begin("2.0")
        state = shop.until_final(rollout)
    assert state.status is Status.SUCCEEDED, shop.told()
    assert sorted(set(shop.reached("2.0", rollout))) == [0, 500_000, 1_000_000]
    done = [one.note for one in shop.events(rollout) if isinstance(one, e.StepFinished)]
    (note,) = [one for one in done if "chosen" in one]
    assert note.startswith("orders +"), note
    assert note.endswith("2.0 was chosen"), note
    assert not users.losses, users.told()
    sound(shop, rollout)


def test_a_version_that_sells_worse_goes_and_the_old_one_stays(ab_shop: Shop) -> None:
    shop = ab_shop
    shop.set("unsold", "2.0")
    with Users(shop.listen, ways=PAGES) as users:
        rollout = shop.begin("2.0")
        shop.until_final(rollout)
    state = sound(shop, rollout)
    assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.CHOSEN), shop.told()
    assert "1.0 was chosen" in shop.pilotage("why").out
    assert not users.losses, users.told()
