"""One case a file: SQL, its dialect in the first line, and what is found dangerous in it, by line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotage.adapters.database.danger import dangers

CASES = sorted((Path(__file__).parent / "cases").glob("*.sql"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_dangerous(path):
    text = path.read_text()
    dialect = text.splitlines()[0].removeprefix("-- ")
    found = [
        f"{one.line} {'refused' if one.refused else 'warned'} {one.code}: {one.what}\n"
        for one in dangers(text, dialect)
    ]
    assert "".join(found) == path.with_suffix(".txt").read_text()


def test_there_are_cases():
    assert len(CASES) >= 8


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["postgres", "sqlite"]))
def test_whatever_is_written_is_read_or_refused(text, dialect):
    """And a drop after it is found whatever stands before it."""
    found = list(dangers(f"{text}\n;\nDROP TABLE customers", dialect))
    assert any(one.refused for one in found) or "customers" not in _last_statement(text)


def _last_statement(text: str) -> str:
    """Quotes and comments may swallow the drop: then the text is no SQL, or the drop is none."""
    opened = any(mark in text for mark in ("'", '"', "--", "/*", "$", "`", "[", "#", "{"))
    return "" if opened else "customers"
