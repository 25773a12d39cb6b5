"""``pilotage judge chart``: a recorded rollout's measures, drawn."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from cli.conftest import Command
from cli.fake import FakeApp
from pilotage.core import events as e
from pilotage.errors import ExitCode
from views import scripted as s
from views.courses import recording


@pytest.fixture
def heard(app: FakeApp) -> FakeApp:
    """A rollout that was taken back, with the telemetry of a real one."""
    settings, snapshots = recording()
    plan = s.CANARY.model_copy(update={"judge": settings})
    app.play.events[:] = [
        one.model_copy(update={"plan": plan}) if isinstance(one, e.Created) else one
        for one in s.rolled_back().events
    ]
    app.store.happened, app.store.heard = len(app.play.events), snapshots
    return app


def test_every_measure_is_drawn_the_one_that_decided_first(cli: Command, heard: FakeApp) -> None:
    ended = cli("judge", "chart")
    assert ended.code == ExitCode.DONE
    heads = [row for row in ended.out.splitlines() if "0.65.5 / 0.65.4" in row]
    assert heads[0].startswith("  errors: 0.65.5 / 0.65.4 ")
    assert heads[1].startswith("  slower than p98: 0.65.5 / 0.65.4 ")
    assert "✗" in ended.out
    assert "× the old one's with 95 % confidence; limit 1.1" in " ".join(ended.out.split())
    assert heard.closed


def test_one_measure_by_its_name(cli: Command, heard: FakeApp) -> None:
    ended = cli("judge", "chart", s.ID, "--measure", "latency p98")
    assert "slower than p98" in ended.out
    assert "errors:" not in ended.out


def test_an_unknown_measure_is_refused_with_those_there_are(cli: Command, heard: FakeApp) -> None:
    ended = cli("judge", "chart", "--measure", "latency p99")
    assert ended.code == ExitCode.USAGE
    assert "its measures are errors, latency p98" in ended.err


def test_a_picture_of_the_measure_that_decided(cli: Command, heard: FakeApp) -> None:
    ended = cli("judge", "chart", "--svg", "errors.svg")
    assert ended.out == "Wrote errors.svg: errors.\n"
    root = ET.fromstring(Path("errors.svg").read_text(encoding="utf-8"))
    assert root[0].text == "errors: 0.65.5 / 0.65.4"


def test_a_picture_on_standard_output_and_nothing_else(cli: Command, heard: FakeApp) -> None:
    ended = cli("judge", "chart", "--svg", "-", "--measure", "errors")
    assert ET.fromstring(ended.out).tag.endswith("svg")


def test_a_picture_that_can_not_be_written_is_told(cli: Command, heard: FakeApp) -> None:
    ended = cli("judge", "chart", "--svg", "no/such/folder.svg")
    assert ended.code == ExitCode.FAILED
    assert "chart.unwritable" in ended.err


def test_for_programs(cli: Command, heard: FakeApp) -> None:
    told = json.loads(cli("judge", "chart", "--json").out)
    assert told["rollout"] == s.ID
    assert [one["measure"] for one in told["charts"]] == ["errors", "latency p98"]
    last = told["charts"][0]["stretches"][-1][-1]
    assert last["new"] == pytest.approx(0.039, abs=2e-3)
    assert told["charts"][0]["turns"][-1]["outcome"] == "fail"


@pytest.mark.usefixtures("app")
def test_a_rollout_without_telemetry_says_so(cli: Command) -> None:
    ended = cli("judge", "chart")
    assert ended.code == ExitCode.FAILED
    assert "chart.nothing-judged" in ended.err


def test_why_has_a_small_chart_where_there_is_room(
    cli: Command, heard: FakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert "errors: 0.65.5 / 0.65.4   ━ times the old one's" in cli("why").out
    monkeypatch.setenv("COLUMNS", "99")
    assert "━ times" not in cli("why").out


def test_why_without_telemetry_tells_all_the_same(cli: Command, heard: FakeApp) -> None:
    heard.store.heard = []
    told = cli("why").out
    assert "So it is taken back." in told
    assert "━ times" not in told
