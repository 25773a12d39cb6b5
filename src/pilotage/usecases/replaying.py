"""Feeds a recording to the judge, as if it were live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pilotage.core.judging import JudgeSettings, Snapshot, Verdict
from pilotage.judge import Judge


@dataclass(frozen=True)
class Look:
    """One snapshot and the verdict after it."""

    snapshot: Snapshot
    verdict: Verdict

    @property
    def decided(self) -> bool:
        """A rollback or a promotion: the last word."""
        return self.verdict.verdict != "continue"


def replay(snapshots: Iterable[Snapshot], settings: JudgeSettings, *, whole: bool = False) -> Iterator[Look]:
    """A look for every snapshot, up to the first that decides; ``whole``: to the end of the recording."""
    judge = Judge(settings)
    for snapshot in snapshots:
        look = Look(snapshot, judge.feed(snapshot))
        yield look
        if look.decided and not whole:
            return
