"""``pilotage import``: what it writes, where, and its exit codes; and the example on its page."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from cli.conftest import Command
from pilotage.errors import ExitCode
from pilotage.manifest.load import load

PAGE = Path(__file__).parents[2] / "docs/import.md"
WHOLE = """\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: prices}
spec:
  replicas: 2
  strategy:
    canary:
      steps: [{setWeight: 10}, {pause: {duration: 5m}}]
"""


def blocks() -> list[str]:
    """The page's code: the file, the manifest, what is told."""
    return re.findall(r"```(?:yaml)?\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "rollout.yaml"
    path.write_text(WHOLE)
    return path


@pytest.fixture
def lossy(tmp_path: Path) -> Path:
    path = tmp_path / "rollout.yaml"
    path.write_text(WHOLE + "  paused: true\n")
    return path


def test_the_example_on_the_page(cli: Command, tmp_path: Path) -> None:
    file, manifest, told = blocks()
    (tmp_path / "rollout.yaml").write_text(file)
    ended = cli("import", "rollout.yaml", "--report", "report.md")
    if os.environ.get("PILOTAGE_REWRITE"):
        page = PAGE.read_text(encoding="utf-8").replace(manifest, ended.out).replace(told, ended.err)
        PAGE.write_text(page, encoding="utf-8")
    assert (ended.code, ended.out, ended.err) == (ExitCode.INCOMPLETE, manifest, told)
    assert "spec.strategy.canary.steps[3].pause" in (tmp_path / "report.md").read_text()


def test_nothing_lost_is_done(cli: Command, whole: Path) -> None:
    ended = cli("import", str(whole), "--out", "pilotage.yaml")
    assert (ended.code, ended.out) == (ExitCode.DONE, "")
    assert load(Path("pilotage.yaml")).service == "prices"
    assert "0 lost" in ended.err


def test_a_file_is_only_replaced_by_force(cli: Command, whole: Path) -> None:
    Path("pilotage.yaml").write_text("mine")
    ended = cli("import", str(whole), "--out", "pilotage.yaml", "--report", "report.md")
    assert ended.code == ExitCode.USAGE
    assert "import.exists" in ended.err
    assert Path("pilotage.yaml").read_text() == "mine"
    assert not Path("report.md").exists()
    assert cli("import", str(whole), "--out", "pilotage.yaml", "--force").code == ExitCode.DONE
    assert Path("pilotage.yaml").read_text() != "mine"


def test_the_report_on_standard_output(cli: Command, lossy: Path) -> None:
    refused = cli("import", str(lossy), "--report", "-")
    assert (refused.code, refused.out) == (ExitCode.USAGE, "")
    ended = cli("import", str(lossy), "--out", "pilotage.yaml", "--report", "-")
    assert ended.code == ExitCode.INCOMPLETE
    assert ended.out.startswith("# From Argo Rollouts to Pilotage\n")
    assert "`Rollout spec.paused` = `true`" in ended.out


def test_one_json_value(cli: Command, lossy: Path) -> None:
    ended = cli("import", str(lossy), "--json")
    data = json.loads(ended.out)
    assert ended.code == ExitCode.INCOMPLETE
    assert (data["from"], data["sound"], data["problems"]) == ("argo", True, [])
    assert [one["field"] for one in data["lost"]] == ["spec.paused"]
    assert data["manifest"].startswith("# Written by")
    assert {one["key"] for one in data["fill_in"]} >= {"artifact", "run.command"}


def test_problems_of_files_are_told_and_nothing_is_written(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(WHOLE.replace("10", "ten").replace("5m", "soon"))
    ended = cli("import", "a.yaml", "--out", "pilotage.yaml")
    assert ended.code == ExitCode.REFUSED_MANIFEST
    assert "a.yaml:8:27: error import.type: `ten` is not a number" in ended.err
    assert "a.yaml:8:52: error import.type: `soon` is not a duration" in ended.err
    assert not Path("pilotage.yaml").exists()


def test_files_that_are_not_there(cli: Command, tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"a: \xe4")
    ended = cli("import", "none.yaml", ".", "latin")
    assert ended.code == ExitCode.REFUSED_MANIFEST
    assert [code in ended.err for code in ("import.missing", "import.unreadable", "import.not-utf-8")] == [
        True
    ] * 3
    assert "pilotage init" not in ended.err


def test_a_name_of_codedeploy_stands_for_its_configuration(cli: Command) -> None:
    ended = cli("import", "CodeDeployDefault.LambdaLinear10PercentEvery2Minutes")
    assert ended.code == ExitCode.DONE
    assert "steps: [10%, 20%, 30%, 40%, 50%, 60%, 70%, 80%, 90%]" in ended.out
    assert "hold: 2m" in ended.out


def test_the_tool_that_is_named_must_be_in_the_files(cli: Command, whole: Path) -> None:
    ended = cli("import", str(whole), "--from", "flagger")
    assert ended.code == ExitCode.REFUSED_MANIFEST
    assert "there is no Canary of Flagger" in ended.err
    assert cli("import", str(whole), "--from", "argo").code == ExitCode.DONE


def test_without_files_it_says_what_to_name(cli: Command) -> None:
    assert cli("import").code == ExitCode.USAGE
