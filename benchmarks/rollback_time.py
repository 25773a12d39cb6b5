"""How long users still reach the new version after somebody says `pilotage rollback --yes`.

    python benchmarks/rollback_time.py [--runs 10] [--warm 5] [--retired 3]        about four minutes

``at_half``: during a canary at 50 %. ``warm``: after the release, while the old side is kept warm. ``retired``:
when the old side has ended, and must be started again.
Under load on keep-alive connections that never retry. All times go to the last request, by its start, that the
new version answered. Writes results/rollback_time.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from machine import keep, spread
from router_load import Connection
from shop import Shop

from pilotage.adapters.clock import SteadyClock
from pilotage.core import events as e
from pilotage.store import reading

CONNECTIONS = 10
REQUESTS = 150
"""A second, of all connections together."""
QUICK = {
    "warm_up": "0s",
    "minimum_requests": 10,
    "latency": False,
    "errors": {"excess": "5%", "pass_excess": "40%"},
}
HALF = {"method": "canary", "steps": ["50%"], "hold": "1h"}
WARM = {"method": "canary", "steps": ["50%"], "hold": "1s", "keep_warm": "10m"}
RETIRED = {**WARM, "keep_warm": "0s"}
QUIET = 2.0
"""Seconds that the load goes on after the command has ended: nothing may reach the new version then."""


@dataclass
class Users:
    """``asked``: (start of a request in monotonic seconds, version that answered)."""

    port: int
    asked: list[tuple[float, str]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Users:
        self._tasks = [asyncio.create_task(self._user(number)) for number in range(CONNECTIONS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.over.set()
        await asyncio.gather(*self._tasks)

    async def _user(self, number: int) -> None:
        await asyncio.sleep(number / REQUESTS)
        while not self.over.is_set():
            try:
                async with Connection(self.port) as connection:
                    await self._on(connection)
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                self.lost.append(f"{type(error).__name__}: {error}")
                await asyncio.sleep(0.05)

    async def _on(self, connection: Connection) -> None:
        """Asks at an even pace, whatever an answer takes."""
        due = time.monotonic()
        while not self.over.is_set():
            began = time.monotonic()
            answer = await connection.ask("/")
            if answer.status == 200:
                self.asked.append((began, answer.headers["x-release"]))
            else:
                self.lost.append(f"{answer.status} {answer.text[:80]}")
            due = max(due + CONNECTIONS / REQUESTS, began)
            await asyncio.sleep(due - time.monotonic())

    def last_of(self, version: str, since: float) -> float:
        """When the last request began that this version answered; not before ``since``."""
        return max([since, *(began for began, by in self.asked if by == version)])

    def share_of(self, version: str, since: float, until: float) -> float:
        among = [by for began, by in self.asked if since <= began < until]
        return among.count(version) / len(among) if among else 0.0


def monotonic(clock: SteadyClock, instant: datetime) -> float:
    """An instant of the record, on this process's monotonic clock (the machine does not sleep meanwhile)."""
    return time.monotonic() - (clock.now() - instant).total_seconds()


async def roll_back(shop: Shop, users: Users) -> dict[str, Any]:
    """One rollback under load; milliseconds, and the share the new version really had before it."""
    clock = SteadyClock(shop.state / "clock.json")
    before = latest(shop)
    began = time.monotonic()
    command = await asyncio.to_thread(shop.start, "rollback", "--yes")
    out, err = await asyncio.to_thread(command.communicate)
    ended = time.monotonic()
    await asyncio.to_thread(shop.until, lambda: shop.rollout(latest(shop)).status.final)
    if shop.share(latest(shop)) == 1_000_000 and latest(shop) == before:
        raise RuntimeError(f"nothing was rolled back: exit {command.returncode}\n{out}\n{err}")
    await asyncio.sleep(QUIET)
    last = users.last_of("2.0", began)
    ordered, taken, routed = moments(shop, before)
    stored = monotonic(clock, ordered)
    return {
        "from_command": 1000 * (last - began),
        "from_order": 1000 * (last - stored),
        "command_to_order": 1000 * (stored - began),
        "order_to_taken_up": 1000 * (taken - ordered).total_seconds(),
        "taken_up_to_routed": 1000 * (routed - taken).total_seconds(),
        "command_ended": 1000 * (ended - began),
        "share_before": round(users.share_of("2.0", began - 2, began), 3),
        "exit_code": command.returncode,
    }


