"""A shop that is released for real: a folder with a manifest, commands, real instances and real proxies.

    with Shop.opened(environments=2) as shop:
        shop.pilotage("release", "1.0", "--to", "e1", "--yes")
        shop.until(lambda: shop.share("e1", "2.0") == 500_000)

Each version says its own in the header ``x-release`` (shop_app.py). Whatever
was started has the shop's folder in its command line or as its working directory, and is ended by that.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import yaml
from machine import processes
from router_load import free_port

from pilotage.core.state import State
from pilotage.store import reading

T = TypeVar("T")

APP = Path(__file__).with_name("shop_app.py")
PILOTAGE = (sys.executable, "-m", "pilotage.cli.main")
PATIENCE = 120.0


class Shop:
    """Environments ``e1``, ``e2``, …, each with one instance a version and a proxy of its own."""

    def __init__(self, folder: Path, environments: int) -> None:
        self.folder = folder
        self.state = folder / ".pilotage"
        self.listens = {f"e{number}": free_port() for number in range(1, environments + 1)}
        for version in ("1.0", "2.0"):
            place = folder / "build" / version
            place.mkdir(parents=True)
            shutil.copy(APP, place / "app.py")
            (place / "version").write_text(version)

    @classmethod
    @contextmanager
    def opened(cls, environments: int = 1) -> Iterator[Shop]:
        with tempfile.TemporaryDirectory(prefix="pilotage-benchmark-") as folder:
            shop = cls(Path(folder), environments)
            try:
                yield shop
            finally:
                shop.end()

    def write(self, strategy: dict[str, Any], judge: dict[str, Any]) -> None:
        """The manifest; at any time, for the releases to come."""
        manifest = {
            "service": "shop",
            "artifact": {"directory": "build/{version}"},
            "run": {
                "command": [sys.executable, "-I", "-S", "{root}/app.py", "{version}", "{port}"],
                "health": {"path": "/", "within": "60s"},
                "grace": "5s",
            },
            "strategy": strategy,
            "judge": judge,
            "environments": {
                name: {"router": {"listen": f"127.0.0.1:{port}"}} for name, port in self.listens.items()
            },
        }
        (self.folder / "pilotage.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False))

    # Commands

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*PILOTAGE, *words],
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def pilotage(self, *words: str) -> str:
        """To its end, which must be a good one; what it said."""
        command = self.start(*words)
        out, err = command.communicate(timeout=PATIENCE)
        if command.returncode:
            raise RuntimeError(f"pilotage {' '.join(words)}: exit {command.returncode}\n{out}\n{err}")
        return out

    def begin(self, version: str, environment: str) -> str:
        """Released with ``--detach``; the rollout's id."""
        told = self.pilotage("release", version, "--to", environment, "--yes", "--detach", "--json")
        return str(json.loads(told)["rollout"])

    @contextmanager
    def worker(self) -> Iterator[int]:
        """A worker in a process of its own; its pid. Commands find it at work and start none."""
        command = [*PILOTAGE, "worker", "--state", str(self.state)]
        with open(self.folder / "worker.log", "a") as log:
            process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        try:
            self.until((self.state / "worker.lock").exists)
            yield process.pid
        finally:
            process.terminate()
            process.wait(30)

    # The record

    def read(self, work: Callable[[sqlite3.Connection], T], file: str = "pilotage.db") -> T:
        connection = sqlite3.connect(f"file:{self.state / file}?mode=ro", uri=True, timeout=10)
        try:
            return work(connection)
        finally:
            connection.close()

    def rollout(self, id: str) -> State:
        return self.read(lambda db: reading.rollout(db, id))

    def share(self, id: str) -> int:
        """Parts of a million that are confirmed for the new version of a rollout."""
        state = self.rollout(id)
        return state.shares.get(state.plan.new.id, 0)

    def until(self, true: Callable[[], T], seconds: float = PATIENCE) -> T:
        end = time.monotonic() + seconds
        while not (found := true()):
            if time.monotonic() > end:
                log = self.folder / "worker.log"
                raise TimeoutError(log.read_text()[-2000:] if log.exists() else "never came true")
            time.sleep(0.02)
        return found

    # Processes

    def pids(self, word: str) -> list[int]:
        return [pid for pid, command in processes(self.folder) if word in command]

    def end(self) -> None:
        """Everything of this shop, whatever state it is in."""
        for _ in range(200):
            if not (left := [pid for pid, _ in processes(self.folder)]):
                return
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        raise RuntimeError(f"still there: {left}")
