"""``pilotage judge chart``: a recorded rollout's measures, drawn."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from cli.conftest import Command
from cli.fake import FakeApp
from pilotage.core import events as e
from pilotage.core.judging import Outcome
from pilotage.errors import ExitCode
from pilotage.views.chart import Chart
from views import scripted as s
from views.courses import judged, recording


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


@pytest.fixture
def replayed() -> dict[str, Chart]:
    """What the judge of today says of it, so that a better judge breaks no test of its pictures."""
    return {chart.measure: chart for chart in judged()}


def titled(measure: str) -> str:
    return f"{measure.replace('latency p', 'slower than p')}: 0.65.5 / 0.65.4"


def test_every_measure_is_drawn_the_one_that_decided_first(
    cli: Command, heard: FakeApp, replayed: dict[str, Chart]
) -> None:
    ended = cli("judge", "chart")
    assert ended.code == ExitCode.DONE
    heads = [row.strip() for row in ended.out.splitlines() if "0.65.5 / 0.65.4" in row]
    assert next(iter(replayed)) == "errors"
    assert len(heads) == len(replayed) > 1
    for head, measure in zip(heads, replayed, strict=True):
        assert head.startswith(f"{titled(measure)} ")
    assert "✗" in ended.out
    assert "× the old one's with 95 % confidence; limit " in " ".join(ended.out.split())
    assert heard.closed


def test_one_measure_by_its_name(cli: Command, heard: FakeApp, replayed: dict[str, Chart]) -> None:
    other = list(replayed)[-1]
    ended = cli("judge", "chart", s.ID, "--measure", other)
    assert titled(other) in ended.out
    assert "errors:" not in ended.out


def test_an_unknown_measure_is_refused_with_those_there_are(
    cli: Command, heard: FakeApp, replayed: dict[str, Chart]
) -> None:
    ended = cli("judge", "chart", "--measure", "latency p1")
    assert ended.code == ExitCode.USAGE
    assert f"its measures are {', '.join(replayed)}" in " ".join(ended.err.split())


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


def test_for_programs(cli: Command, heard: FakeApp, replayed: dict[str, Chart]) -> None:
    told = json.loads(cli("judge", "chart", "--json").out)
    assert told["rollout"] == s.ID
    assert [one["measure"] for one in told["charts"]] == list(replayed)
    errors, kept = Chart.model_validate(told["charts"][0]), replayed["errors"]
    assert errors.stretches == kept.stretches
    assert errors.turns == kept.turns
    assert errors.turns[-1].outcome is Outcome.FAIL


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
