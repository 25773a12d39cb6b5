"""The database's time, for all workers and commands that share it, whatever their machines' clocks say.

Each process learns it anew each second and goes on with its own uptime in between. When the server's clock is
set (or another server with another clock takes its place), whoever notices first writes down by how much our
time goes apart from it, so that holds, time-outs and leases are as long as planned. Nobody notices while no
process lives: then our time jumps with the server's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pilotage.store.postgresql.database import Connection

AGREE = 2.0
"""Seconds by which the server's time may differ from what we expect before its clock counts as set."""
SLOW = 1.0
"""Seconds: an answer that took longer tells too little of the time."""

LOOK = "SELECT extract(epoch FROM clock_timestamp()), ahead, generation FROM pilotage.clock"
_CORRECT = "UPDATE clock SET ahead = ahead + %s, generation = generation + 1 WHERE generation = %s"
_SET_RIGHT = "UPDATE clock SET ahead = 0, generation = generation + 1 WHERE abs(ahead) > %s"


@dataclass(frozen=True)
class Anchor:
    """Our time at one moment of this machine's uptime."""

    time: float
    uptime: float
    ahead: float
    """Seconds that our time is ahead of the server's clock."""
    generation: int

    @classmethod
    def of(cls, row: tuple[Any, ...] | None, before: float, after: float) -> Anchor:
        assert row is not None, "the clock has one row"
        ahead = row[1] / 1e6
        return cls(float(row[0]) + ahead, (before + after) / 2, ahead, row[2])


class DatabaseClock:
    """``now()`` in UTC. ``uptime``: seconds of this machine that no setting of a clock changes."""

    def __init__(self, anchor: Anchor, uptime: Callable[[], float]) -> None:
        self._anchor = anchor
        self._uptime = uptime

    def now(self) -> datetime:
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=self._at(self._uptime()))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def drift(self) -> float:
        """Seconds by which the server's clock is ahead of our time (negative: behind)."""
        return -self._anchor.ahead

    async def learn(self, db: Connection) -> None:
        """Follows the server's time; notices when its clock was set, and goes on as before."""
        for _ in range(2):
            before = self._uptime()
            row = await (await db.execute(LOOK)).fetchone()
            after = self._uptime()
            if after - before > SLOW:
                return
            found = Anchor.of(row, before, after)
            apart = self._at(found.uptime) - found.time
            if found.generation != self._anchor.generation or abs(apart) <= AGREE:
                self._anchor = found
                return
            await db.execute(_CORRECT, (round(apart * 1e6), self._anchor.generation))

    def _at(self, uptime: float) -> float:
        return self._anchor.time + uptime - self._anchor.uptime


async def set_right(db: Connection) -> None:
    """Our time is the server's again. Only while no rollout is unfinished."""
    await db.execute(_SET_RIGHT, (round(AGREE * 1e6),))
