"""``pilotage judge``: what it writes, and its exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Command
from factories import at, make_change, make_environment, make_history, make_plan, make_snapshot
from pilotage.cli.main import main
from pilotage.core import events as e
from pilotage.core.inputs import nothing_heard
from pilotage.core.judging import JudgeSettings
from pilotage.errors import ExitCode
from pilotage.judge import Judge
from pilotage.manifest.judge_file import load_judge
from pilotage.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]
RECORDING = str(ROOT / "examples/judge/checkout.jsonl")
SETTINGS = str(ROOT / "examples/judge/checkout.yaml")


@pytest.fixture
def healthy(tmp_path: Path) -> str:
    """So short and clean that nothing is decided."""
    path = tmp_path / "healthy.jsonl"
    arm = '{"requests": 10, "errors": 0}'
    path.write_text(
        "".join(f'{{"t": {t}, "weight": 0.1, "control": {arm}, "canary": {arm}}}\n' for t in (1, 2, "NaN"))
    )
    return str(path)


def test_one_line_a_snapshot_up_to_the_decision(cli: Command) -> None:
    ended = cli("judge", "replay", RECORDING, "--settings", SETTINGS, "--json")
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == ExitCode.ROLLED_BACK
    assert [line["verdict"] for line in lines] == ["continue"] * (len(lines) - 1) + ["rollback"]
    last = lines[-1]
    assert (last["outcome"], last["permission"], last["blame"]) == ("fail", False, ["errors"])
    assert last["why"][0].startswith("errors: new ")
    assert last["measures"][0]["name"] == "errors"


def test_all_goes_on_to_the_end_and_keeps_the_exit_code(cli: Command) -> None:
    ended = cli("judge", "replay", RECORDING, "--settings", SETTINGS, "--json", "--all")
    assert len(ended.out.splitlines()) == len(Path(RECORDING).read_text().splitlines())
    assert ended.code == ExitCode.ROLLED_BACK


def test_undecided_has_a_code_of_its_own(cli: Command, healthy: str) -> None:
    ended = cli("judge", "replay", healthy, "--json")
    assert ended.code == ExitCode.UNDECIDED
    last = json.loads(ended.out.splitlines()[-1], parse_constant=pytest.fail)
    assert last["t"] is None
    assert last["why"] == ["the telemetry's time is unknown: holding"]
    assert cli("judge", "replay", healthy).out.endswith("3 snapshots from 1 s to ?: not decided.\n")


def test_a_broken_line_ends_it_after_what_was_sound(cli: Command, healthy: str) -> None:
    with open(healthy, "a") as file:
        file.write('{"t": 4, "weight": "x"}\n')
    ended = cli("judge", "replay", healthy, "--json")
    assert ended.code == ExitCode.FAILED
    assert len(ended.out.splitlines()) == 3
    (problem,) = json.loads(ended.err)["problems"]
    assert (problem["where"]["line"], problem["where"]["column"]) == (4, 20)


def test_broken_settings_are_refused_before_anything(cli: Command, healthy: str, tmp_path: Path) -> None:
    (tmp_path / "judge.yaml").write_text("alpah: 1%\n")
    ended = cli("judge", "replay", healthy, "--settings", "judge.yaml")
    assert (ended.code, ended.out) == (ExitCode.REFUSED_MANIFEST, "")
    assert "judge.yaml:1:1" in ended.err


EXAMPLES = {
    "replay": ("replay", RECORDING, "--settings", SETTINGS),
    "backtest": (
        *("backtest", str(ROOT / "examples/judge/history.jsonl.gz")),
        *("--settings", str(ROOT / "examples/judge/history.yaml"), "--length", "10m", "--shares", "10%,50%"),
    ),
}


@pytest.mark.parametrize("page", EXAMPLES)
def test_a_page_shows_what_its_example_gives(cli: Command, page: str) -> None:
    """PILOTAGE_REWRITE=1 writes it anew."""
    path = ROOT / f"docs/judge/{page}.md"
    shown = cli("judge", *EXAMPLES[page]).out
    head, rest = path.read_text().split(f"<!-- {page} -->\n")
    fresh = f"{head}<!-- {page} -->\n```\n{shown}```\n<!-- end -->{rest.split('<!-- end -->')[1]}"
    if os.environ.get("PILOTAGE_REWRITE"):
        path.write_text(fresh)
    assert path.read_text() == fresh


def test_the_library_of_the_page_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/judge/replay.md").read_text(), re.DOTALL)
    exec(program, {})
    assert capsys.readouterr().out.startswith("rollback ('errors: new ")


def released(folder: Path) -> None:
    """A rollout in a state folder, whose judge heard three looks and held."""
    planned = JudgeSettings(latency=False)
    judging = planned.model_copy(update={"latency_bounds": (0.5,)})
    judge, inputs = Judge(judging), nothing_heard(judging)
    store = SqliteStore.open(folder / "pilotage.db")
    for number in (1, 2, 3):
        snapshot = make_snapshot(number)
        asyncio.run(store.record("shop-1", number, snapshot))
        verdict, inputs = judge.feed(snapshot), inputs.and_then(snapshot)
    said = e.Judged(at=at(9), verdict=verdict, inputs=inputs)
    change = make_change("shop-1", *make_history(1, make_plan(judge=planned)), said)
    asyncio.run(store.commit(change, environment=make_environment()))
    asyncio.run(store.close())


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command on that state folder, without a manifest."""
    monkeypatch.chdir(tmp_path)
    released(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        code = main([*words, "--state", str(tmp_path)])
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


@pytest.mark.parametrize("name", ["heard.jsonl", "heard.jsonl.gz"])
def test_what_is_exported_can_be_replayed(real: Run, tmp_path: Path, name: str) -> None:
    code, out, err = real("judge", "export", "shop-1", "--out", name)
    assert (code, out) == (ExitCode.DONE, "")
    assert err == f"3 snapshots: pilotage judge replay {name} --settings heard.judge.yaml\n"
    code, out, _ = real("judge", "replay", name, "--settings", "heard.judge.yaml", "--json")
    assert code == ExitCode.UNDECIDED
    assert len(out.splitlines()) == 3
    assert load_judge(tmp_path / "heard.judge.yaml") == JudgeSettings(latency=False)


def test_export_to_standard_output(real: Run, tmp_path: Path) -> None:
    code, out, err = real("judge", "export", "--settings-out", "own.yaml")
    assert (code, err) == (ExitCode.DONE, "")
    assert [json.loads(line)["t"] for line in out.splitlines()] == [1, 2, 3]
    assert (tmp_path / "own.yaml").exists()


def test_export_to_where_nothing_can_be_written(real: Run) -> None:
    code, _, err = real("judge", "export", "shop-1", "--out", "no/heard.jsonl")
    assert code == ExitCode.FAILED
    assert "recording.unwritable" in err


def test_verify(real: Run, tmp_path: Path) -> None:
    code, out, _ = real("judge", "verify", "shop-1")
    assert code == ExitCode.DONE
    assert out.endswith("1 verdict of shop-1: all proven.\n")
    with sqlite3.connect(tmp_path / "pilotage-telemetry.db") as db:
        db.execute("UPDATE snapshots SET body = replace(body, '0.1', '0.2') WHERE number = 2")
    code, out, _ = real("judge", "verify", "shop-1", "--json")
    assert code == ExitCode.FAILED
    assert json.loads(out)["verdicts"][0]["proof"] == "other-inputs"


def test_backtest_of_a_recording(cli: Command) -> None:
    words = ("judge", "backtest", RECORDING, "--settings", SETTINGS, "--length", "1m", "--shares", "10%,50%")
    ended = cli(*words, "--json")
    found = json.loads(ended.out)
    assert ended.code == ExitCode.DONE
    assert found["past"][0]["verdict"] == "rollback"
    assert found["releases"] == 1
    assert found["by_instances"] is False
    assert cli(*words, "--json").out == ended.out
    assert "! optimistic: " in cli(*words).out


def test_backtest_of_all_rollouts(real: Run) -> None:
    code, out, _ = real("judge", "backtest")
    assert code == ExitCode.DONE
    assert out.startswith("past releases  with these settings")
    assert "shop-1" in out
    assert real("judge", "backtest", "shop-1")[1] == out


@pytest.mark.parametrize(
    "words",
    [("--shares", "5"), ("--shares", "0%,5%"), ("--length", "0s"), ("--length", "x"), ("--most", "0")],
    ids="=".join,
)
def test_backtests_that_mean_nothing(cli: Command, words: tuple[str, str]) -> None:
    assert cli("judge", "backtest", RECORDING, *words).code == ExitCode.USAGE


def test_history_of_an_environment_where_nothing_is_live(real: Run) -> None:
    code, _, err = real("judge", "backtest", "--to", "production", "--since", "1h")
    assert code == ExitCode.BLOCKED
    assert "nothing is live in production" in err
