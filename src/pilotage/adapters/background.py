"""The worker that starts on demand: one for each state folder, detached from the terminal."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pilotage.adapters.registry import unwritable


@contextmanager
def only_worker(state_folder: Path) -> Iterator[bool]:
    """Holds the lock that one worker per state folder has; False when another process has it.

    The lock goes with its process, however that ends. PilotageError when the folder can not be written.
    """
    with _opened(state_folder, "worker.lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)


def worker_runs(state_folder: Path) -> bool:
    with only_worker(state_folder) as mine:
        return not mine


def spawn_worker(state_folder: Path) -> None:
    """A worker in a session of its own, that ends when nothing is left to do; logs to worker.log.

    PilotageError when the folder can not be written.
    """
    command = [sys.executable, "-m", "pilotage.cli.main", "worker", "--until-idle"]
    with _opened(state_folder, "worker.log") as log:
        subprocess.Popen(
            [*command, "--state", str(state_folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )


def _opened(state_folder: Path, name: str) -> IO[bytes]:
    try:
        return open(state_folder / name, "ab")
    except OSError as error:
        raise unwritable(state_folder, error) from error
