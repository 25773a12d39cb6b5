"""From the queue to the ledger: each copy is asked of old, of old again, and of new, at the same time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from pilotage.adapters.tap.asking import Asker, Incomparable, Unanswered
from pilotage.adapters.tap.receiving import Copy
from pilotage.adapters.tap.wanted import Wanted
from pilotage.comparing.answers import Answer
from pilotage.comparing.ledger import Ledger
from pilotage.core.routing import Address

ROOM = 256
"""Copies that wait; what comes when there is no room is counted as left out."""
AT_ONCE = 8
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""RFC 9110, 9.2.1: asked again, they change nothing."""


class Comparer:
    """Takes copies in without waiting, and compares as fast as it can."""

    def __init__(self, wanted: Wanted, ledger: Ledger, asker: Asker) -> None:
        self.wanted = wanted
        self.ledger = ledger
        self._asker = asker
        self._queue: asyncio.Queue[Copy] = asyncio.Queue(ROOM)

    def take(self, copy: Copy) -> None:
        """Keeps a copy for comparing, or says why it is left out."""
        self.ledger.copy()
        why = self._unfit(copy)
        if why is None and self._queue.full():
            why = "no room in the queue"
        if why is None:
            self._queue.put_nowait(copy)
        else:
            self.ledger.leave_out(why)

    def _unfit(self, copy: Copy) -> str | None:
        mirroring = self.wanted.mirroring
        if copy.method not in SAFE and not mirroring.writes:
            return "not a safe method"
        if any(copy.target.startswith(prefix) for prefix in mirroring.skip):
            return "skipped by rule"
        if any(name.lower() == b"upgrade" for name, _ in copy.headers):
            return "upgraded to another protocol"
        return "request too large" if copy.body is None else None

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            # Writes must reach every copy in one order, so they go one after the other.
            for _ in range(1 if self.wanted.mirroring.writes else AT_ONCE):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            copy = await self._queue.get()
            await self._compare(copy)

    async def _compare(self, copy: Copy) -> None:
        old, again, new = await self._ask_all(copy)
        if isinstance(old, Unanswered):
            self.ledger.leave_out("the old version did not answer")
        elif isinstance(old, Incomparable):
            self.ledger.leave_out(str(old))
        else:
            self.ledger.compare(copy.method, copy.target, old, _answer(again), _answer(new))

    async def _ask_all(self, copy: Copy) -> list[Answer | Unanswered | Incomparable]:
        """In an order drawn anew, so that neither the second old answer nor the new one is favoured."""
        wanted = self.wanted
        first, second = _two(wanted.old, wanted.again)
        addresses = [first, second, random.choice(wanted.new)]
        order = random.sample(range(3), 3)
        found = await asyncio.gather(*(self._ask(copy, addresses[place]) for place in order))
        by_place = dict(zip(order, found, strict=True))
        return [by_place[place] for place in range(3)]

    async def _ask(self, copy: Copy, address: Address) -> Answer | Unanswered | Incomparable:
        try:
            return await self._asker.ask(copy, address)
        except (Unanswered, Incomparable) as error:
            return error


def _two(old: Sequence[Address], again: Sequence[Address]) -> tuple[Address, Address]:
    """Two instances of the old version, different ones if there are: what differs between them is noise too."""
    first = random.choice(old)
    others = [address for address in again if address != first] or list(again)
    return first, random.choice(others)


def _answer(found: Answer | Unanswered | Incomparable) -> Answer | None:
    return found if isinstance(found, Answer) else None
