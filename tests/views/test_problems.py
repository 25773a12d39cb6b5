"""Problems drawn: carets where they belong, nothing that moves a cursor, valid formats for machines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.errors import Place, Problem
from pilotage.views.problems import as_github, as_json, as_sarif, as_text, drawn_width


def problem(text: str, column: int, length: int = 1, **more: str) -> Problem:
    where = Place(file="pilotage.yaml", line=3, column=column, length=length, text=text)
    return Problem(code="manifest.duration", what="`30` has no unit", where=where, **more)  # type: ignore[arg-type]


WHOLE = problem("  grace: 30", 10, 2, mend="write 30s", why="seconds or minutes?", link="docs/manifest.md")


def test_the_whole_block() -> None:
    assert as_text([WHOLE]) == (
        "pilotage.yaml:3:10: manifest.duration: `30` has no unit\n"
        "    grace: 30\n"
        "           ^^\n"
        "  why: seconds or minutes?\n"
        "  mend: write 30s\n"
        "  see: docs/manifest.md\n"
    )


def test_blocks_are_parted_and_warnings_come_last() -> None:
    bare = Problem(code="a.b", what="nothing works", where=Place(file="x.yaml"))
    nowhere = Problem(code="a.c", what="nowhere", why="first\nsecond")
    assert as_text([bare], warnings=[nowhere]) == (
        "x.yaml: a.b: nothing works\n\nwarning: a.c: nowhere\n  why: first\n       second\n"
    )


def test_no_problem_is_no_text() -> None:
    assert as_text([]) == ""
    assert as_github([]) == ""


@pytest.mark.parametrize(
    ("text", "column", "length", "before"),
    [
        ("a: b", 4, 1, 3),
        ("\ta: b", 5, 1, 7),
        ("商品: b", 5, 1, 6),
        ("🛒: b", 4, 1, 4),
        ("👩‍💻: b", 6, 1, 4),
        ("e\u0301: b", 5, 1, 3),
        ("ｆ: b", 4, 1, 4),
        ("", 1, 1, 0),
        ("ab", 3, 1, 2),
    ],
)
def test_the_caret_stands_under_the_place(text: str, column: int, length: int, before: int) -> None:
    line, caret = as_text([problem(text, column, length)]).splitlines()[1:3]
    assert caret == "  " + " " * before + "^"
    assert line.startswith("  ")


def test_a_wide_sign_gets_wide_carets() -> None:
    assert as_text([problem("a: 商品", 4, 2)]).splitlines()[2] == "     ^^^^"


@pytest.mark.parametrize("sign", ["\x1b", "\r", "\x00", "\u202e", "\u2028", "\x85"])
def test_what_would_move_the_cursor_is_not_written(sign: str) -> None:
    text = as_text([problem(f"a{sign}b: c", 6)])
    assert sign not in text
    assert text.splitlines()[2] == "       ^"


def test_a_long_line_is_cropped_around_the_caret() -> None:
    line, caret = as_text([problem("x" * 500 + "!" + "y" * 500, 501)]).splitlines()[1:3]
    assert len(line) <= 102
    assert line[caret.index("^")] == "!"
    assert line.startswith("  …")
    assert line.endswith("…")


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
    st.integers(1, 320),
    st.integers(1, 320),
)
def test_a_block_has_three_lines_and_fits(text: str, column: int, length: int) -> None:
    drawn = as_text([problem(text, column, length)])
    assert drawn.count("\n") == 3
    head, line, caret, _ = drawn.split("\n")
    assert head.endswith("has no unit")
    assert drawn_width(line) <= 104
    assert len(caret) <= 104
    assert set(caret) <= {" ", "^"}
    assert caret.endswith("^")


def test_json() -> None:
    data = json.loads(as_json([WHOLE], warnings=[WHOLE]))
    assert data["problems"] == data["warnings"]
    assert data["problems"][0]["code"] == "manifest.duration"
    assert data["problems"][0]["where"]["line"] == 3


def test_github() -> None:
    tricky = Problem(
        code="a.b", what="100%: no,\nreally", where=Place(file="a,b:c.yaml", line=1, column=2, length=3)
    )
    assert as_github([tricky], warnings=[Problem(code="a.c", what="hm", mend="do it")]) == (
        "::error file=a%2Cb%3Ac.yaml,line=1,col=2,endColumn=5,title=a.b::100%25: no,%0Areally\n"
        "::warning title=a.c::hm%0AMend: do it\n"
    )


def test_sarif() -> None:
    text = as_sarif([WHOLE, WHOLE], warnings=[Problem(code="a.c", what="hm")], version="1.2.3")
    log = json.loads(text)
    assert (log["version"], log["$schema"]) == ("2.1.0", "https://json.schemastore.org/sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("Pilotage", "1.2.3")
    assert [rule["id"] for rule in driver["rules"]] == ["a.c", "manifest.duration"]
    first, _, last = run["results"]
    assert driver["rules"][first["ruleIndex"]]["id"] == first["ruleId"] == "manifest.duration"
    assert (first["level"], last["level"]) == ("error", "warning")
    assert "locations" not in last
    location = first["locations"][0]["physicalLocation"]
    assert location["artifactLocation"] == {"uri": "pilotage.yaml"}
    assert location["region"] == {
        "startLine": 3,
        "startColumn": 10,
        "endColumn": 12,
        "snippet": {"text": "  grace: 30"},
    }


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a b/ü.yaml", "a%20b/%C3%BC.yaml"),
        ("/srv/app/pilotage.yaml", "file:///srv/app/pilotage.yaml"),
        ("folder\\file.yaml", "folder/file.yaml"),
        ("C:\\folder\\file.yaml", "file:///C:/folder/file.yaml"),
    ],
)
def test_files_are_uris_in_sarif(file: str, uri: str) -> None:
    log = json.loads(as_sarif([Problem(code="a.b", what="x", where=Place(file=file, line=1))]))
    location = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == uri
    assert location["region"] == {"startLine": 1}
