"""Somebody is quicker between the look at an environment and the record of a rollout."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))

from playbook import plan

from pilotage.core.environment import Environment
from pilotage.core.state import Status
from pilotage.errors import PilotageError
from pilotage.ports import Reach
from pilotage.strategies.canary import Canary
from pilotage.testing.router import FakeRouter
from pilotage.testing.store import MemoryStore
from pilotage.testing.target import FakeTarget
from pilotage.usecases.releasing import start

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAN = plan(Canary(), first=True)


class Yes:
    async def probe(self, address, check):
        return None


REACH = Reach(FakeTarget(), FakeRouter(), Yes())


class Overtaken(MemoryStore):
    """Another release begins just after the environment was looked at for the first time."""

    looked = False

    async def environment(self, service: str, name: str) -> Environment:
        seen = await super().environment(service, name)
        if not self.looked:
            self.looked = True
            await start(self, lambda _: REACH, PLAN, by="bob", now=NOW)
        return seen


def test_the_slower_one_is_told_who_is_at_it():
    async def story() -> None:
        store = Overtaken()
        with pytest.raises(PilotageError) as told:
            await start(store, lambda _: REACH, PLAN, by="ada", now=NOW)
        assert [problem.code for problem in told.value.problems] == ["release.busy"]
        assert [state.by for state in await store.rollouts()] == ["bob"]

    asyncio.run(story())


def test_the_slower_one_that_supersedes_waits_behind_the_quicker_one():
    async def story() -> None:
        store = Overtaken()
        state = await start(store, lambda _: REACH, PLAN, by="ada", now=NOW, supersede=True)
        quicker = (await store.environment("shop", "prod")).holder
        assert (state.status, state.queued_behind) == (Status.QUEUED, quicker)

    asyncio.run(story())
