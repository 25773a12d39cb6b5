"""One case a file: cases/NAME.yaml, and beside it what a person is shown (NAME.txt).

After a deliberate change: PILOTAGE_REWRITE=1 pytest tests/manifest, and read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pilotage.manifest.codes import CODES
from pilotage.manifest.load import load
from pilotage.manifest.model import ManifestError
from pilotage.views.problems import as_text

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parent / "cases")


def told(path: Path) -> str:
    try:
        manifest = load(Path(path.name))
    except ManifestError as error:
        return as_text(error.problems)
    return "accepted\n" + ("\n" + as_text((), warnings=manifest.warnings) if manifest.warnings else "")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_told(path: Path) -> None:
    expected = path.with_suffix(".txt")
    text = told(path)
    if os.environ.get("PILOTAGE_REWRITE"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_no_secret_is_told(path: Path) -> None:
    text = told(path)
    assert "hunter2" not in text
    assert "ghp_" not in text


def test_every_case_has_its_text_and_every_text_its_case() -> None:
    folder = Path(__file__).parent / "cases"
    assert {path.stem for path in folder.glob("*.txt")} == {path.stem for path in CASES}
    assert len(CASES) >= 60


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_accepted_cases_are_named_ok(path: Path) -> None:
    assert told(path).startswith("accepted") is path.stem.startswith("ok-")


def test_every_code_told_is_documented() -> None:
    told_codes = set()
    for path in CASES:
        try:
            told_codes |= {warning.code for warning in load(Path(path.name)).warnings}
        except ManifestError as error:
            told_codes |= {problem.code for problem in error.problems}
    assert told_codes <= set(CODES)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_no_wording_of_pydantic(path: Path) -> None:
    text = told(path)
    assert "Input should" not in text
    assert "Value error" not in text
    assert "_" * 3 not in text
