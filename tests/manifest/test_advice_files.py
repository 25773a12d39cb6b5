"""What people say of a release, read as strictly as a manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from pilotage.errors import Problem
from pilotage.manifest.advice_files import facts_text, load_facts, load_facts_text, shipped_table
from pilotage.manifest.model import ManifestError

TABLE = shipped_table()


def refused(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ManifestError) as caught:
        load_facts_text(text, "facts.yaml", TABLE)
    return caught.value.problems


def test_words_and_numbers() -> None:
    said = load_facts_text("users: 5000\ntelemetry: by-version\n", "facts.yaml", TABLE)
    assert said == {"users": 5000, "telemetry": "by-version"}


def test_every_problem_at_once_with_its_place() -> None:
    text = "users: 5.5\ntelemetry: by-versoin\ncoupling: 3\nflags: yes\ntelemetri: none\nsites: -1\n"
    found = [(p.code, p.where and p.where.line, p.where and p.where.column) for p in refused(text)]
    assert found == [
        ("manifest.choice", 1, 8),
        ("manifest.choice", 2, 12),
        ("manifest.choice", 3, 11),
        ("manifest.ambiguous", 4, 8),
        ("manifest.unknown-key", 5, 1),
        ("manifest.range", 6, 8),
    ]
    mends = [problem.mend for problem in refused(text)]
    assert mends[1] == "did you mean `by-version`?"
    assert mends[4] == "did you mean `telemetry`?"


def test_twice_and_not_a_mapping() -> None:
    assert refused("users: few\nusers: many\n")[0].code == "manifest.duplicate-key"
    assert refused("- users\n")[0].code == "manifest.type"
    assert refused("users:\n")[0].code == "manifest.no-value"
    assert refused("users: few\n---\nusers: few\n")[0].code == "manifest.several-documents"


def test_a_secret_is_not_shown() -> None:
    (problem,) = refused("telemetry: ghp_abcdefghijklmnopqrstuvwxyz0123456789\n")
    assert "ghp_" not in problem.model_dump_json()


def test_comments_alone_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text(facts_text(TABLE, {}), encoding="utf-8")
    assert load_facts(path, TABLE) == {}


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        load_facts(tmp_path / "facts.yaml", TABLE)
    assert caught.value.problems[0].code == "manifest.missing"
    assert "--save" in (caught.value.problems[0].mend or "")


def test_what_is_kept_has_every_question() -> None:
    text = facts_text(TABLE, {"users": 12})
    assert "users: 12 # few | some | many | a number\n" in text
    assert all(fact.asks in text for fact in TABLE.facts.values())
