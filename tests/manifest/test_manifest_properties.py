"""Whatever stands in a file: a Manifest or a ManifestError; every place lies in the file; no secret is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pilotage.errors import Problem
from pilotage.manifest.codes import CODES
from pilotage.manifest.load import load, load_text
from pilotage.manifest.model import ManifestError
from pilotage.manifest.source import Source
from pilotage.views.problems import as_github, as_json, as_sarif, as_text

CASES = Path(__file__).parent / "cases"
WHOLE = (CASES / "ok-everything.yaml").read_text(encoding="utf-8")
LINES = WHOLE.splitlines()
PIECES = [
    *"{}[]:,-#&*!|>'\"%@`?~<=\\\t\n ",
    ": ", "- ", "<<: ", "*a", "&a ", "!!str ", "---\n", "...\n", "{port}", "\n  ", "\r", "\ufeff", "\u2028",
    "yes", "0777", "1:30", "2026-01-02", "99999999d", "1e999", ".nan", "5%", "30", "null", "PASSWORD: hunter2",
    "\x00", "é", "商", "🛒", "\u200d", "\U0010ffff",
]  # fmt: skip


def problems_of(text: str) -> tuple[Problem, ...]:
    try:
        return load_text(text, "pilotage.yaml").warnings
    except ManifestError as error:
        return error.problems


def check(text: str) -> None:
    problems = problems_of(text)
    lines = Source(text.removeprefix("\ufeff"), "x").lines
    order = [(p.where.line or 1, p.where.column or 1) for p in problems if p.where]
    assert order == sorted(order)
    for problem in problems:
        assert problem.code in CODES
        assert "Input should" not in problem.what
        where = problem.where
        assert where is not None
        assert where.file == "pilotage.yaml"
        if where.line is None:
            continue
        line = lines[where.line - 1]
        assert where.text is not None
        assert len(where.text) == len(line)
        assert where.column is not None
        assert 1 <= where.column <= len(line) + 1
        assert where.length >= 1
        assert where.column - 1 + where.length <= max(len(line), where.column)
    assert as_text(problems).count("\n\n") == max(len(problems) - 1, 0)
    assert len(json.loads(as_json(problems))["problems"]) == len(problems)
    assert as_github(problems).count("\n") == len(problems)
    assert len(json.loads(as_sarif(problems))["runs"][0]["results"]) == len(problems)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A good manifest with some pieces cut out, put in or doubled."""
    text = WHOLE
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(st.sampled_from([*PIECES, "", text[start:end] * 2])) + text[end:]
    return text


@st.composite
def shuffled(draw: st.DrawFn) -> str:
    """The lines of a good manifest in another order, indented otherwise, some missing."""
    lines = draw(st.lists(st.sampled_from(LINES), max_size=30))
    return "\n".join(" " * draw(st.integers(0, 3)) + line for line in lines)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
@example("{")
@example("[[[[")
@example("? ")
@example("a: |\n")
@example("\r\r\n\n")
def test_any_text(text: str) -> None:
    check(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_pieces_of_yaml(text: str) -> None:
    check(text)


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_any_mistake_in_a_good_manifest(text: str) -> None:
    check(text)


@settings(max_examples=150, deadline=None)
@given(shuffled())
def test_any_order_of_lines(text: str) -> None:
    check(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(PIECES),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    key=st.sampled_from(
        ["service", "artifact", "run", "checks", "versions", "strategy", "judge", "environments"]
    ),
    value=JSON,
)
def test_any_value_under_any_key(key: str, value: object) -> None:
    whole = {
        "service": "shop",
        "artifact": {"requirement": "shop=={version}"},
        "run": {"command": "shop {port}"},
        "environments": {"local": {"router": {"listen": "127.0.0.1:80"}}},
    }
    check(json.dumps(whole | {key: value}))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "pilotage.yaml"
    path.write_bytes(content)
    with pytest.raises(ManifestError) as caught:
        load(path)
    assert caught.value.problems


SECRETS = ["DB_PASSWORD: {}", "apiKey: {}", '"TOKEN": "{}"', "AUTH_SECRET: '{}'", "URL: https://u:{}@h/"]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SECRETS),
    st.text("abcdefghijkmnpqrstuvwxyz", min_size=12, max_size=20),
    st.sampled_from([*PIECES, ""]),
    st.integers(0, 60),
)
def test_no_secret_is_told_though_the_file_is_broken(form: str, secret: str, piece: str, where: int) -> None:
    """Broken anywhere but in the name or the URL itself, which would then be something else."""
    before = "  environment: {A: b, "
    inside = where > len(before) and "://" not in form
    assume(not (inside and set(piece) & set(",}]#\n\r")))  # there the value ends, and something else begins
    line = before + form.format(secret) + ", C: yes, D: 1}"
    place = (
        min(where, len(before))
        if where <= len(before) or "://" in form
        else line.index(secret) + (len(secret) if where % 2 else 0)
    )
    text = f"service: shop\nrun:\n{line[:place]}{piece}{line[place:]}\n"
    problems = problems_of(text)
    assert secret not in as_text(problems)
    assert secret not in as_json(problems)