def moments(shop: Shop, before: str) -> tuple[datetime, datetime, datetime]:
    """When the order was given, when a worker took it up, and when the router had taken the routing back.

    During a rollout the order is a message to it; when it is over the order is a rollout of its own.
    """
    now = latest(shop)
    events = shop.read(lambda db: reading.events(db, now, 0))
    routed = [event.at for event in events if isinstance(event, e.Done) and event.key == "route"]
    if now != before:
        taken = next(event.at for event in events if isinstance(event, e.Intended))
        promoted = next(event.at for event in events if isinstance(event, e.Promoted))
        return events[0].at, taken, max(at for at in routed if at <= promoted)
    body = shop.read(lambda db: db.execute("SELECT body FROM messages WHERE rollout = ?", (now,)).fetchone())
    taken = next(event.at for event in events if isinstance(event, e.TurnedBack))
    return e.Message.model_validate_json(body[0]).at, taken, min(at for at in routed if at >= taken)


async def at_half(shop: Shop, users: Users, runs: int) -> list[dict[str, Any]]:
    found = []
    shop.write(HALF, QUICK)
    for _ in range(runs):
        id = await asyncio.to_thread(shop.begin, "2.0", "e1")
        await asyncio.to_thread(shop.until, lambda id=id: shop.share(id) == 500_000)
        await asyncio.sleep(3)
        found.append(await roll_back(shop, users))
        print(json.dumps(found[-1]), flush=True)
    return found


async def warm(shop: Shop, users: Users, runs: int) -> list[dict[str, Any]]:
    return await after_release(shop, users, runs, WARM)


async def retired(shop: Shop, users: Users, runs: int) -> list[dict[str, Any]]:
    return await after_release(shop, users, runs, RETIRED)


async def after_release(shop: Shop, users: Users, runs: int, strategy: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    shop.write(strategy, QUICK)
    for _ in range(runs):
        await asyncio.to_thread(shop.pilotage, "release", "2.0", "--yes")
        await asyncio.sleep(3)
        found.append(await roll_back(shop, users))
        print(json.dumps(found[-1]), flush=True)
    return found


def latest(shop: Shop) -> str:
    """The rollout that began last."""
    return str(
        shop.read(lambda db: db.execute("SELECT id FROM rollouts ORDER BY seq DESC LIMIT 1").fetchone()[0])
    )


def summary(runs: Sequence[dict[str, Any]], users: Users) -> dict[str, Any]:
    lost = {"requests": len(users.asked) + len(users.lost), "lost": len(users.lost), "examples": users.lost[:5]}
    return {"runs": len(runs), **lost, **{f"{key}_ms": spread([run[key] for run in runs]) for key in TIMES}}


TIMES = (
    "from_command",
    "from_order",
    "command_to_order",
    "order_to_taken_up",
    "taken_up_to_routed",
    "command_ended",
)


async def trials(runs: dict[str, int]) -> None:
    with Shop.opened() as shop:
        shop.write(HALF, QUICK)
        shop.pilotage("release", "1.0", "--yes")
        for trial in (at_half, warm, retired):
            if not runs[trial.__name__]:
                continue
            async with Users(shop.listens["e1"]) as users:
                found = await trial(shop, users, runs[trial.__name__])
            result = summary(found, users)
            print(trial.__name__, json.dumps(result), flush=True)
            keep("rollback_time", **{trial.__name__: {**result, "each": [rounded(run) for run in found]}})


def rounded(run: dict[str, Any]) -> dict[str, Any]:
    return {key: round(value, 3 if key == "share_before" else 1) for key, value in run.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10, help="at half of the requests")
    parser.add_argument("--warm", type=int, default=5, help="after the release, with a warm old side")
    parser.add_argument("--retired", type=int, default=3, help="after the release, without an old side")
    given = parser.parse_args()
    asyncio.run(trials({"at_half": given.runs, "warm": given.warm, "retired": given.retired}))


if __name__ == "__main__":
    main()
