"""The schema, the reference and the codes say what the loader does, and have not drifted.

After a deliberate change: PILOTAGE_REWRITE=1 pytest tests/manifest, and read the difference.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from pilotage.manifest.codes import CODES
from pilotage.manifest.compose import compose
from pilotage.manifest.data import Reading
from pilotage.manifest.load import load, load_text
from pilotage.manifest.model import ManifestError
from pilotage.manifest.reference import reference
from pilotage.manifest.schema import json_schema, json_schema_text
from pilotage.manifest.source import Source

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[2]
CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
EXAMPLES = sorted(ROOT.glob("examples/**/pilotage.yaml"))

STRUCTURAL = {
    "manifest.address",
    "manifest.choice",
    "manifest.digest",
    "manifest.empty-list",
    "manifest.missing-key",
    "manifest.name",
    "manifest.no-value",
    "manifest.not-pinned",
    "manifest.path",
    "manifest.share",
    "manifest.spelling",
    "manifest.type",
    "manifest.unknown-key",
    "manifest.unknown-method",
    "manifest.version",
}
"""What an editor can tell from the schema alone."""


def drifted(path: Path, text: str) -> bool:
    if os.environ.get("PILOTAGE_REWRITE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8") != text


def data(text: str) -> Any:
    return Reading(compose(Source(text, "x"))[0]).data


def accepted_by_schema(text: str) -> bool:
    return bool(jsonschema.Draft202012Validator(json_schema()).is_valid(data(text)))


def codes(path: Path) -> set[str]:
    try:
        load(path)
    except ManifestError as error:
        return {problem.code for problem in error.problems}
    return set()


def test_schema_file_is_current() -> None:
    assert not drifted(ROOT / "schema" / "pilotage.schema.json", json_schema_text())


def test_reference_page_is_current() -> None:
    page = ROOT / "docs" / "manifest.md"
    head, mark, _ = page.read_text(encoding="utf-8").partition("<!-- generated")
    first = (mark + _).split("\n", 1)[0]
    assert not drifted(page, f"{head}{first}\n\n{reference()}\n<!-- end -->\n")


def test_examples_on_the_page_load() -> None:
    page = (ROOT / "docs" / "manifest.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", page, re.S)
    assert len(examples) == 3
    for example in examples:
        assert load_text(example, "docs/manifest.md").warnings == ()
        assert accepted_by_schema(example)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_our_examples_load_and_fit_the_schema(path: Path) -> None:
    assert load(path).warnings == ()
    assert accepted_by_schema(path.read_text(encoding="utf-8"))


def test_schema_is_one() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    assert json.loads(json_schema_text()) == schema


@pytest.mark.parametrize(
    "path", [path for path in CASES if path.stem.startswith("ok-")], ids=lambda path: path.stem
)
def test_schema_accepts_what_load_accepts(path: Path) -> None:
    assert accepted_by_schema(path.read_text(encoding="utf-8").removeprefix("\ufeff"))


def structural_cases() -> list[Path]:
    return [path for path in CASES if codes(path) and codes(path) <= STRUCTURAL]


@pytest.mark.parametrize("path", structural_cases(), ids=lambda path: path.stem)
def test_schema_rejects_what_is_wrong_in_structure(path: Path) -> None:
    assert not accepted_by_schema(path.read_text(encoding="utf-8"))


def described(value: Any, path: str = "") -> list[str]:
    """The paths of all properties without a description, their own or their definition's."""
    missing = []
    if isinstance(value, dict):
        for name, part in (value.get("properties") or {}).items():
            told = isinstance(part, dict) and ({"description", "const", "$ref"} & set(part))
            missing += [] if told else [f"{path}/{name}"]
        for name, part in value.items():
            missing += described(part, f"{path}/{name}")
    return missing


def test_every_key_is_described() -> None:
    assert described(json_schema()) == []


def test_every_code_in_the_source_is_in_the_list_and_back() -> None:
    folder = ROOT / "src" / "pilotage" / "manifest"
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in folder.glob("*.py") if path.name != "codes.py"
    )
    for code in CODES:
        assert f'"{code.removeprefix("manifest.")}"' in text or f'"{code}"' in text, code
    assert set(re.findall(r'"(manifest\.[a-z0-9-]+)"', text)) <= set(CODES)


def test_codes_are_in_order_and_are_sentences() -> None:
    assert list(CODES) == sorted(CODES)
    assert all(meaning.endswith(".") for meaning in CODES.values())
