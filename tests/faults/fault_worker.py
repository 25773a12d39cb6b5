"""The worker command, which kills itself (-9) just after, or just before, it stores its n-th change.

    python fault_worker.py after 1 worker --until-idle --state FOLDER

``after 1``: what it decided is recorded, and nothing of it is done. ``before 2``: what it decided first is
recorded and done, and that it is done is not recorded. Each life leaves one change more than the one before.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from pilotage.cli.main import main
from pilotage.store.sqlite import SqliteStore


def doom(moment: str, number: int) -> None:
    real, made = SqliteStore.commit, 0

    async def commit(self: SqliteStore, *changes: Any, environment: Any = None) -> None:
        nonlocal made
        made += 1
        if (moment, number) == ("before", made):
            os.kill(os.getpid(), signal.SIGKILL)
        await real(self, *changes, environment=environment)
        if (moment, number) == ("after", made):
            os.kill(os.getpid(), signal.SIGKILL)

    SqliteStore.commit = commit  # type: ignore[method-assign]


if __name__ == "__main__":
    doom(sys.argv[1], int(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
