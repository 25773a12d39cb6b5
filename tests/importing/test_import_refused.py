"""One case a file: what can not be translated, and beside it what a person is shown (NAME.txt)."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pilotage.errors import ExitCode, PilotageError
from pilotage.importing.codes import CODES
from pilotage.importing.translating import translate
from pilotage.views.problems import as_text

FOLDER = Path(__file__).parent / "refused"
CASES = sorted(path for path in FOLDER.iterdir() if path.suffix != ".txt")


def told(path: Path) -> str:
    with pytest.raises(PilotageError) as caught:
        translate({path.name: path.read_text(encoding="utf-8")})
    assert caught.value.exit_code is ExitCode.REFUSED_MANIFEST
    return as_text(caught.value.problems)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_told(path: Path) -> None:
    text, expected = told(path), path.with_suffix(".txt")
    if os.environ.get("PILOTAGE_REWRITE"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert "manifest." not in text


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_codes_are_documented(path: Path) -> None:
    found = re.findall(r"(?m)^\S+: (import\.[a-z-]+):", told(path))
    assert found
    assert set(found) <= set(CODES)


def test_the_page_has_every_code() -> None:
    page = (Path(__file__).parents[2] / "docs/import.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"(?m)^\| `(import\.[a-z0-9-]+)` \| (.+) \|$", page)) == CODES
