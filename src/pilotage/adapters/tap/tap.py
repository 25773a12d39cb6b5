"""The tap as a whole: reads what is wanted, compares, and keeps its counts and its report on disk."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pilotage.adapters.tap.asking import Asker
from pilotage.adapters.tap.comparing import Comparer
from pilotage.adapters.tap.receiving import listen
from pilotage.adapters.tap.wanted import LEDGER, REPORT, SOCKET, WANTED, Wanted, replace
from pilotage.comparing.ledger import Ledger
from pilotage.comparing.reconciling import reconcile

EVERY = 1.0
"""Seconds between two reports: so much of the counts is lost when it is killed."""
LOOK = 0.25

log = logging.getLogger("pilotage.tap")


@dataclass
class Kept:
    """The counts of one run, and since when they are made."""

    ledger: Ledger
    began: datetime


class Tap:
    """Works until it is cancelled. ``folder`` is where the socket is, ``own`` where its files are."""

    def __init__(self, folder: Path, own: Path) -> None:
        self._socket = str(folder / SOCKET)
        self._own = own
        self._wanted = Wanted.model_validate_json((own / WANTED).read_text())
        self._kept = self._remembered()
        self._asker = Asker()
        self._comparer = Comparer(self._wanted, self._kept.ledger, self._asker)

    async def run(self) -> None:
        server = await listen(self._socket, lambda copy: self._comparer.take(copy))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._comparer.run())
                group.create_task(self._follow())
                group.create_task(self._report())
        finally:
            server.close()
            self._keep()
            await self._asker.close()

    async def _follow(self) -> None:
        """Instances come and go; anything else ends this process, and the next one begins anew."""
        while True:
            await asyncio.sleep(LOOK)
            with suppress(OSError, ValueError):
                wanted = Wanted.model_validate_json((self._own / WANTED).read_text())
                if wanted.key != self._wanted.key:
                    raise SystemExit("another comparison is wanted")
                self._wanted = self._comparer.wanted = wanted

    async def _report(self) -> None:
        while True:
            self._keep()
            await asyncio.sleep(EVERY)

    def _keep(self) -> None:
        """A full disk costs reports, not comparisons."""
        kept = self._kept
        report = reconcile(kept.ledger, self._wanted.mirroring.most, kept.began, datetime.now(UTC))
        memory = {"key": self._wanted.key, "began": kept.began.isoformat(), "counts": kept.ledger.dump()}
        try:
            replace(self._own / LEDGER, json.dumps(memory))
            text = f'{{"key": "{self._wanted.key}", "report": {report.model_dump_json()}}}'
            replace(self._own / REPORT, text)
        except OSError as error:
            log.warning("the report could not be written: %s", error)

    def _remembered(self) -> Kept:
        """The counts before a crash, if they belong to the same run."""
        settings = self._wanted.mirroring.compare
        with suppress(OSError, ValueError, KeyError, TypeError):
            memory = json.loads((self._own / LEDGER).read_text())
            if memory["key"] == self._wanted.key:
                return Kept(Ledger.load(settings, memory["counts"]), datetime.fromisoformat(memory["began"]))
        return Kept(Ledger(settings), datetime.now(UTC))
