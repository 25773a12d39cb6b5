"""A judge's settings in a file of their own are read as a manifest's judge block is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pilotage.core.judging import JudgeSettings
from pilotage.manifest.judge_file import load_judge, load_judge_text
from pilotage.manifest.load import load_text
from pilotage.manifest.model import ManifestError

BLOCK = "{false_pass: 10%, errors: {ratio: 1.3}, latency: {bounds: [0.005, 0.25], margin: 0}, warm_up: 5s}"
MANIFEST = f"""
service: shop
artifact: {{directory: "build/{{version}}"}}
run: {{command: "serve {{port}}"}}
judge: {BLOCK}
environments: {{local: {{router: {{listen: 127.0.0.1:8080}}}}}}
"""


def test_the_same_words_mean_the_same_as_in_a_manifest() -> None:
    expected = load_text(MANIFEST, "pilotage.yaml").environment("local").judge_settings()
    assert load_judge_text(BLOCK, "judge.yaml") == expected
    assert load_judge_text(f"judge: {BLOCK}", "judge.yaml") == expected
    assert expected.latency_bounds == (0.005, 0.25)


def test_json_with_tabs() -> None:
    found = load_judge_text('{\n\t"latency": false,\n\t"interval": "15s"\n}', "judge.json")
    assert found == JudgeSettings(latency=False, interval=timedelta(seconds=15))


@pytest.mark.parametrize("alpha", ["0.02", "2%", "2e-2", ".02"])
def test_the_names_in_the_literature(alpha: str) -> None:
    found = load_judge_text(f"{{alpha: {alpha}, beta: 0.1}}", "judge.yaml")
    assert (found.false_rollback, found.false_pass) == (0.02, 0.1)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("alpha: 0.7", "range", 1, 8),
        ("alpha: 2", "share", 1, 8),
        ("false_rollback: 0.02", "share", 1, 17),
        ("alpha: 1%\nfalse_rollback: 1%", "duplicate-key", 2, 1),
        ("errors: {ratoi: 2}", "unknown-key", 1, 10),
        ("errors: {ratio: 3, pass_ratio: 2}", "margins", 1, 32),
        ("latency: {bounds: [2, 1]}", "value", 1, 11),
        ("latency: {bounds: [0, 1]}", "value", 1, 11),
        ("- 1", "type", 1, 1),
        (" ", "empty", None, None),
        ("{", "syntax", 1, 1),
    ],
)
def test_every_mistake_has_its_place(text: str, code: str, line: int | None, column: int | None) -> None:
    with pytest.raises(ManifestError) as caught:
        load_judge_text(text, "judge.yaml")
    problem = caught.value.problems[0]
    assert problem.code == f"manifest.{code}"
    assert problem.where is not None
    assert (problem.where.file, problem.where.line, problem.where.column) == ("judge.yaml", line, column)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such file"):
        load_judge(tmp_path / "judge.yaml")
