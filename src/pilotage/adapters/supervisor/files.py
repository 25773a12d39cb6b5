"""The files in a supervised directory, and how they are written so that no reader sees half of one.

    spec.json      what to run                       written by ensure
    wanted.json    whether it is to run              written by ensure and stop
    status.json    what is known of it               written by the supervisor alone
    child.log      output of the command             child.log.1: the older part
    supervisor.log what the supervisor itself says
    ensure.lock    held while one of the first two is written, and while a supervisor ends
    supervisor.lock held by the living supervisor

Part of the supervisor process: standard library only, and little of that.
"""
# pathlib would add a megabyte to every supervisor:
# ruff: noqa: PTH105, PTH108, PTH118

from __future__ import annotations

import errno
import fcntl
import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SPEC = "spec.json"
WANTED = "wanted.json"
STATUS = "status.json"
CHILD_LOG = "child.log"
SUPERVISOR_LOG = "supervisor.log"
ENSURE_LOCK = "ensure.lock"
SUPERVISOR_LOCK = "supervisor.lock"

_STATUS_BYTES = 4096
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def read(directory: str, name: str) -> dict[str, Any] | None:
    """None when it is not there or is not whole (a status written in place on a full disk, a lost power)."""
    try:
        with open(os.path.join(directory, name), "rb") as file:
            value = json.loads(file.read())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write(directory: str, name: str, value: Mapping[str, Any]) -> None:
    """Atomic and durable. OSError when there is no room or no permission; then the old one stands."""
    _replace(directory, name, json.dumps(value, ensure_ascii=False).encode(), sync=True)


def write_status(directory: str, value: dict[str, Any]) -> None:
    """Atomic; on a full disk in place, into the block that the padded file already has.

    Not synced: after a power loss the child is gone too, and its boot is part of its identity.
    """
    text = json.dumps(value).encode()
    while len(text) > _STATUS_BYTES and value["detail"]:
        value = {**value, "detail": value["detail"][: len(value["detail"]) // 2]}
        text = json.dumps(value).encode()
    padded = text.ljust(_STATUS_BYTES)
    try:
        _replace(directory, STATUS, padded, sync=False)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _overwrite(os.path.join(directory, STATUS), padded)


def lock(directory: str, name: str, *, wait: bool = False) -> int | None:
    """An open file description that holds the lock until it is closed everywhere; None when another has it."""
    descriptor = os.open(os.path.join(directory, name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _replace(directory: str, name: str, content: bytes, *, sync: bool) -> None:
    temporary = os.path.join(directory, f".{name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            _write_all(descriptor, content)
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, os.path.join(directory, name))
    except BaseException:
        _remove(temporary)
        raise


def _overwrite(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, content, 0)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
