"""How long it takes to rehearse four weeks, and whether what a rehearsal foretells is what happens then.

    python benchmarks/rehearsal.py [--real 3] [--runs 20]        about five minutes

``weeks``: a canary of four steps held a week each, with traffic by hour: one run, and the whole command.
``agreement``: the same plan rehearsed and carried out for real: the shop behind its proxy, under load on
keep-alive connections; one new version that is fine, and one that fails ten times as often. Writes
results/rehearsal.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from machine import keep, spread
from router_load import Connection
from shop import PILOTAGE, Shop

from pilotage.core.plan import Plan
from pilotage.rehearsal.fault import Fault, FaultKind
from pilotage.rehearsal.model import ServiceModel
from pilotage.rehearsal.outcome import Episode
from pilotage.stage.play import play
from pilotage.usecases.expecting import settled

EXAMPLE = Path(__file__).parents[1] / "examples" / "rehearsal"
CONNECTIONS, REQUESTS = 10, 150
BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
USUAL = 0.01
TIMES = 10
STRATEGY = {"method": "canary", "steps": ["20%", "50%"], "hold": "20s", "keep_warm": "0s", "drain": "2s"}
JUDGE = {"warm_up": "5s", "latency": False, "minimum_requests": 50, "errors": {"pass_excess": "3%"}}


def weeks() -> dict[str, Any]:
    """Seconds by the clock and of the processor, of one run and of the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("pilotage.yaml", "model.yaml"):
            shutil.copy(EXAMPLE / name, folder)
        manifest = Path(folder) / "pilotage.yaml"
        manifest.write_text(manifest.read_text().replace("1%, 10%, 50%", "1%, 10%, 25%, 50%"))
        words = ("rehearse", "2.0", "--from", "1.0", "--model", "model.yaml", "--json")
        return {
            "one_run": _timed(folder, *words, "--runs", "0"),
            "whole": _timed(folder, *words),
        }


def _timed(folder: str, *words: str) -> dict[str, Any]:
    """Seconds by the clock and of the processor, and how long the release would have taken."""
    began, before = time.monotonic(), _processor()
    told = json.loads(subprocess.run([*PILOTAGE, *words], cwd=folder, check=True, capture_output=True).stdout)
    return {
        "clock_s": round(time.monotonic() - began, 1),
        "processor_s": round(_processor() - before, 1),
        "looks": told["looks"],
        "took": told["took"],
    }


def _processor() -> float:
    """Seconds of all processes that were started from here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass
class Users:
    """``answered``: how often by (version, status)."""

    port: int
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)
    lost: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Users:
        self._tasks = [asyncio.create_task(self._user()) for _ in range(CONNECTIONS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.over.set()
        await asyncio.gather(*self._tasks)

    async def _user(self) -> None:
        while not self.over.is_set():
            try:
                async with Connection(self.port) as connection:
                    await self._on(connection)
            except (OSError, EOFError, TimeoutError, ValueError):
                self.lost += 1
                await asyncio.sleep(0.05)

    async def _on(self, connection: Connection) -> None:
        due = time.monotonic()
        while not self.over.is_set():
            answer = await connection.ask("/")
            self.answered[answer.headers.get("x-release", ""), answer.status] += 1
            due = max(due + CONNECTIONS / REQUESTS, time.monotonic())
            await asyncio.sleep(due - time.monotonic())


async def really(fails: float) -> tuple[dict[str, Any], Plan]:
    """One release for real; seconds after its beginning, and requests to the new version."""
    with Shop.opened() as shop:
        for version, part in (("1.0", USUAL), ("2.0", fails)):
            (shop.folder / "build" / version / "fails").write_text(str(part))
        shop.write(STRATEGY, JUDGE)
        await asyncio.to_thread(shop.pilotage, "release", "1.0", "--yes")
        began = time.monotonic()
        async with Users(shop.listens["e1"]) as users:
            await asyncio.sleep(2)
            id = await asyncio.to_thread(shop.begin, "2.0", "e1")
            await asyncio.to_thread(shop.until, lambda: _settled(shop, id), 300.0)
        lasted, state = time.monotonic() - began, shop.rollout(id)
        decided = state.turned_back_at or state.promoted_at
        assert decided is not None
        assert state.exposed_at is not None
        shown = users.answered
        new = {status: n for (version, status), n in shown.items() if version == "2.0"}
        found = {
            "ending": "taken back" if state.back else "promoted",
            "seconds": round((decided - state.exposed_at).total_seconds(), 1),
            "requests": sum(new.values()),
            "failed": sum(n for status, n in new.items() if status >= 500),
            "per_second": round(sum(shown.values()) / lasted),
        }
        return found, state.plan


def _settled(shop: Shop, id: str) -> bool:
    """Nobody sees anything change any more: everybody has it, or nobody."""
    state = shop.rollout(id)
    return state.status.final or (state.promoted_at is not None and not state.back)


async def foretold(plan: Plan, per_second: float, ratio: float, runs: int) -> list[Episode]:
    said = ServiceModel(requests=per_second, errors=f"{USUAL:.0%}", starts="1s", prepares="1s", stops="1s")
    model = settled(said, None, None, {}, plan.judge)
    faults = [Fault(kind=FaultKind.ERRORS, factor=ratio)] if ratio > 1 else []
    return [await play(plan, model, faults, seed, BEGIN) for seed in range(runs)]


async def agreement(real: int, runs: int) -> dict[str, Any]:
    found = {}
    for name, ratio in (("fine", 1), ("errors_x10", TIMES)):
        seen = []
        for _ in range(real):
            one, plan = await really(USUAL * ratio)
            seen.append(one)
            print(name, json.dumps(one), flush=True)
        played = await foretold(plan, sum(one["per_second"] for one in seen) / len(seen), ratio, runs)
        decided = [one.turned_at or one.promoted_at for one in played]
        found[name] = {
            "real": seen,
            "rehearsed": {
                "endings": dict(Counter("taken back" if one.caught else one.ending.value for one in played)),
                "seconds": spread(
                    [
                        (at - one.exposed_at).total_seconds()
                        for at, one in zip(decided, played, strict=True)
                        if at is not None and one.exposed_at is not None
                    ]
                ),
                "requests": spread([_until(one, "requests") for one in played]),
                "failed": spread([_until(one, "failed") for one in played]),
            },
        }
        print(name, json.dumps(found[name]["rehearsed"]), flush=True)
    return found


def _until(one: Episode, what: str) -> float:
    """Until it was decided: what comes while the old side is kept warm is left out."""
    steps = [s for s in one.stretches if one.promoted_at is None or s.ended <= one.promoted_at]
    return float(sum(getattr(step, what) for step in steps))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=int, default=3, help="real releases of each version")
    parser.add_argument("--runs", type=int, default=20, help="rehearsed runs of each version")
    given = parser.parse_args()
    if given.real:
        keep("rehearsal", agreement=asyncio.run(agreement(given.real, given.runs)))
    keep("rehearsal", weeks=weeks())


if __name__ == "__main__":
    sys.exit(main())
