"""``pilotage rehearse`` on the example of docs/rehearsal.md: real manifest, real plan, nothing started."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pilotage.cli.main import main
from pilotage.usecases import rehearsing

EXAMPLE = Path(__file__).parents[2] / "examples" / "rehearsal"
SHORT = ("--begin", "2026-03-02T09:00", "--seed", "4")


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """The example with holds of minutes; one process."""
    for name in ("pilotage.yaml", "model.yaml"):
        shutil.copy(EXAMPLE / name, tmp_path)
    manifest = tmp_path / "pilotage.yaml"
    manifest.write_text(manifest.read_text().replace("hold: 7d", "hold: 5m").replace("1%, 10%, 50%", "50%"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PILOTAGE_STATE", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(rehearsing, "cpu_count", lambda: 0)
    return tmp_path


def run(capsys, *words):
    code = main(["rehearse", *words])
    written = capsys.readouterr()
    return code, written.out, written.err


def test_the_same_words_give_the_same_rehearsal(shop, capsys):
    words = ("2.0", "--from", "1.0", "--model", "model.yaml", "--runs", "0", *SHORT, "--json")
    code, first, _ = run(capsys, *words)
    assert code == 0
    assert run(capsys, *words)[1] == first
    found = json.loads(first)
    assert (found["old"], found["new"], found["ending"]) == ("1.0", "2.0", "succeeded")
    assert found["requests_per_second"] == [2.5, 110.0]
    assert found["assumed"][0] == "requests as the model says"
    assert found["sees"]["outlooks"]
    assert found["cases"] == []


def test_what_is_worse_is_counted_and_written(shop, capsys):
    words = ("2.0", "--from", "1.0", "--model", "model.yaml", "--worse", "errors x20", "--runs", "2")
    code, out, err = run(capsys, *words, *SHORT, "--html", "r.html", "--svg", "r.svg")
    assert code == 0
    assert "errors x20" in out
    assert "2 of 2" in out
    assert "Wrote r.html." in err
    assert (shop / "r.svg").read_text() in (shop / "r.html").read_text()


def test_nothing_is_kept(shop, capsys):
    run(capsys, "2.0", "--from", "1.0", "--requests", "100/s", "--runs", "0", *SHORT)
    assert main(["history", "--json"]) in (0, 2)
    assert "shop" not in capsys.readouterr().out


def test_a_plan_that_does_not_come_to_its_end_is_told_by_the_exit_code(shop, capsys):
    words = ("2.0", "--from", "1.0", "--requests", "20/d", "--runs", "0", *SHORT)
    code, out, _ = run(capsys, *words)
    assert code == 5
    assert "it still stands at step" in out
    assert "If fine   promoted in none" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--fault", "errors 5"), "'errors 5' is no fault"),
        (("--worse", "sleepy"), "'sleepy' is no fault"),
        (("--requests", "100"), "'100' is not a rate"),
        (("--errors", "5"), "'5' is not a share"),
        (("--runs", "-1"), "-1 runs can not be played"),
        (("--begin", "soon"), "soon is no time"),
        (("--model", "none.yaml"), "there is no such file"),
    ],
)
def test_what_can_not_be_meant_is_refused(shop, capsys, words, told):
    code, out, err = run(capsys, "2.0", "--from", "1.0", *words)
    assert code in (2, 3)
    assert told in err
    assert out == ""


def test_every_fault_of_a_model_is_told_with_its_place(shop, capsys):
    (shop / "model.yaml").write_text("requests: 5\nby_hour: [1/s, 2/s]\nerorrs: 1%\nfaults:\n  - errors 5\n")
    code, _, err = run(capsys, "2.0", "--from", "1.0", "--model", "model.yaml")
    assert code == 3
    for place in ("model.yaml:2:", "model.yaml:3:", "model.yaml:5:"):
        assert place in err, err
    assert "did you mean `errors`" in err
