"""One case a folder: the files of a tool, and beside them the manifest and the report.

After a deliberate change: PILOTAGE_REWRITE=1 pytest tests/importing, and read the difference.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from importing.reading_cases import CASES, leaves, texts_of
from pilotage.adapters.registry import settings_problems
from pilotage.importing.ledger import Outcome
from pilotage.importing.report import as_data, as_text
from pilotage.importing.translating import translate
from pilotage.manifest.load import load_text

case = pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)


@case
@pytest.mark.parametrize("name", ["manifest.yaml", "report.md"])
def test_what_is_written(folder: Path, name: str) -> None:
    translation = translate(texts_of(folder))
    text = translation.manifest if name == "manifest.yaml" else as_text(translation) + "\n"
    if os.environ.get("PILOTAGE_REWRITE"):
        (folder / name).write_text(text, encoding="utf-8")
    assert text == (folder / name).read_text(encoding="utf-8")


@case
def test_the_manifest_is_accepted(folder: Path) -> None:
    manifest = load_text(translate(texts_of(folder)).manifest, "pilotage.yaml")
    assert [p for name in manifest.environments for p in settings_problems(manifest, name)] == []


@case
def test_every_value_has_one_account(folder: Path) -> None:
    texts = texts_of(folder)
    accounts = translate(texts).accounts
    assert Counter((one.place.file, one.field) for one in accounts) == leaves(texts)
    for one in accounts:
        assert (one.outcome is Outcome.TRANSLATED) == (one.to is not None)
        assert one.outcome is Outcome.TRANSLATED or one.why
        assert (one.outcome is Outcome.LOST) == (one.instead is not None)
        assert one.outcome is not Outcome.TRANSLATED or one.changed == (one.why is not None)


@case
def test_places_are_where_the_values_stand(folder: Path) -> None:
    texts = texts_of(folder)
    for one in translate(texts).accounts:
        line = texts[one.place.file].splitlines()[one.place.line - 1]
        marked = line[one.place.column - 1 : one.place.column - 1 + one.place.length]
        shown = "" if one.value in ("{}", "[]", "•••") else one.value.split(" ")[0][:10]
        assert shown in marked or marked.rstrip(":") in ("|", ">", one.field.split(".")[-1].split("[")[0]), one


@case
def test_no_secret_is_told(folder: Path) -> None:
    translation = translate(texts_of(folder))
    told = translation.manifest + as_text(translation) + json.dumps(as_data(translation))
    assert "hunter2" not in told


def test_every_tool_and_way_has_a_case() -> None:
    tools = Counter(translate(texts_of(folder)).tool.value for folder in CASES)
    assert all(tools[tool] >= 2 for tool in ("argo", "flagger", "codedeploy", "kamal"))


def test_what_the_canary_becomes() -> None:
    """The one example in full words, so that a rewritten file can not hide a wrong translation."""
    folder = Path(__file__).parent / "cases" / "argo-canary"
    manifest = load_text(translate(texts_of(folder)).manifest, "pilotage.yaml")
    shop = manifest.environment("shop")
    method = shop.method.model_dump(mode="json")
    assert (manifest.service, shop.instances) == ("checkout", 4)
    assert [step["share"] for step in method["steps"]] == [50_000, 250_000, 500_000]
    assert (method["hold"], method["keep_warm"], method["ready_within"]) == ("PT10M", "PT2M", "PT5M")
    settings = shop.telemetry_specs()[0].settings
    assert settings["url"] == "http://prometheus.monitoring:9090"
    assert settings["requests"] == 'http_requests_total{service="checkout", version="{version}"}'
    assert settings["errors"]["query"].endswith('code=~"5.."}')
    assert shop.judge_settings().error_limit == pytest.approx(0.03)
