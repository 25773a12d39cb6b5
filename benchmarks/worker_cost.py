"""What the worker costs while it judges 0, 1, 10 and 100 rollouts once a second.

    python benchmarks/worker_cost.py [trial …]       fakes, profile, real; all of them take about six minutes
    python benchmarks/worker_cost.py --seconds 10 fakes

``fakes``: real store, clock, judge and engine, in-memory target and router (worker_fakes.py).
``profile``: the same with 100 rollouts, interrupted every 5 ms of CPU to see in which part it is.
``real``: 1 and 10 environments with real processes and a real Envoy each, under a small load.
Writes results/worker_cost.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from machine import cpu_seconds, keep, resident_mb
from router_load import Connection
from shop import Shop

WORKER = Path(__file__).with_name("worker_fakes.py")
TRIALS = ("fakes", "profile", "real")
REAL_REQUESTS = 20
"""A second, in each environment: the clients share the cores with what is measured."""
STRATEGY = {"method": "canary", "steps": ["50%"], "hold": "1h"}
JUDGE = {"warm_up": "0s"}


def looks(folder: Path) -> int:
    """Looks that were judged so far, of all rollouts: each is a snapshot in the store."""
    connection = sqlite3.connect(f"file:{folder / 'pilotage-telemetry.db'}?mode=ro", uri=True, timeout=10)
    try:
        return int(connection.execute("SELECT COUNT(*) FROM snapshots").fetchone()[0])
    finally:
        connection.close()


def measured(
    pid: int, folder: Path, rollouts: int, seconds: float, others: dict[str, list[int]]
) -> dict[str, Any]:
    """The worker's cost over so many seconds. ``others``: the CPU of these is told beside it."""
    parts = {"worker": [pid], **others}
    before, judged, began = (
        {name: cpu_seconds(*pids) for name, pids in parts.items()},
        looks(folder),
        time.monotonic(),
    )
    time.sleep(seconds)
    took = time.monotonic() - began
    used = {name: cpu_seconds(*pids) - before[name] for name, pids in parts.items()}
    count = looks(folder) - judged
    found: dict[str, Any] = {
        "rollouts": rollouts,
        "seconds": round(took, 1),
        "looks_per_rollout_and_second": round(count / rollouts / took, 3) if rollouts else None,
        "cpu_of_one_core_percent": round(100 * used["worker"] / took, 2),
        "cpu_ms_per_look": round(1000 * used["worker"] / count, 2) if count else None,
        "resident_mb": resident_mb(pid),
    }
    for name, pids in others.items():
        found[f"{name}_cpu_of_one_core_percent"] = round(100 * used[name] / took, 2)
        found[f"{name}_resident_mb"] = resident_mb(*pids)
    return found


# On the fakes


@contextmanager
def parked(folder: Path, rollouts: int, samples: Path | None = None) -> Iterator[int]:
    """A worker whose rollouts have all come to their Judge step; its pid."""
    words = [str(folder), str(rollouts), *([str(samples)] if samples else [])]
    process = subprocess.Popen([sys.executable, str(WORKER), *words], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        if process.stdout.readline().strip() != "parked":
            raise RuntimeError("the worker on fakes did not come to its Judge steps")
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def fakes(seconds: float) -> list[dict[str, Any]]:
    rows = []
    for rollouts in (0, 1, 10, 100):
        with tempfile.TemporaryDirectory() as folder, parked(Path(folder), rollouts) as pid:
            time.sleep(5)  # the judges have histories by then
            rows.append(measured(pid, Path(folder), rollouts, seconds, {}))
            print("fakes", json.dumps(rows[-1]), flush=True)
    return rows


def profile(seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        samples = Path(folder, "samples.json")
        with parked(Path(folder), 100, samples) as pid:
            time.sleep(5)
            cost = measured(pid, Path(folder), 100, seconds, {})
        found = dict(json.loads(samples.read_text()))
    total = sum(found.values())
    shares = {part: round(100 * count / total, 1) for part, count in found.items()}
    print("profile", json.dumps(shares), flush=True)
    return {"samples": total, "share_percent": shares, "cpu_ms_per_look": cost["cpu_ms_per_look"]}


# With real processes


def real(seconds: float) -> list[dict[str, Any]]:
    rows = []
    for rollouts in (1, 10):
        with Shop.opened(environments=rollouts) as shop, shop.worker() as pid:
            release_everywhere(shop)
            rows.append(asyncio.run(under_load(shop, pid, rollouts, seconds)))
            print("real", json.dumps(rows[-1]), flush=True)
    return rows


def release_everywhere(shop: Shop) -> None:
    """1.0 is live, and half of the requests go to 2.0, in all environments."""
    shop.write(STRATEGY, JUDGE)
    for version in ("1.0", "2.0"):
        ids = [shop.begin(version, environment) for environment in shop.listens]
        if version == "1.0":
            shop.until(lambda ids=ids: all(shop.rollout(id).status.final for id in ids))  # type: ignore[misc]
        else:
            shop.until(lambda ids=ids: all(shop.share(id) == 500_000 for id in ids))  # type: ignore[misc]


async def under_load(shop: Shop, pid: int, rollouts: int, seconds: float) -> dict[str, Any]:
    over = asyncio.Event()
    users = [asyncio.create_task(user(port, over)) for port in shop.listens.values()]
    await asyncio.sleep(5)
    mine = os.getpid()
    others = {
        "envoys": shop.pids("bootstrap.json"),
        "supervisors": [one for one in shop.pids("supervisor") if one != mine],
    }
    cost = await asyncio.to_thread(measured, pid, shop.state, rollouts, seconds, others)
    over.set()
    answered = await asyncio.gather(*users)
    return {**cost, "requests_answered": sum(answered), "envoys": len(others["envoys"])}


async def user(port: int, over: asyncio.Event) -> int:
    """Asks on one connection, so often a second; how often it was answered with 200."""
    answered = 0
    async with Connection(port) as connection:
        while not over.is_set():
            answered += (await connection.ask("/")).status == 200
            await asyncio.sleep(1 / REAL_REQUESTS)
    return answered


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trial", nargs="*", choices=[*TRIALS, []], help="all of them if none is named")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement")
    given = parser.parse_args()
    for trial in given.trial or TRIALS:
        keep("worker_cost", **{trial: globals()[trial](given.seconds)})


if __name__ == "__main__":
    main()
