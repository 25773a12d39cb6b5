"""The house holds its own rules: layers, sizes, words, docs, and no trace of a machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "pilotage"
FILES = sorted(SOURCE.rglob("*.py"))
LONGEST_FILE, LONGEST_FUNCTION = 400, 50
LONG_FILES = {"ports.py": (500, "every door to the outside, on one page")}
"""Files that may be longer, how much, and the reason."""
LONG_FUNCTIONS = {
    "core/state.py:_changes": "one flat table of what each event means",
}
"""Functions that may be longer, with the reason."""


def _functions(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_files_and_functions_stay_small(path):
    longest, _ = LONG_FILES.get(str(path.relative_to(SOURCE)), (LONGEST_FILE, ""))
    assert len(path.read_text().splitlines()) <= longest
    for function in _functions(path):
        name = f"{path.relative_to(SOURCE)}:{function.name}"
        if name not in LONG_FUNCTIONS:
            assert function.end_lineno - function.lineno < LONGEST_FUNCTION, f"{name} is too long"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_every_module_says_what_it_is(path):
    tree = ast.parse(path.read_text())
    assert not tree.body or ast.get_docstring(tree), "the module needs a docstring"
    assert path.stem not in {"utils", "helpers", "common", "manager", "misc"}


def test_no_stub_is_shipped():
    words = re.compile(r"\b(TODO|FIXME|XXX|raise NotImplementedError)\b")
    found = [str(p) for p in FILES if words.search(p.read_text())]
    assert found == []


def test_the_layers_hold():
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_word_of_the_glossary_is_in_the_code():
    rows = re.findall(r"^\| [^|]+ \| [^|]+ \| `([\w.]+):?` ", (ROOT / "docs/glossary.md").read_text(), re.M)
    assert len(rows) > 20
    code = "\n".join(path.read_text() for path in FILES)
    for name in rows:
        last = name.split(".")[-1]
        assert re.search(rf"\b{last}\b", code), f"the glossary names {name}, the code does not"


def test_every_requirement_has_its_row_in_the_coverage():
    ids = re.findall(r"^\| ([A-G]\d+) \|", (ROOT / "docs/coverage.md").read_text(), re.M)
    assert len(ids) == len(set(ids)) == 120


def test_the_coverage_names_only_what_is_there():
    text = (ROOT / "docs/coverage.md").read_text()
    for path in re.findall(r"`(\w+/[\w/.]+)`", text):
        base = ROOT if path.startswith(("tests/", "docs/")) else SOURCE
        assert (base / path).exists(), path


def test_links_in_the_docs_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_readme_begins_with_the_two_commands():
    head = "\n".join((ROOT / "README.md").read_text().splitlines()[:20])
    assert "make demo" in head
    assert "make test" in head
