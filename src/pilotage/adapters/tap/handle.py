"""How a router starts a tap, reads its report and ends it. All state is in files; several may hold one."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError

from pilotage.adapters.supervisor import Spec, Supervised
from pilotage.adapters.tap.wanted import REPORT, WANTED, Wanted, replace
from pilotage.core.comparing import Reconciliation
from pilotage.errors import Problem
from pilotage.ports import RouterError


class TapHandle:
    """The tap of one router. ``folder`` is the router's own, in which its proxy runs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = folder / "tap"
        self._supervised = Supervised(self._own)

    def ensure(self, wanted: Wanted) -> None:
        """See that it runs and does this. RouterError when its files can not be written."""
        text = wanted.model_dump_json()
        try:
            self._own.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._read(WANTED) != text:
                replace(self._own / WANTED, text)
        except OSError as error:
            raise RouterError(_unwritable(error)) from error
        self._supervised.ensure(
            Spec(
                command=(sys.executable, "-I", "-m", "pilotage.adapters.tap", str(self._own)),
                cwd=str(self._folder),
                grace=timedelta(seconds=3),
                backoff_first=timedelta(milliseconds=100),
                backoff_most=timedelta(seconds=5),
            )
        )

    def revive(self) -> None:
        self._supervised.revive()

    def stop(self) -> None:
        """Its report stays."""
        self._supervised.stop()

    def report(self, wanted: Wanted) -> Reconciliation | None:
        """What came of it so far; None: nothing yet, or only of another run."""
        try:
            kept = json.loads(self._read(REPORT))
            return Reconciliation.model_validate(kept["report"]) if kept["key"] == wanted.key else None
        except (ValueError, KeyError, TypeError, ValidationError):
            return None

    @property
    def pid(self) -> int | None:
        return self._supervised.status().pid

    def log(self, lines: int) -> str:
        return self._supervised.log(lines)

    def _read(self, name: str) -> str:
        try:
            return (self._own / name).read_text()
        except FileNotFoundError:
            return ""


def _unwritable(error: OSError) -> Problem:
    return Problem(
        code="router.tap-unwritable",
        what="the comparing process can not be told what to do",
        why=error.strerror or str(error),
        mend="make room on the disk of the state folder; users are not affected",
    )
