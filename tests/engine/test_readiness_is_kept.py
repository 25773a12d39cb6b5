"""A rollout keeps how ready it was when it began, and tells what was open."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from playbook import plan

from pilotage.core import events as e
from pilotage.core.readiness import Item, Readiness, Standing, Weight
from pilotage.ports import Reach
from pilotage.strategies.canary import Canary
from pilotage.testing.router import FakeRouter
from pilotage.testing.store import MemoryStore
from pilotage.testing.target import FakeTarget
from pilotage.usecases.releasing import start
from pilotage.views.story import tell

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAN = plan(Canary(), first=True)
OPEN = Item(subject="training", what="Support know it", standing=Standing.OPEN, weight=Weight.WARN)


class Yes:
    async def probe(self, address, check):
        return None


def test_it_is_in_the_first_event_and_in_the_story():
    async def story() -> e.Event:
        store, ready = MemoryStore(), Readiness(at=NOW, items=(OPEN,))
        reach = Reach(FakeTarget(), FakeRouter(), Yes())
        state = await start(store, lambda _: reach, PLAN, by="ada", now=NOW, readiness=ready)
        [created] = await store.events(state.id)
        assert created.readiness == ready
        return created

    [moment] = tell(PLAN, [asyncio.run(story())])
    assert "with 1 open item of its readiness" in moment.text
