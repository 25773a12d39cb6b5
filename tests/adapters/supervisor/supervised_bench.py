"""Real supervised processes, all ended after each test."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pilotage.adapters.supervisor import HealthProbe, Spec, Status, Supervised
from pilotage.core.release import HealthCheck
from pilotage.core.routing import Address

SLEEPER = "import time\nprint('sleeping', flush=True)\nwhile True: time.sleep(60)"


class Bench:
    """A directory, programs to run in it, and patience."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.supervised = Supervised(folder / "one")

    def spec(self, program: str = SLEEPER, **more: Any) -> Spec:
        """A command that is recognised as ours by the folder's name in its arguments."""
        command = (sys.executable, "-c", program, str(self.folder))
        given = {"grace": timedelta(seconds=2), "backoff_first": timedelta(milliseconds=20), **more}
        return Spec(command=command, cwd=str(self.folder), **given)

    def probe(self, port: int, **more: Any) -> HealthProbe:
        check = HealthCheck(interval=timedelta(milliseconds=50), **more)
        return HealthProbe(address=Address(host="127.0.0.1", port=port), check=check)

    def until(self, good: Callable[[Status], bool]) -> Status:
        def look() -> Status | None:
            status = self.supervised.status()
            return status if good(status) else None

        found: Status = wait(look, self.supervised.status)
        return found

    def until_state(self, state: str) -> Status:
        return self.until(lambda status: status.state == state)

    def children(self) -> list[int]:
        """All living processes that run a command of ours."""
        return [pid for pid, command in processes(self.folder) if "-c" in command]

    def supervisors(self) -> list[int]:
        return [pid for pid, command in processes(self.folder) if "__main__.py" in " ".join(command)]


def wait(look: Callable[[], Any], why: Callable[[], object] = lambda: "") -> Any:
    """The first true answer; the last ``why`` is in the failure."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if answer := look():
            return answer
        time.sleep(0.01)
    raise AssertionError(f"never came: {why()}")


def processes(folder: Path) -> Iterator[tuple[int, list[str]]]:
    """Those with this folder in their arguments, zombies not counted."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if str(folder) in " ".join(command):
            yield int(entry.parent.name), command


def kill(pid: int | None, number: int = signal.SIGKILL) -> None:
    assert pid is not None
    os.kill(pid, number)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    for _ in range(3):  # a supervisor may just be starting a child
        for pid, _command in processes(tmp_path):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
