"""What cases as files can not say: settings that the manifest has no keys for yet, and what must never warn."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pilotage.core.judging import JudgeSettings, Kind, MeasureSettings, Role
from pilotage.core.traffic import Traffic
from pilotage.manifest.codes import CODES
from pilotage.manifest.compose import compose
from pilotage.manifest.linting import REFUSED, lint
from pilotage.manifest.load import load_text
from pilotage.manifest.source import Source

TEXT = """\
service: shop
artifact: {requirement: "shop=={version}"}
run: {command: [shop, --port, "{port}"]}
strategy: METHOD
environments:
  production:
    instances: 3
    router: {listen: 127.0.0.1:8080}
"""


def told(judged: JudgeSettings, method: str = "canary") -> list[tuple[str, str]]:
    text = TEXT.replace("METHOD", method)
    made = load_text(text, "x.yaml").environments["production"]
    root, _ = compose(Source(text, "x.yaml"))
    refused, warned = lint(root, {"production": replace(made, _judge=judged)})
    assert all(one.code in REFUSED for one in refused)
    assert {one.code for one in refused + warned} <= set(CODES)
    return [(one.code, one.what) for one in refused + warned]


@pytest.mark.parametrize("method", ["canary", "blue-green", "rolling", "big-bang"])
def test_the_defaults_are_fine(method: str) -> None:
    assert told(JudgeSettings(), method) == []


def test_the_example_of_the_page_loads() -> None:
    page = (Path(__file__).parents[2] / "docs" / "judge-planning.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.S)
    made = load_text(example, "docs/judge-planning.md")
    assert made.warnings == ()
    assert made.environments["production"].expected() == Traffic(
        requests=400.0, errors=0.004, source="as `expect` says"
    )


def test_the_page_names_every_code_of_the_linter() -> None:
    page = (Path(__file__).parents[2] / "docs" / "judge-planning.md").read_text(encoding="utf-8")
    assert set(re.findall(r"manifest\.judge-[a-z]+", page)) == {code for code in CODES if ".judge-" in code}


def counts(of: str | None, role: Role = Role.MUST) -> MeasureSettings:
    return MeasureSettings(kind=Kind.COUNT, of=of, role=role)


def test_one_counter_under_two_names_is_one_fact() -> None:
    twice = {"paid": counts("orders"), "ordered": counts("orders")}
    assert told(JudgeSettings(measures=twice)) == [
        ("manifest.judge-twice", "`ordered` counts the same as `paid`")
    ]
    assert told(JudgeSettings(measures={"failed": counts("errors")})) == [
        ("manifest.judge-twice", "`failed` counts the same as `errors`")
    ]


def test_what_only_watches_may_count_again() -> None:
    assert told(JudgeSettings(measures={"paid": counts("orders"), "seen": counts("orders", Role.WATCH)})) == []
    assert told(JudgeSettings(measures={"paid": counts("paid"), "orders": counts(None)})) == []


def test_a_horizon_before_the_end_of_the_warm_up_never_decides() -> None:
    judged = JudgeSettings(warm_up=timedelta(minutes=5), horizon=timedelta(minutes=5))
    assert [code for code, _ in told(judged)] == ["manifest.judge-never"]
    assert told(judged.model_copy(update={"horizon": timedelta(hours=1)})) == []
