"""Pilot and phased as the examples write them, with the real proxy, real processes and users of every group."""

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
from pilotage.core.steps import Expose, Pause

pytestmark = [pytest.mark.real, pytest.mark.faults, pytest.mark.xdist_group("faults-groups")]

EXAMPLES = Path(__file__).parents[2] / "examples" / "methods"
QUICK = {"hold": "1s", "keep_warm": "0s", "requests": 20}


def quick(value: Any) -> Any:
    """The same strategy in seconds in place of days."""
    if isinstance(value, list):
        return [quick(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: QUICK.get(key, quick(part)) for key, part in value.items()}


def example(shop: Shop, name: str) -> None:
    strategy = yaml.safe_load((EXAMPLES / name / "pilotage.yaml").read_text())["strategy"]
    shop.manifest["strategy"] = quick(strategy)
    shop.manifest["judge"]["errors"]["limit"] = "10%"
    shop.file.write_text(yaml.safe_dump(shop.manifest, sort_keys=False))


def say_yes(shop: Shop, rollout: str) -> None:
    """To the next question."""
    asked = shop.until(lambda: at if isinstance((at := shop.state_of(rollout)).step, Pause) else None)
    shop.order(rollout, e.Order.PROMOTE)
    shop.until(lambda: shop.state_of(rollout).position > asked.position)


def seen(shop: Shop, rollout: str) -> list[tuple[tuple[str, ...], int]]:
    """Groups and share that were confirmed for 2.0, without repeats."""
    found: list[tuple[tuple[str, ...], int]] = []
    new = shop.state_of(rollout).plan.new.id
    for event in shop.events(rollout):
        if isinstance(event, e.Exposed):
            one = (tuple(event.groups), event.shares.get(new, 0))
            found += [one] if not found or found[-1] != one else []
    return found


def test_a_pilot_that_is_signed_off_goes_to_all_others(open_shop: Shop) -> None:
    shop = open_shop
    example(shop, "pilot")
    berlin, ada = ("X-Office: berlin",), ("Cookie: theme=dark; user=ada",)
    with (
        Users(shop.listen) as others,
        Users(shop.listen, says=berlin) as office,
        Users(shop.listen, says=ada) as person,
    ):
        rollout = shop.begin("2.0")
        shop.until(lambda: isinstance(shop.state_of(rollout).step, Pause))
        for group in (others, office, person):
            group.once_around()
            group.begin_anew()
        shop.until(lambda: others.served > 50 and office.served > 50 and person.served > 50)
        assert set(others.answers) == {"1.0"}
        assert set(office.answers) == set(person.answers) == {"2.0"}
        say_yes(shop, rollout)
        state = shop.until_final(rollout)
    assert state.status is Status.SUCCEEDED, shop.told()
    assert [share for _, share in seen(shop, rollout)] == [0, 0, 100_000, 500_000, 1_000_000]
    assert any(
        "ada said yes" in event.note for event in shop.events(rollout) if isinstance(event, e.StepFinished)
    )
    assert not others.losses + office.losses + person.losses, others.told()
    sound(shop, rollout)


def test_what_fails_the_pilots_never_reaches_anybody_else(open_shop: Shop) -> None:
    shop = open_shop
    example(shop, "pilot")
    shop.set("errors", "2.0")
    with Users(shop.listen) as others, Users(shop.listen, says=("X-Office: berlin",)) as office:
        rollout = shop.begin("2.0")
        shop.until_final(rollout)
    state = sound(shop, rollout)
    assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.JUDGED), shop.told()
    assert set(others.answers) == {"1.0"}
    assert not others.losses, others.told()
    assert {loss.version for loss in office.losses} == {"2.0"}


def test_waves_come_one_after_the_other_each_with_its_person(open_shop: Shop) -> None:
    shop = open_shop
    example(shop, "phased")
    with (
        Users(shop.listen) as others,
        Users(shop.listen, says=("X-Site: berlin",)) as berlin,
        Users(shop.listen, says=("X-Site: stuttgart",)) as south,
    ):
        rollout = shop.begin("2.0")
        for _ in range(2):
            say_yes(shop, rollout)
        state = shop.until_final(rollout)
    assert state.status is Status.SUCCEEDED, shop.told()
    assert seen(shop, rollout) == [
        ((), 0),
        (("berlin",), 0),
        (("berlin", "south"), 0),
        (("berlin", "south"), 100_000),
        (("berlin", "south"), 550_000),
        ((), 1_000_000),
    ]
    assert not others.losses + berlin.losses + south.losses, others.told()
    sound(shop, rollout)


def test_a_wave_that_goes_wrong_is_taken_back_with_all_before_it(open_shop: Shop) -> None:
    shop = open_shop
    example(shop, "phased")
    with Users(shop.listen, says=("X-Site: berlin",)), Users(shop.listen, says=("X-Site: munich",)) as south:
        rollout = shop.begin("2.0")
        say_yes(shop, rollout)
        shop.set("errors", "2.0")
        shop.until_final(rollout)
        south.once_around()
        south.begin_anew()
        south.once_around()
    state = sound(shop, rollout)
    assert (state.status, state.cause) == (Status.ROLLED_BACK, e.Cause.JUDGED), shop.told()
    assert seen(shop, rollout)[-1] == ((), 0)
    assert set(south.answers) == {"1.0"}
    assert isinstance(state.plan.steps[state.reached - 1], Expose)
