"""The registry makes sources of telemetry; one that can not be had says so when read, and blocks nothing."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from factories import make_plan, make_release
from pilotage.adapters.registry import Registry
from pilotage.adapters.telemetry.command import CommandSource
from pilotage.core.plan import TelemetrySpec
from pilotage.core.telemetry import Watched
from pilotage.ports import TelemetryError

WATCHED = Watched(service="shop", environment="production", new=make_release("2.0"))
COMMAND = TelemetrySpec(kind="command", settings={"command": ["cat"]})


def test_sources_are_made_once_in_order_without_the_router(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    plan = make_plan(telemetry=(TelemetrySpec(kind="router"), COMMAND, COMMAND))
    first, second = registry.reach(plan).telemetry
    assert isinstance(first, CommandSource)
    assert first is not second
    assert registry.reach(plan).telemetry == (first, second)
    assert registry.reach(make_plan()).telemetry == ()
    assert registry.reach(make_plan()).target is registry.reach(plan).target


def test_a_source_that_is_not_installed_is_told_when_it_is_read(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    (source,) = registry.reach(make_plan(telemetry=(TelemetrySpec(kind="entrails"),))).telemetry
    now = datetime.now(UTC)
    for call in (source.read(WATCHED), source.history(WATCHED, now, now)):
        with pytest.raises(TelemetryError, match="no source of telemetry of kind `entrails` is installed"):
            asyncio.run(call)
    asyncio.run(registry.close())


def test_settings_of_another_version_block_no_way_back(tmp_path: Path) -> None:
    plan = make_plan(telemetry=(TelemetrySpec(kind="command", settings={"programme": "x"}),))
    (source,) = Registry(tmp_path).reach(plan).telemetry
    with pytest.raises(TelemetryError, match="can not be made"):
        asyncio.run(source.read(WATCHED))
