"""Sites, releases and real processes, all ended after each test."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pilotage.adapters.process.artifacts import Artifacts, Progress
from pilotage.adapters.process.digests import directory_sha256
from pilotage.adapters.process.target import ProcessTarget
from pilotage.core.fleet import Instance
from pilotage.core.release import Artifact, Directory, HealthCheck, Release, Run
from pilotage.ports import Site

SERVER = ("python3", "-m", "http.server", "{port}", "--bind", "{host}", "--directory", "{root}")


class Bench:
    """A site and its cache in a folder of the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = Site("shop", "production", folder / "site", folder / "cache", {})
        self.target = ProcessTarget(self.site)
        self.artifacts = Artifacts(folder / "cache")

    def app(self, **files: str) -> Directory:
        """A folder with these files, as an artifact."""
        app = self.folder / "app"
        app.mkdir(exist_ok=True)
        for name, text in (files or {"index.html": "hello"}).items():
            (app / name).write_text(text)
        return Directory(path=str(app), sha256=directory_sha256(app))

    def release(
        self, *command: str, artifact: Artifact | None = None, environment: dict[str, str] | None = None
    ) -> Release:
        health = HealthCheck(interval=timedelta(milliseconds=100))
        return Release(
            service="shop",
            version="1.0",
            artifact=artifact or self.app(),
            run=Run(
                command=command or SERVER,
                folder=str(self.folder),
                health=health,
                environment=environment or {},
                grace=timedelta(seconds=2),
            ),
        )

    def built(self, artifact: Artifact) -> Progress:
        """Prepared to its end, good or bad."""
        found: Progress = wait(lambda: _ended(self.artifacts.prepare(artifact)))
        return found

    def started(self, release: Release, *numbers: int) -> list[Instance]:
        """Prepared and told to start; as first observed."""
        assert self.built(release.artifact).problem is None
        asyncio.run(self.target.scale(release, numbers))
        return self.observed()

    def observed(self) -> list[Instance]:
        return list(asyncio.run(self.target.observe()))

    def until(self, good: Callable[[list[Instance]], bool]) -> list[Instance]:
        def look() -> list[Instance] | None:
            seen = self.observed()
            return seen if good(seen) else None

        found: list[Instance] = wait(look, self.observed)
        return found

    def processes(self, word: str = "") -> list[int]:
        """Living ones with the bench's folder, and this word, in their arguments."""
        return [pid for pid, command in processes(self.folder) if word in command]


def _ended(progress: Progress) -> Progress | None:
    return progress if progress.digest or progress.problem else None


def wait(look: Callable[[], Any], why: Callable[[], object] = lambda: "") -> Any:
    """The first true answer; the last ``why`` is in the failure."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if answer := look():
            return answer
        time.sleep(0.01)
    raise AssertionError(f"never came: {why()}")


def processes(folder: Path) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if str(folder) in command:
            yield int(entry.parent.name), command


def kill(pid: int | None, number: int = signal.SIGKILL) -> None:
    assert pid is not None
    os.kill(pid, number)


def wheel(folder: Path, name: str, version: str, *, body: str = "", requires: str = "") -> Path:
    """A real wheel of one module, made without any tool."""
    folder.mkdir(exist_ok=True)
    path, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    members = {
        f"{name}.py": f"VERSION = {version!r}\n{body}\ndef main():\n    print(VERSION)\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    record = "".join(f"{member},,\n" for member in [*members, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in {**members, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(member), text)
    return path


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    assert sys.platform == "linux", "these tests find their processes in /proc"
    yield Bench(tmp_path)
    for _ in range(3):  # a supervisor may just be starting a child
        for pid, _command in processes(tmp_path):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
