"""Starting the command, watching it, and ending it with everything it started.

The forked process waits for a byte before it becomes the command, and its pid and start time are on disk before
that byte is sent. So a supervisor killed at any instant leaves either a child that its successor can find, or
none: never a second one.

Part of the supervisor process: standard library only, and little of that.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal

from pilotage.adapters.supervisor import logs
from pilotage.adapters.supervisor.identity import Identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

_EXEC_SECONDS = 5


class Child:
    """A started or adopted command. ``ours``: our own child process, whose exit status can be had."""

    def __init__(self, identity: Identity, *, ours: bool) -> None:
        self.identity = identity
        self.ours = ours
        self.descriptor = None if ours else _watch(identity.pid)
        """Readable when an adopted child has ended; None where there is no pidfd (poll ``ended`` then)."""

    def ended(self) -> str | None:
        """``exit 1``, ``SIGKILL`` …, or None while it lives."""
        if not self.ours:
            return None if self.identity.alive else "ended unseen"
        try:
            pid, status = os.waitpid(self.identity.pid, os.WNOHANG)
        except ChildProcessError:
            return "ended unseen"
        return _described(status) if pid else None

    def close(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def start(spec: dict[str, Any], log_path: str, recorded: Callable[[Identity], None]) -> Child:
    """The command, running. ``recorded`` stores its identity before it begins.

    OSError when it cannot be started or ``recorded`` could not store; then nothing runs.
    """
    go_read, go_write = os.pipe()
    failure_read, failure_write = os.pipe()
    log = logs.open_for_child(log_path)
    try:
        pid = os.fork()
        if pid == 0:
            os.close(go_write)
            _become(spec, log, go_read, failure_write)
        os.close(failure_write)
        failure_write = -1
        return _released(pid, go_write, failure_read, recorded)
    finally:
        for descriptor in (go_read, go_write, failure_read, failure_write, log):
            if descriptor >= 0:
                os.close(descriptor)


def _released(pid: int, go: int, failure: int, recorded: Callable[[Identity], None]) -> Child:
    identity = Identity.of(pid)
    try:
        if identity is None:
            raise OSError("it ended at once")
        recorded(identity)
        os.write(go, b"g")
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)  # certainly ours: not yet waited for
        os.waitpid(pid, 0)
        raise
    waiting = select.poll()
    waiting.register(failure, select.POLLIN | select.POLLHUP)
    words = os.read(failure, 500).decode() if waiting.poll(_EXEC_SECONDS * 1000) else ""
    if words:
        os.waitpid(pid, 0)
        raise OSError(words)
    return Child(identity, ours=True)


def _become(spec: dict[str, Any], log: int, go: int, failure: int) -> NoReturn:
    """In the forked process: never returns, whatever happens."""
    where = ""
    try:
        os.setsid()
        if os.read(go, 1) != b"g":
            os._exit(125)
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores, and exec would hand on
            signal.signal(number, signal.SIG_DFL)
        where, command = spec["cwd"], spec["command"]
        os.chdir(where)
        where = command[0]
        os.execvpe(where, command, {**os.environ, **spec["environment"]})
    except OSError as error:
        os.write(failure, f"{error.strerror or error}: {where}".encode()[:500])
    finally:
        os._exit(127)


def _watch(pid: int) -> int | None:
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return None


def _described(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
