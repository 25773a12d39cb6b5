"""A file of flag definitions: read without trust, changed under a lock, replaced in one step."""

from __future__ import annotations

import fcntl
import json
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pilotage.errors import Problem
from pilotage.flags.flagd import SCHEMA
from pilotage.ports import FlagsError

MOST_BYTES = 10_000_000
PATIENCE = 3.0
"""Seconds to wait for somebody else who is changing the file."""
READABLE = 0o644
"""A new file is for other programs to read; one that is there keeps its mode."""


def read(path: Path) -> dict[str, Any]:
    """The whole document; an empty one when there is no file. FlagsError when it can not be understood."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return {"$schema": SCHEMA, "flags": {}}
    except OSError as error:
        raise FlagsError(_unreadable(path, error.strerror or type(error).__name__)) from error
    if len(content) > MOST_BYTES:
        raise FlagsError(_unreadable(path, f"it is larger than {MOST_BYTES // 1_000_000} MB"))
    try:
        document = json.loads(content, object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "it is no plain JSON"
        raise FlagsError(_unreadable(path, where)) from error
    if not isinstance(document, dict) or not isinstance(document.get("flags"), dict):
        raise FlagsError(_unreadable(path, "it has no mapping `flags`, as flagd's format wants"))
    return document


def replace(path: Path, document: dict[str, Any]) -> None:
    """A reader sees the old file or the new one; after a power loss too. OSError when there is no room."""
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    before = path.stat() if path.exists() else None
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, READABLE)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, READABLE if before is None else before.st_mode & 0o7777)
            file.write(text.encode())
            file.flush()
            os.fsync(descriptor)
        if before is not None:
            _later_than(beside, before.st_mtime_ns)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _keep_name(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one of those who lock changes the file; others may read it meanwhile."""
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        give_up = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > give_up:
                    raise FlagsError(_busy(path)) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


def _later_than(path: Path, before: int) -> None:
    """Clients look at the time of the file: it grows with every change, whatever the clock does."""
    status = path.stat()
    if status.st_mtime_ns <= before:
        os.utime(path, ns=(status.st_atime_ns, before + 1_000_000))


def _keep_name(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number that JSON can not hold")
    return number


def _unreadable(path: Path, why: str) -> Problem:
    what = f"the flag file {path} can not be read"
    return Problem(code="flags.unreadable", what=what, why=why, mend="it is left as it is: repair it by hand")


def _busy(path: Path) -> Problem:
    what = f"somebody else has been changing the flag file {path} for {PATIENCE:g} s"
    return Problem(code="flags.busy", what=what, mend="see which other worker uses it")
