"""The release file: one case a file, release_cases/NAME.yaml, and beside it what a person is shown (NAME.txt).

After a deliberate change: PILOTAGE_REWRITE=1 pytest tests/manifest, and read the difference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pilotage.dossier.terms import Vendor
from pilotage.manifest.model import ManifestError
from pilotage.manifest.reference import release_reference
from pilotage.manifest.release_files import (
    load_release,
    load_release_text,
    release_beside,
    release_starter,
)
from pilotage.manifest.schema import release_schema, release_schema_text
from pilotage.views.problems import as_text

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "release_cases"
CASES = sorted(FOLDER.glob("*.yaml"))
EXAMPLE = ROOT / "examples" / "documents" / "release.yaml"


def drifted(path: Path, text: str) -> bool:
    if os.environ.get("PILOTAGE_REWRITE"):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8") != text


def told(path: Path) -> str:
    try:
        load_release_text(path.read_text(encoding="utf-8"), path.name)
    except ManifestError as error:
        return as_text(error.problems)
    return "accepted\n"


def in_the_schema(text: str) -> bool:
    from pilotage.manifest.compose import compose
    from pilotage.manifest.data import Reading
    from pilotage.manifest.source import Source

    data = Reading(compose(Source(text, "x"))[0]).data
    return bool(jsonschema.Draft202012Validator(release_schema()).is_valid(data))


def opened(text: str) -> str:
    """A starter with all its comments made real."""
    rows = [row[2:] if re.match(r"# (?:[a-z_]+:|  )", row) else row for row in text.splitlines()]
    return "\n".join(rows)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_told(path: Path) -> None:
    assert not drifted(path.with_suffix(".txt"), told(path))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_no_secret_and_no_wording_of_pydantic_is_told(path: Path) -> None:
    for words in ("hunter2", "ghp_", "Input should", "Value error"):
        assert words not in told(path)


def test_a_place_leads_to_the_file() -> None:
    loaded = load_release(EXAMPLE)
    place = loaded.place("risks", 1, "likelihood")
    assert place.file == str(EXAMPLE)
    assert place.line is not None
    assert EXAMPLE.read_text(encoding="utf-8").splitlines()[place.line - 1] == place.text


def test_there_may_be_none(tmp_path: Path) -> None:
    assert release_beside(tmp_path) is None
    with pytest.raises(ManifestError, match="documents init"):
        load_release(tmp_path / "release.yaml")


def test_the_starter_says_nothing_that_nobody_said() -> None:
    made = load_release_text(release_starter("2.4", "x"), "release.yaml").value
    assert made.model_dump(exclude_defaults=True) == {"version": "2.4"}


def test_the_starter_shows_every_key_and_all_of_it_loads() -> None:
    whole = opened(release_starter("2.4", "x"))
    made = load_release_text(whole, "release.yaml").value
    assert made.model_fields_set == set(type(made).model_fields)
    assert in_the_schema(whole)


def test_the_schema_says_what_is_read() -> None:
    schema = release_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert in_the_schema(EXAMPLE.read_text(encoding="utf-8"))
    assert not in_the_schema((FOLDER / "everything-wrong.yaml").read_text(encoding="utf-8"))
    undescribed = [
        f"{name}.{key}"
        for name, part in [("", schema), *schema["$defs"].items()]
        for key, value in part.get("properties", {}).items()
        if not {"description", "$ref"} & value.keys()
    ]
    assert undescribed == []


def test_schema_file_is_current() -> None:
    assert not drifted(ROOT / "schema" / "release.schema.json", release_schema_text())


def test_reference_page_is_current() -> None:
    page = ROOT / "docs" / "release-file.md"
    head, mark, rest = page.read_text(encoding="utf-8").partition("<!-- generated")
    first = (mark + rest).split("\n", 1)[0]
    assert not drifted(page, f"{head}{first}\n\n{release_reference()}\n<!-- end -->\n")


def test_examples_on_the_page_load() -> None:
    page = (ROOT / "docs" / "release-file.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", page, re.S)
    assert examples
    for example in examples:
        load_release_text(example, "docs/release-file.md")


@pytest.mark.parametrize(
    ("uses", "allows", "allowed"),
    [
        ("7.2", ">=7, <8", True),
        ("8", ">=7, <8", False),
        ("8.0", "<8", False),
        ("7.10", ">7.9", True),
        ("15", "!=15.0", False),
        ("7.2", "==7.2.0", True),
        ("7.2", "<=7.1", False),
        (None, ">=7", True),
    ],
)
def test_versions_of_others_are_compared_figure_by_figure(
    uses: str | None, allows: str, *, allowed: bool
) -> None:
    made = Vendor(name="x", product="y", valid_until="2027-01-01", uses=uses, allows=allows, owner="z")
    assert made.allowed is allowed
