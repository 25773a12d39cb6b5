"""What every source of feature flags keeps to, the fake one included."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pilotage.adapters.flags.file import FileFlags
from pilotage.core.flags import FlagRule, FlagSeen, Segment
from pilotage.ports import Flags, FlagsError, Site
from pilotage.testing.flags import FakeFlags

THEIRS = {
    "state": "ENABLED",
    "variants": {"a": "x", "b": "y", "c": "z"},
    "defaultVariant": "b",
    "targeting": {"fractional": [["a", 1], ["c", 2]]},
    "metadata": {"owner": "shop", "limit": 1.5},
}
RULE = FlagRule(key="new", share=100_000, segments=(Segment(attribute="team", one_of=("shop", "web")),))


@dataclass
class Case:
    flags: Flags
    held: Callable[[], dict[str, Any]]
    """All definitions that it holds."""
    put: Callable[[str, Any], None]
    """Somebody else writes this definition."""
    damage: Callable[[], None]
    """From here on nothing can be changed."""


def _fake(folder: Path) -> Case:
    fake = FakeFlags()

    def damage() -> None:
        fake.unreachable = True

    return Case(fake, lambda: fake.definitions, fake.definitions.__setitem__, damage)


def _file(folder: Path) -> Case:
    path = folder / "flags.json"

    def held() -> dict[str, Any]:
        return json.loads(path.read_text())["flags"] if path.exists() else {}

    def put(key: str, definition: Any) -> None:
        path.write_text(json.dumps({"flags": {**held(), key: definition}}))

    def damage() -> None:
        path.write_text("{")

    return Case(FileFlags(Site("shop", "test", folder, folder, {"path": str(path)})), held, put, damage)


@pytest.fixture(params=[_fake, _file], ids=["fake", "file"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    made: Case = request.param(tmp_path)
    return made


def observed(case: Case, key: str = "new") -> FlagSeen:
    return asyncio.run(case.flags.observe(key))


def apply(case: Case, *wanted: FlagRule | FlagSeen) -> None:
    async def story() -> None:
        for one in wanted:
            await case.flags.apply(one)

    asyncio.run(story())


def test_a_flag_that_is_not_there_is_seen_not_to_be(case: Case) -> None:
    assert observed(case) == FlagSeen(key="new")
    assert asyncio.run(case.flags.check("new")) == []


def test_a_rule_that_was_applied_is_seen(case: Case) -> None:
    for share in (0, 1, 100_000, 1_000_000):
        rule = RULE.model_copy(update={"share": share})
        apply(case, rule)
        seen = observed(case)
        assert seen.revision == rule.revision
        assert not seen.nobody
    apply(case, FlagRule(key="new"))
    assert observed(case).nobody


def test_what_is_killed_is_on_for_nobody(case: Case) -> None:
    apply(case, RULE, RULE.model_copy(update={"killed": True}))
    assert observed(case).nobody


def test_no_other_flag_is_touched(case: Case) -> None:
    case.put("theirs", THEIRS)
    apply(case, RULE, FlagRule(key="other"), FlagSeen(key="new"))
    assert case.held()["theirs"] == THEIRS
    assert set(case.held()) == {"theirs", "other"}


def test_what_was_observed_can_be_restored_exactly(case: Case) -> None:
    case.put("new", THEIRS)
    before = observed(case)
    assert not before.nobody
    apply(case, RULE)
    assert observed(case).revision != before.revision
    apply(case, before)
    assert case.held()["new"] == THEIRS
    assert observed(case) == before


def test_a_flag_that_was_not_there_is_taken_away_again(case: Case) -> None:
    before = observed(case)
    apply(case, RULE, before, before)
    assert "new" not in case.held()
    assert observed(case) == before


def test_another_hand_is_seen(case: Case) -> None:
    apply(case, RULE)
    case.put("new", {"state": "DISABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"})
    seen = observed(case)
    assert seen.exists
    assert seen.revision != RULE.revision
    assert seen.nobody


def test_applying_the_same_again_changes_nothing(case: Case) -> None:
    apply(case, RULE)
    before = observed(case), json.dumps(case.held())
    apply(case, RULE, RULE)
    assert (observed(case), json.dumps(case.held())) == before


def test_trouble_is_told_and_changes_nothing(case: Case) -> None:
    apply(case, RULE)
    case.damage()
    with pytest.raises(FlagsError) as refused:
        apply(case, FlagRule(key="new"))
    assert refused.value.problems[0].code.startswith("flags.")
    with pytest.raises(FlagsError):
        observed(case)


def test_settings_are_checked(case: Case) -> None:
    assert type(case.flags).check_settings({"path": "flags.json"}) == []
    [problem] = type(case.flags).check_settings({"path": "flags.json", "pat": 1})
    assert problem.code == "flags.unknown-setting"
