"""One worker after the other; each kills itself (-9) just after, or just before, it stores its n-th change.

    python fault_worker.py after 1 worker --until-idle --state FOLDER

``after 1``: what it decided is recorded, and nothing of it is done. ``before 2``: what it decided first is
recorded and done, and that it is done is not recorded. Each life leaves one change more than the one before;
the last one has nothing left to do, and ends in peace. Prints how each of them ended.

Each is a process of its own, forked where everything is imported already: thirty lives take seconds.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pilotage.cli.operate
import pilotage.engine.worker
import pilotage.wiring  # noqa: F401
from pilotage.cli.main import main
from pilotage.store.sqlite import SqliteStore

MOST = 150


def doom(moment: str, number: int) -> None:
    real, made = SqliteStore.commit, 0

    async def commit(self: SqliteStore, *changes: Any, environment: Any = None) -> None:
        nonlocal made
        made += any(change.events for change in changes)  # without one, it only asks for its lease
        if (moment, number) == ("before", made):
            os.kill(os.getpid(), signal.SIGKILL)
        await real(self, *changes, environment=environment)
        if (moment, number) == ("after", made):
            os.kill(os.getpid(), signal.SIGKILL)

    SqliteStore.commit = commit  # type: ignore[method-assign]


def live(moment: str, number: int, words: list[str]) -> int:
    """One life; its exit code, or minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        doom(moment, number)
        os._exit(main(words))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    for _ in range(MOST):
        code = live(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
        print(code, flush=True)
        if code != -signal.SIGKILL:
            sys.exit(code)
    sys.exit("they died and died")
