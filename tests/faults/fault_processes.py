"""Finding processes by the folder that they belong to, and ending them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path


def kill(*pids: int, number: int = signal.SIGKILL) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def processes_in(folder: Path) -> Iterator[tuple[int, str]]:
    inside = f"{folder}{os.sep}"
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ").strip()
            where = f"{(entry / 'cwd').readlink()}{os.sep}"
        except OSError:
            continue
        ours = inside in f"{command}{os.sep}" or where.startswith(inside)
        if command and ours and int(entry.name) != os.getpid():
            yield int(entry.name), command


def variable_of(pid: int, name: str) -> str | None:
    try:
        rows = Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
    except OSError:
        return None
    return next((row.removeprefix(f"{name}=") for row in rows if row.startswith(f"{name}=")), None)
