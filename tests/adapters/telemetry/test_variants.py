"""Figures of the users with a feature and of those without it, instead of two versions."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from factories import make_release
from pilotage.adapters.telemetry.http import HttpSource
from pilotage.adapters.telemetry.otlp.source import OtlpSource
from pilotage.adapters.telemetry.placeholders import of_both, of_one
from pilotage.adapters.telemetry.prometheus import promql
from pilotage.adapters.telemetry.sql.source import SqlSource
from pilotage.core.telemetry import Watched, of_variants
from pilotage.ports import Site

NEW = make_release("2.0")
WATCHED = of_variants("shop", "production", NEW, "off", "on")


def test_both_are_the_new_version_and_told_apart_by_their_variant():
    assert WATCHED.old is not None
    without, having = of_one(WATCHED, WATCHED.old), of_one(WATCHED, WATCHED.new)
    assert (without.pop("variant"), having.pop("variant")) == ("off", "on")
    assert without == having
    assert having["release"] == NEW.id
    assert of_both(WATCHED)["old_variant"] == "off"
    assert of_both(WATCHED)["old_release"] == NEW.id


def test_between_versions_there_is_no_variant():
    watched = Watched(service="shop", environment="production", new=NEW, old=make_release("1.0"))
    assert of_one(watched, NEW)["variant"] == ""


def test_a_variant_tells_apart_in_every_source():
    assert promql.trouble('orders_total{flag="{variant}"}', cumulative=True) is None
    assert promql.fill('orders_total{flag="{variant}"}', of_one(WATCHED, NEW)) == 'orders_total{flag="on"}'
    http = {"url": "http://127.0.0.1:9/", "figures": {"orders": "/{variant}/orders"}}
    assert HttpSource.check_settings(http) == []
    otlp = {"version": "{variant}", "version_attribute": "feature_flag.result.variant", "requests": "requests"}
    assert OtlpSource.check_settings(otlp) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"query": "SELECT sum(n) AS orders FROM sold WHERE variant = :variant"},
        {"query": "SELECT variant, sum(n) AS orders FROM sold GROUP BY 1", "version_column": "variant"},
    ],
)
def test_sql_counts_by_variant(tmp_path: Path, settings):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE sold (variant TEXT, n INTEGER)")
        db.executemany("INSERT INTO sold VALUES (?, ?)", [("on", 3), ("off", 40), ("on", 2)])
    db.close()
    chosen = {"sqlite": str(path), "counters": ["orders"], **settings}
    assert SqlSource.check_settings(chosen) == []

    async def story():
        source = SqlSource(Site("shop", "production", tmp_path, tmp_path, chosen))
        try:
            return await source.read(WATCHED)
        finally:
            await source.close()

    reading = asyncio.run(story())
    assert reading.old is not None
    assert reading.new is not None
    assert (reading.old.model_extra["orders"], reading.new.model_extra["orders"]) == (40, 5)
