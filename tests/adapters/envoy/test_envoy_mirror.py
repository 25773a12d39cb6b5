"""Copies of requests are compared beside the users' way; whatever becomes of that, users notice nothing."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from envoy_stage import Stage, run
from router_load import Load

from pilotage.core.comparing import Finding, Reconciliation
from pilotage.core.judging import Outcome
from pilotage.core.routing import Mirroring

pytestmark = pytest.mark.real


def mirrored(stage: Stage, **others: Any) -> Any:
    values: dict[str, Any] = {"run": "r1", "old": "old-1", "again": "old-1", "new": "new-1", "most": 0.001}
    return stage.routing(0, mirror=Mirroring(**values | others))


async def report(stage: Stage) -> Reconciliation | None:
    return (await stage.router.observe()).mirrored


async def compared(stage: Stage, least: int) -> Reconciliation:
    found: list[Reconciliation] = []

    async def enough() -> bool:
        seen = await report(stage)
        found.extend([seen] if seen is not None else [])
        return seen is not None and seen.compared >= least

    await stage.until(enough)
    return found[-1]


def test_answers_are_compared_and_users_only_see_the_old_version(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(mirrored(stage))
        async with Load(stage.listen) as seen:
            told = await compared(stage, 60)
        assert seen.failures == []
        assert set(seen.answers) == {"old-1"}
        assert told.outcome is Outcome.FAIL
        seen_wrong = {(row.endpoint, row.place) for row in told.differences if row.finding is Finding.WRONG}
        assert {("GET /", "text.1"), ("GET /", "header.x-release")} <= seen_wrong
        assert not any("POST" in row.endpoint for row in told.differences)
        assert "not a safe method" not in told.left_out
        # Copies and what the comparing asks are no answers to users, and no figures for the judge.
        counters = (await stage.router.telemetry()).counters
        assert counters["new-1"].requests == 0
        await stage.serve(stage.routing(0))
        assert await report(stage) is None

    run(story)


def test_users_notice_nothing_of_a_tap_that_hangs_or_dies(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(mirrored(stage))
        async with Load(stage.listen, sses=0, websockets=0) as seen:
            first = await compared(stage, 20)
            pid = stage.router._tap.pid
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
            hung = seen.requests
            await stage.until(lambda: more(seen, hung + 1_000))
            os.kill(pid, signal.SIGKILL)
            # What was counted is still there when it is back, and goes on.
            later = await compared(stage, first.compared + 20)
        assert seen.failures == []
        assert set(seen.answers) == {"old-1"}
        assert later.began == first.began

    run(story)


async def more(seen: Any, requests: int) -> bool:
    return bool(seen.requests >= requests)


def test_another_run_begins_to_count_anew(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(mirrored(stage))
        async with Load(stage.listen, sses=0, websockets=0):
            first = await compared(stage, 10)
            await stage.serve(stage.routing(0))
            await stage.serve(mirrored(stage, run="r2"))
            second = await compared(stage, 1)
        assert second.began > first.began

    run(story)


def test_writes_are_only_copied_to_isolated_releases(stage: Stage) -> None:
    async def story() -> None:
        for run_, writes, copied in (("r1", False, {"GET /"}), ("r2", True, {"GET /", "POST /"})):
            await stage.serve(mirrored(stage, run=run_, writes=writes))
            async with Load(stage.listen, sses=0, websockets=0, slows=0):
                told = await compared(stage, 60)
            assert {row.endpoint for row in told.differences if row.place == "text.1"} == copied
            assert "not a safe method" not in told.left_out

    run(story)


def test_a_share_of_requests_is_copied(stage: Stage) -> None:
    async def story() -> None:
        await stage.serve(mirrored(stage, share=100_000))
        async with Load(stage.listen, gets=4, posts=0, idles=0, slows=0, sses=0, websockets=0) as seen:
            told = await compared(stage, 20)
        assert 0 < told.copies < 0.3 * seen.requests

    run(story)
