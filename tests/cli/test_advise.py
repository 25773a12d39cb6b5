"""``pilotage advise``: what it asks, writes and refuses, with the real manifest reader and store."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Ended
from pilotage.cli.asking import read
from pilotage.cli.main import main
from pilotage.cli.terminal import Terminal
from pilotage.core.traffic import Traffic
from pilotage.errors import ExitCode
from pilotage.manifest.advice_files import load_facts, shipped_table
from pilotage.manifest.starter import starter
from pilotage.usecases import foreseeing

Command = Callable[..., Ended]
DOCS = Path(__file__).parents[2] / "docs"
CASES = Path(__file__).parents[1] / "advisor" / "cases"
TABLE = shipped_table()


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """In an empty folder, without a terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("PILOTAGE_STATE", raising=False)
    monkeypatch.setattr(Terminal, "interactive", False)

    def run(*words: str) -> Ended:
        code = main(["advise", *words])
        written = capsys.readouterr()
        return Ended(int(code), written.out, written.err)

    return run


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def give(*lines: str) -> None:
        monkeypatch.setattr(Terminal, "interactive", True)
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    return give


def case(name: str) -> str:
    return str(CASES / f"{name}.yaml")


def manifest(tmp_path: Path, *, strategy: bool = False) -> Path:
    path, text = tmp_path / "pilotage.yaml", starter(tmp_path)
    if not strategy:
        text = re.sub(r"(?ms)^strategy:.*?\n\n", "", text)
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_is_asked_without_a_terminal(cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    ended = cli()
    assert ended.code == ExitCode.DONE
    assert "Not known: assumed the cautious side (marked *): users: many*" in ended.out


def test_json_and_nothing_else(cli: Command, answers: Callable[..., None]) -> None:
    answers("few")
    data = json.loads(cli("--json", "--facts", case("web-shop")).out)
    assert data["first"] == "canary"
    assert [rank["method"] for rank in data["ranks"] if rank["refused"]] == ["feature-flag"]
    assert {fact["source"] for fact in data["facts"]} == {"web-shop.yaml says"}
    assert json.loads(cli("--json").out)["facts"][0]["source"] == ""


def test_nothing_safe_has_a_code_of_its_own(cli: Command) -> None:
    ended = cli("--facts", case("warehouse-never-rehearsed"))
    assert ended.code == ExitCode.BLOCKED
    assert "With these facts no method is safe." in ended.out
    assert "a big bang without a rehearsed way back is unsafe" in ended.out


def test_questions(cli: Command, answers: Callable[..., None], tmp_path: Path) -> None:
    answers("40000", "?", "lots", "hi", "", "shares")
    ended = cli("--save", "facts.yaml")
    assert ended.code == ExitCode.DONE
    assert "1 of 28  How many people use the service?  users" in ended.out
    assert "The more there are, the sooner a small share shows" in ended.out
    assert "`lots` is not one of low, medium, high, or a number" in ended.out
    assert "(return: not known, then one is assumed; ?: help)" in ended.out
    assert "you say: users: 40000 = many, traffic: high, routing: shares\n" in ended.out
    assert load_facts(tmp_path / "facts.yaml", TABLE) == {
        "users": 40000,
        "traffic": "high",
        "routing": "shares",
    }
    assert "pilotage advise --facts facts.yaml" in ended.err


def test_a_file_of_answers_is_not_lost(cli: Command, answers: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "facts.yaml").write_text("users: few\n")
    answers("many")
    ended = cli("--save", "facts.yaml")
    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    assert (tmp_path / "facts.yaml").read_text() == "users: few\n"
    assert cli("--save", "facts.yaml", "--force").code == ExitCode.DONE
    assert load_facts(tmp_path / "facts.yaml", TABLE) == {"users": "many"}


def test_what_the_manifest_shows_is_not_asked(
    cli: Command, answers: Callable[..., None], tmp_path: Path
) -> None:
    path = manifest(tmp_path)
    path.write_text(path.read_text() + '    expect: {requests: "20/s", errors: 0.1%}\n')
    answers("few")
    ended = cli()
    assert "1 of 24 " in ended.out
    said = (
        "pilotage.yaml says: traffic: 1200 = high, instances: 2 = few, routing: shares, telemetry: by-version"
    )
    assert said in " ".join(ended.out.split())


def test_recorded_traffic_is_told_as_such(
    cli: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def recorded(*_: object) -> Traffic:
        return Traffic(requests=2.0, errors=0.0, source="as shop-local-3 had it")

    manifest(tmp_path)
    monkeypatch.setattr(foreseeing, "recorded", recorded)
    assert "recorded traffic (as shop-local-3 had it) says: traffic: 120 = medium" in cli().out


def test_people_know_more_than_the_manifest(cli: Command, tmp_path: Path) -> None:
    manifest(tmp_path)
    (tmp_path / "facts.yaml").write_text("telemetry: none\n")
    out = cli("--facts", "facts.yaml").out
    assert "facts.yaml says: telemetry: none\n" in out
    assert "pilotage.yaml says: instances: 2 = few, routing: shares\n" in out


def test_a_broken_facts_file_starts_nothing(cli: Command, tmp_path: Path) -> None:
    path = manifest(tmp_path)
    before = path.read_text()
    (tmp_path / "facts.yaml").write_text("users: lots\ncoupling: lose\n")
    ended = cli("--facts", "facts.yaml", "--write")
    assert (ended.code, ended.out) == (ExitCode.REFUSED_MANIFEST, "")
    assert "facts.yaml:2:11: error manifest.choice: `lose` is not one of loose, some, tight" in ended.err
    assert "mend: did you mean `loose`?" in ended.err
    assert path.read_text() == before


def test_the_strategy_is_written_and_shown(cli: Command, tmp_path: Path) -> None:
    path = manifest(tmp_path)
    before = path.read_text()
    ended = cli("--facts", case("web-shop"), "--write")
    assert ended.code == ExitCode.DONE
    assert "+strategy:\n+  method: canary\n" in ended.out
    assert "+# Advised by `pilotage advise`: first of 9 with +21.\n" in ended.out
    after = path.read_text()
    kept = [
        row for row in after.splitlines() if not row.startswith(("strategy:", "  method:", "# Advised", "# - "))
    ]
    assert [row for row in kept if row] == [row for row in before.splitlines() if row]
    assert main(["check"]) == ExitCode.DONE


def test_with_json_the_difference_goes_to_standard_error(cli: Command, tmp_path: Path) -> None:
    manifest(tmp_path)
    ended = cli("--facts", case("web-shop"), "--write", "--json")
    assert json.loads(ended.out)["first"] == "canary"
    assert "+  method: canary\n" in ended.err


def test_a_strategy_that_is_there_needs_force(cli: Command, tmp_path: Path) -> None:
    path = manifest(tmp_path, strategy=True)
    before = path.read_text()
    ended = cli("--facts", case("internal-tool"), "--write")
    assert ended.code == ExitCode.BLOCKED
    assert "the manifest has a strategy already" in ended.err
    assert path.read_text() == before
    ended = cli("--facts", case("internal-tool"), "--write", "--force")
    assert ended.code == ExitCode.DONE
    assert "-  method: canary" in ended.out
    assert "+  method: rolling" in ended.out


@pytest.mark.parametrize(
    ("facts", "words", "code", "told"),
    [
        ("pay-slips", (), ExitCode.BLOCKED, "parallel-run is not run by this version of Pilotage"),
        ("web-shop", ("--method", "phased"), ExitCode.BLOCKED, "phased is not run by this version"),
        ("warehouse-never-rehearsed", (), ExitCode.BLOCKED, "with these facts no method is safe"),
        (
            "nothing-known",
            ("--method", "big-bang"),
            ExitCode.BLOCKED,
            "big-bang is refused: a big bang without",
        ),
        ("web-shop", ("--method", "canari"), ExitCode.USAGE, "did you mean `canary`?"),
    ],
)
def test_what_is_not_written(
    cli: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    facts: str,
    words: tuple[str, ...],
    code: ExitCode,
    told: str,
) -> None:
    monkeypatch.setattr("pilotage.usecases.advising.METHODS", {"canary": 0, "rolling": 0, "big-bang": 0})
    path = manifest(tmp_path)
    before = path.read_text()
    ended = cli("--facts", case(facts), "--write", *words)
    assert ended.code == code
    assert told in ended.err
    assert path.read_text() == before


def test_another_method_than_the_first(cli: Command, tmp_path: Path) -> None:
    path = manifest(tmp_path)
    ended = cli("--facts", case("pay-slips"), "--write", "--method", "canary")
    assert ended.code == ExitCode.DONE
    assert "# Advised by `pilotage advise`: place 2 of 9 with" in path.read_text()


def test_method_without_write_and_write_without_a_manifest(cli: Command) -> None:
    assert cli("--method", "canary").code == ExitCode.USAGE
    ended = cli("--facts", case("web-shop"), "--write")
    assert ended.code == ExitCode.USAGE
    assert "there is no manifest to write to" in ended.err
    assert cli("--to", "production").code == ExitCode.USAGE


def test_an_environment_with_its_own_strategy_is_told(cli: Command, tmp_path: Path) -> None:
    path = manifest(tmp_path)
    path.write_text(path.read_text() + "    strategy: rolling\n")
    ended = cli("--facts", case("web-shop"), "--write")
    assert "local has a strategy of its own, which holds there." in ended.err


@pytest.mark.parametrize(
    ("words", "fact", "answer"),
    [("Medium", "traffic", "medium"), ("m", "traffic", "medium"), ("7", "traffic", 7), ("7", "coupling", None),
     ("un", "side_by_side", "unproven"), ("-1", "users", None), ("s", "telemetry", "service"),
     ("²", "users", None)],
)  # fmt: skip
def test_how_answers_are_read(words: str, fact: str, answer: str | int | None) -> None:
    assert read(words, TABLE.facts[fact]) == answer


def test_the_example_of_the_page(cli: Command, tmp_path: Path) -> None:
    page = (DOCS / "adviser.md").read_text(encoding="utf-8")
    facts, told = re.findall(r"```(?:yaml|text)\n(.*?)```", page, re.DOTALL)[:2]
    (tmp_path / "facts.yaml").write_text(facts, encoding="utf-8")
    out = cli("--facts", "facts.yaml").out
    assert out.startswith(told.partition("…\n")[0])
    assert told.partition("…\n")[2] in out


def test_the_page_names_every_fact_method_and_pitfall() -> None:
    page = (DOCS / "adviser.md").read_text(encoding="utf-8")
    for name in [*TABLE.facts, *TABLE.methods, *(one.code for one in TABLE.pitfalls)]:
        assert f"`{name}`" in page, name
