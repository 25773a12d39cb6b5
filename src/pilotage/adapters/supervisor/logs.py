"""The child's log: bounded on disk, and its tail.

The child appends to the file itself (O_APPEND), so that nothing it writes depends on a living supervisor; the
supervisor shortens it by copying the tail away and truncating. Lines written between the two are lost.
"""
# pathlib would add a megabyte to every supervisor:
# ruff: noqa: PTH105, PTH108, PTH116

from __future__ import annotations

import os

LIMIT = 10_000_000
_CHUNK = 65_536


def open_for_child(path: str) -> int:
    """The null device when the disk is full or the log cannot be opened: no log is better than no service.

    Many programs end when their output fails.
    """
    try:
        log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    if os.fstatvfs(log).f_bavail == 0:
        os.close(log)
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    return log


def rotate(path: str, limit: int = LIMIT) -> bool:
    """When ``path`` has grown over ``limit`` bytes, its last ``limit`` bytes become ``path``.1; True if so."""
    try:
        if os.stat(path).st_size <= limit:
            return False
        if not _keep_tail(path, limit):
            _drop(path + ".1")  # a full disk: make room, then once more
            _keep_tail(path, limit)
        os.truncate(path, 0)
    except OSError:
        return False
    return True


def tail(path: str, lines: int) -> str:
    """The last ``lines`` lines, over both files; empty when there is no log."""
    if lines <= 0:
        return ""
    found = _last_lines(path, lines)
    if len(found) < lines:
        found = _last_lines(path + ".1", lines - len(found)) + found
    return "\n".join(line.decode(errors="replace") for line in found)


def _last_lines(path: str, lines: int) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            position, content = file.seek(0, os.SEEK_END), b""
            while position > 0 and content.count(b"\n") <= lines:
                step = min(_CHUNK, position)
                position -= step
                file.seek(position)
                content = file.read(step) + content
    except OSError:
        return []
    return content.rstrip(b"\n").split(b"\n")[-lines:] if content.strip() else []


def _keep_tail(path: str, limit: int) -> bool:
    temporary = path + ".1.new"
    try:
        with open(path, "rb") as source, open(temporary, "wb") as copy:
            source.seek(-limit, os.SEEK_END)
            source.readline()
            while chunk := source.read(_CHUNK):
                copy.write(chunk)
        os.replace(temporary, path + ".1")
    except OSError:
        _drop(temporary)
        return False
    return True


def _drop(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
