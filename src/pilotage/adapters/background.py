"""The worker that starts on demand: one for each state folder, detached from the terminal."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def only_worker(state_folder: Path) -> Iterator[bool]:
    """Holds the lock that one worker per state folder has; False when another process has it.

    The lock goes with its process, however that ends.
    """
    with open(state_folder / "worker.lock", "a") as lock:
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
    """A worker in a session of its own, that ends when nothing is left to do; logs to worker.log."""
    command = [sys.executable, "-m", "pilotage.cli.main", "worker", "--until-idle"]
    with open(state_folder / "worker.log", "ab") as log:
        subprocess.Popen(
            [*command, "--state", str(state_folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
