"""Where the figures for planning come from: the manifest's word, else what the last rollouts recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from factories import make_plan
from judge.streams import BOUNDS, Scene, steady, stream
from pilotage.core.environment import Glance
from pilotage.core.routing import Telemetry
from pilotage.core.traffic import Traffic
from pilotage.ports import Change
from pilotage.store.sqlite import SqliteStore
from pilotage.strategies.canary import Canary
from pilotage.usecases.foreseeing import foreseen, recorded
from views import scripted as s

SAID = Traffic(requests=500.0, errors=0.02, source="as `expect` says")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore.open(tmp_path / "pilotage.db")
    yield opened
    asyncio.run(opened.close())


def keep(store: SqliteStore, play: s.Play, scene: Scene | None, until: float = 120.0) -> None:
    """One rollout in the store, with the telemetry of a scene."""

    async def write() -> None:
        await store.commit(Change(state=play.state, events=tuple(play.events), before=0))
        if scene is not None:
            for number, snapshot in enumerate(stream(scene, 1, until), 1):
                await store.record(play.state.id, number, snapshot)

    asyncio.run(write())


def test_without_any_figures_nothing_is_foreseen(store: SqliteStore) -> None:
    assert asyncio.run(foreseen(store, s.CANARY, None)) is None


def test_what_the_manifest_says_counts(store: SqliteStore) -> None:
    found = asyncio.run(foreseen(store, s.CANARY, SAID))
    assert found is not None
    assert found[0].traffic == SAID


def test_else_the_last_rollout_tells(store: SqliteStore) -> None:
    keep(store, s.rolled_back(), Scene(rps=steady(50.0), old=steady(0.01), new=steady(0.5)))
    found = asyncio.run(foreseen(store, s.CANARY, None))
    assert found is not None
    traffic = found[0].traffic
    assert traffic.requests == pytest.approx(50.0, rel=0.05)
    assert traffic.errors == pytest.approx(0.01, rel=0.3)
    assert traffic.source == f"as {s.ID} had it"


def test_of_another_service_or_too_short_it_tells_nothing(store: SqliteStore) -> None:
    keep(store, s.rolled_back(), Scene(before=20.0), until=10.0)
    assert asyncio.run(recorded(store, "catalogue", "production")) is None
    assert asyncio.run(recorded(store, "basket", "production")) is None


def test_slowness_is_known_from_telemetry_also_when_the_rest_is_said(store: SqliteStore) -> None:
    play = s.rolled_back()
    keep(store, play, Scene(median_old=steady(0.04)))
    telemetry = Telemetry(epoch="1", latency_bounds=BOUNDS, counters={})
    asyncio.run(store.put_glance(play.state.id, Glance(at=play.now, telemetry=telemetry)))
    found = asyncio.run(foreseen(store, s.CANARY, SAID))
    assert found is not None
    traffic = found[0].traffic
    assert (traffic.requests, traffic.errors, traffic.bounds) == (500.0, 0.02, BOUNDS)
    assert len(traffic.slow) == len(BOUNDS)


def test_what_is_not_judged_is_not_foreseen(store: SqliteStore) -> None:
    for made in (s.plan(old=None), s.plan("big-bang"), s.plan("rolling", hold="10s")):
        assert asyncio.run(foreseen(store, made, SAID)) is None


def test_what_takes_too_long_is_told(store: SqliteStore) -> None:
    said = SAID.model_copy(update={"requests": 2.0, "errors": 0.001})
    found = asyncio.run(foreseen(store, s.plan(steps=["5%"], hold="2m", at_most="10m"), said))
    assert found is not None
    ((trouble,), outlook) = found[1], found[0].outlooks[0]
    assert outlook.limit == timedelta(minutes=10)
    assert not outlook.decides
    assert "the judge has 10m" in trouble.what


def test_the_digest_of_a_plan_does_not_depend_on_it(store: SqliteStore) -> None:
    before = s.CANARY.digest
    asyncio.run(foreseen(store, s.CANARY, SAID))
    assert s.CANARY.digest == before


@pytest.mark.parametrize(("hold", "told"), [("1h", True), ("90d", False)])
def test_what_is_held_for_as_long_as_it_takes_is_meant_so(store: SqliteStore, hold: str, told: bool) -> None:
    canary = Canary.model_validate({"method": "canary", "steps": ["50%"], "hold": hold})
    rare = Traffic(requests=0.02, errors=0.01, source="as `expect` says")
    found = asyncio.run(foreseen(store, make_plan(canary), rare))
    assert found is not None
    time = found[0].outlooks[0].like_old
    assert time is not None
    assert bool(found[1]) is told
