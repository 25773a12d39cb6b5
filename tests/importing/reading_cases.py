"""What the tests of the import share: a case is a folder with the files of a tool."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
ANSWERS = ("manifest.yaml", "report.md", "NAMES")


def texts_of(case: Path) -> dict[str, str]:
    """By file; the names of configurations of CodeDeploy stand in NAMES, one a line."""
    found = {path.name: path.read_text() for path in sorted(case.iterdir()) if path.name not in ANSWERS}
    names = case / "NAMES"
    return found | {name: name for name in (names.read_text().split() if names.exists() else [])}


def leaves(texts: dict[str, str]) -> Counter[tuple[str, str]]:
    """Every value that holds no others, by file and name: read by PyYAML alone."""
    return Counter(
        (file, name or "(the whole)")
        for file, text in texts.items()
        for document in yaml.load_all(text, Loader=yaml.CSafeLoader)
        if document not in (None, "")
        for name in _below(document, "")
    )


def _below(value: Any, name: str) -> list[str]:
    if isinstance(value, dict) and value:
        return [leaf for key, one in value.items() for leaf in _below(one, f"{name}.{key}" if name else key)]
    if isinstance(value, list) and value:
        return [leaf for number, one in enumerate(value) for leaf in _below(one, f"{name}[{number}]")]
    return [name]
