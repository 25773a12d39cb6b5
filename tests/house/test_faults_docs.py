"""What the pages on guarantees and faults name is there, and every fault that is tested is on its page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEFINED = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
}


@pytest.mark.parametrize("page", ["invariants.md", "faults.md"])
def test_every_test_that_is_named_is_there(page):
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / page).read_text()))
    assert len(named) > 20
    assert named - DEFINED == set()


@pytest.mark.parametrize("page", ["invariants.md", "faults.md"])
def test_every_file_that_is_named_is_there(page):
    for path in re.findall(r"`([a-z]+/[\w/.]+\.py)`", (ROOT / "docs" / page).read_text()):
        assert (ROOT / path).exists() or (ROOT / "src/pilotage" / path).exists(), path


def test_every_fault_has_its_row():
    page = (ROOT / "docs" / "faults.md").read_text()
    tests = {
        name
        for path in (ROOT / "tests" / "faults").glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    about_themselves = {"test_the_liar_lies", "test_a_share_that_is_over_was_reached"}
    assert {name for name in tests if f"`{name}`" not in page} == about_themselves
