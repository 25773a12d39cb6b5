"""Telemetry and measures as a manifest means them: in order, merged, with their places."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pilotage.adapters.registry import settings_problems
from pilotage.core.judging import Kind, MeasureSettings, Role, Slo, Worse
from pilotage.core.plan import TelemetrySpec
from pilotage.manifest.load import load_text
from pilotage.manifest.model import Manifest

HEAD = """\
service: shop
artifact: {requirement: "shop=={version}"}
run: {command: [shop, --port, "{port}"]}
"""
HTTP = 'url: "http://127.0.0.1:9000/{version}", figures: {orders: /orders}'
ROUTER = TelemetrySpec(kind="router")
SHOP = TelemetrySpec(
    kind="http", settings={"url": "http://127.0.0.1:9000/{version}", "figures": {"orders": "/orders"}}
)


def manifest(environment: str, service: str = "") -> Manifest:
    return load_text(
        f"{HEAD}{service}environments:\n  a: {{router: {{listen: 127.0.0.1:80}}, {environment}}}\n", "m.yaml"
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("instances: 1", (ROUTER,)),
        ("telemetry: router", (ROUTER,)),
        ("telemetry: {kind: router}", (ROUTER,)),
        (f"telemetry: {{kind: http, {HTTP}}}", (SHOP,)),
        (f"telemetry: [router, {{kind: http, {HTTP}}}]", (ROUTER, SHOP)),
        (f"telemetry: [{{kind: http, {HTTP}}}, router]", (SHOP, ROUTER)),
    ],
)
def test_telemetry_is_one_source_or_several_in_order(written: str, meant: tuple[TelemetrySpec, ...]) -> None:
    assert manifest(written).environment("a").telemetry_specs() == meant


SERVICE = """\
judge:
  measures: {orders: {kind: count, worse: less, ratio: 1.05, excess: 0.5%, group: money}}
  weights: {money: 2}
  slos: [{objective: 99.9%, short: 10m}]
  horizon: 2h
  promote_share: 50%
"""


def test_measures_are_merged_key_by_key() -> None:
    own = "judge: {measures: {orders: {role: must, ratio: 1.2}, carts: {kind: rate}}, weights: {errors: 3}}"
    settings = manifest(f"telemetry: [router, command], {own}", SERVICE).environment("a").judge_settings()
    assert settings.measures["orders"] == MeasureSettings(
        kind=Kind.COUNT, worse=Worse.LESS, ratio=1.2, excess=0.005, group="money", role=Role.MUST
    )
    assert settings.measures["carts"] == MeasureSettings(kind=Kind.RATE)
    assert settings.weights == {"money": 2, "errors": 3}
    assert settings.slos == (Slo(objective=0.999, short=timedelta(minutes=10)),)
    assert (settings.horizon, settings.promote_share) == (timedelta(hours=2), 0.5)


def test_an_adapters_problems_stand_where_it_is_chosen() -> None:
    written = f"telemetry: [router, {{kind: http, timeuot: 1s, {HTTP}}}]"
    made = manifest(written)
    (problem,) = settings_problems(made, "a")
    assert problem.code == "telemetry.unknown-setting"
    assert "did you mean `timeout`?" in str(problem)
    assert problem.where is not None
    line = (
        f"  a: {{router: {{listen: 127.0.0.1:80}}, telemetry: [router, {{kind: http, timeuot: 1s, {HTTP}}}]}}"
    )
    assert (problem.where.line, problem.where.column) == (5, line.index("kind: http") + 1)
    (alone,) = settings_problems(manifest("telemetry: command"), "a")
    assert (alone.code, alone.where and alone.where.line) == ("telemetry.missing-setting", 5)
