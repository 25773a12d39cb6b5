"""The demo's own folder: the catalogue as a team would keep it, and everything that runs out of it."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import catalogue

HERE = Path(__file__).parent
LISTEN = "127.0.0.1:8080"
"""As the manifest of the example says; another port is put in its place when this one is taken."""


class Workplace:
    """``folder`` is kept between runs: downloads and built environments are used again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.root = self.folder / "catalogue"
        """Where the team works: manifest, plugins, database. Pilotage keeps its state here, in .pilotage."""
        self.state = self.root / ".pilotage"
        self.address = LISTEN

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One demo at a time in one folder; BlockingIOError when there is another."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def lay_out(self, *changes: tuple[str, str]) -> None:
        """The team's folder, without the history of earlier runs; ``changes``: (manifest's text, new text)."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._forget()
        shutil.copytree(HERE / "plugins", self.root / "plugins", dirs_exist_ok=True)
        self.address = _free_address(LISTEN)
        self.configure(*changes)
        catalogue.build(self.root / "catalogue.db", self.folder / "downloads")

    def configure(self, *changes: tuple[str, str]) -> None:
        """The manifest of the example with these changes."""
        manifest = (HERE / "pilotage.yaml").read_text(encoding="utf-8")
        for old, new in ((LISTEN, self.address), *changes):
            if old not in manifest:
                raise ValueError(f"{old!r} is not in the demo's manifest")
            manifest = manifest.replace(old, new)
        (self.root / "pilotage.yaml").write_text(manifest, encoding="utf-8")

    def _forget(self) -> None:
        """The history of earlier runs; the built environments stay."""
        for path in self.state.iterdir() if self.state.exists() else ():
            if path.name != "cache":
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def pilotage(self, *words: str, within: float) -> int:
        """The command as the team types it, on this terminal; its exit code. Or TimeoutExpired."""
        command = subprocess.Popen([_command(), *words], cwd=self.root, env=_environment())
        try:
            return command.wait(within)
        finally:
            if command.poll() is None:
                command.send_signal(signal.SIGINT)
                _wait(command)

    def answer(self, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """The command, for what it prints; a Ctrl-C on this terminal does not reach it."""
        return subprocess.run(
            [_command(), *words],
            cwd=self.root,
            env=_environment(),
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            start_new_session=True,
            check=False,
        )

    def running(self) -> dict[int, str]:
        """What works out of this folder: pid → command line. A proxy is told by the folder it works in."""
        mark, state, me = f"{self.folder}{os.sep}", f"{self.state}{os.sep}", os.getpid()
        return {
            pid: line
            for pid, line, where in _processes()
            if pid != me and _ours(line) and (mark in line or where.startswith(state))
        }

    def stop(self, within: float = 40) -> None:
        """As a team does it: an unfinished rollout is aborted, then everything is taken down."""
        if not (self.root / "pilotage.yaml").exists() or not self.running():
            return
        deadline = time.monotonic() + within
        with suppress(subprocess.TimeoutExpired):
            self.answer("abort", "--timeout=20s", timeout=30)
            while self.answer("down", "--yes", timeout=30).returncode and time.monotonic() < deadline:
                time.sleep(0.5)
        while self.running() and time.monotonic() < deadline:
            time.sleep(0.1)

    def end(self, within: float = 10) -> list[str]:
        """Ends what still runs out of this folder, by its id; the command lines of what had to be ended."""
        ended: dict[int, str] = {}
        for number in (signal.SIGTERM, signal.SIGKILL):
            left = self.running()
            ended |= left
            for pid in left:
                _send(pid, number)
            deadline = time.monotonic() + within
            while self.running() and time.monotonic() < deadline:
                time.sleep(0.1)
        return list(ended.values())


def _command() -> str:
    """Of the environment that this script runs in."""
    return str(Path(sys.executable).parent / "pilotage")


def _wait(command: subprocess.Popen[bytes], seconds: float = 5) -> None:
    try:
        command.wait(seconds)
    except subprocess.TimeoutExpired:
        command.kill()
        command.wait()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PILOTAGE_")}


def _free_address(wished: str) -> str:
    host, _, port = wished.partition(":")
    for number in (int(port), 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, number))
            except OSError:
                continue
            return f"{host}:{trial.getsockname()[1]}"
    raise OSError(f"no free port on {host}")


def _processes() -> Iterator[tuple[int, str, str]]:
    """Every process that we may look at: its command line and, where /proc tells it, the folder it works in."""
    if Path("/proc/self/cmdline").exists():
        for process in Path("/proc").glob("[0-9]*"):
            try:
                line, where = (process / "cmdline").read_text(errors="replace"), (process / "cwd").readlink()
            except OSError:
                continue
            yield int(process.name), line.replace("\0", " "), f"{where}{os.sep}"
        return
    listed = subprocess.run(["ps", "-axww", "-o", "pid=,command="], capture_output=True, text=True, check=True)
    for row in listed.stdout.splitlines():
        pid, _, line = row.strip().partition(" ")
        yield int(pid), line, ""


def _ours(line: str) -> bool:
    """Not somebody's editor or pager that shows a file of ours."""
    return re.search(r"(?:^|/)(?:[Pp]ython|envoy|datasette)[\d.]*(?: |$)", line) is not None


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return
