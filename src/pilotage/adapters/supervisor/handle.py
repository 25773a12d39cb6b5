"""The handle on a supervised directory. Many processes may hold one at once."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pilotage.adapters.supervisor import detached, files, logs
from pilotage.adapters.supervisor.identity import Identity
from pilotage.adapters.supervisor.reading import read_status
from pilotage.adapters.supervisor.spec import Spec, Status
from pilotage.errors import ExitCode, PilotageError, Problem

_LOCK_SECONDS = 5.0
_MAIN = Path(__file__).with_name("__main__.py")


class SupervisorError(PilotageError):
    """The directory cannot be used, or no supervisor could be started."""

    exit_code = ExitCode.UNREACHABLE


class Supervised:
    """One command kept running in the background, with all that is known of it in ``directory``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self._name = str(self.directory)

    @property
    def log_path(self) -> Path:
        """What the command wrote; it has a ``.1`` beside it after 10 MB."""
        return self.directory / files.CHILD_LOG

    @property
    def spec(self) -> dict[str, Any] | None:
        """What was last ensured, as ``Spec.plain`` gives it."""
        return files.read(self._name, files.SPEC)

    @property
    def wanted(self) -> bool:
        """Whether it is to run: ensured, and not stopped since."""
        return bool((files.read(self._name, files.WANTED) or {}).get("running"))

    def ensure(self, spec: Spec) -> None:
        """See that the command runs with this spec: started, restarted or left alone, whatever is needed.

        Returns before the command does its first work. SupervisorError when the directory cannot be written.
        """
        plain = spec.plain()
        with self._changing():
            if files.read(self._name, files.SPEC) != plain:
                files.write(self._name, files.SPEC, plain)
            if files.read(self._name, files.WANTED) != {"running": True}:
                files.write(self._name, files.WANTED, {"running": True})
            self._supervise()

    def revive(self) -> bool:
        """Start a supervisor where the last one died before its work was done; True if one was missing."""
        if not self._unsupervised():
            return False
        with self._changing():
            return self._unsupervised() and self._supervise()

    def status(self) -> Status:
        """What is known now, checked against the living processes. Never raises, writes nothing."""
        return read_status(self._name)

    def stop(self) -> None:
        """Begin to stop: the stop signal, the grace, SIGKILL, to the whole process group.

        Stays stopped until the next ``ensure``. SupervisorError when the directory cannot be written.
        """
        if not (self.directory / files.WANTED).exists():
            return
        with self._changing():
            if files.read(self._name, files.WANTED) != {"running": False}:
                files.write(self._name, files.WANTED, {"running": False})
            if self._child_group_alive():
                self._supervise()
            else:
                self._wake()

    def log(self, lines: int) -> str:
        """The last lines that the command wrote to its standard output and error."""
        return logs.tail(str(self.log_path), lines)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """The right to change what is wanted, one process at a time."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            guard = self._guard()
            try:
                yield
            finally:
                os.close(guard)
        except OSError as error:
            raise SupervisorError(_unusable(self.directory, error)) from error

    def _guard(self) -> int:
        until = time.monotonic() + _LOCK_SECONDS
        while (guard := files.lock(self._name, files.ENSURE_LOCK)) is None:
            if time.monotonic() > until:
                raise OSError(errno.EWOULDBLOCK, "another process has held ensure.lock for 5 s")
            time.sleep(0.01)
        return guard

    def _supervise(self) -> bool:
        """Start a supervisor, or wake the living one so that it looks at what is wanted now."""
        lock = files.lock(self._name, files.SUPERVISOR_LOCK)
        if lock is None:
            self._wake()
            return False
        try:
            detached.start(
                [sys.executable, "-I", "-S", str(_MAIN), self._name],
                lock=lock,
                log=self.directory / files.SUPERVISOR_LOG,
                environment=detached.minimal_environment(),
            )
        finally:
            os.close(lock)
        return True

    def _wake(self) -> None:
        pair = (files.read(self._name, files.STATUS) or {}).get("supervisor")
        if pair and Identity(pair[0], pair[1]).alive:
            with suppress(ProcessLookupError, PermissionError):  # it looks by itself every few seconds
                os.kill(pair[0], signal.SIGHUP)

    def _unsupervised(self) -> bool:
        """Whether there is work for a supervisor and none that does it. Takes no lock: many may ask at once."""
        wanted = files.read(self._name, files.WANTED)
        if wanted is None:
            return False
        pair = (files.read(self._name, files.STATUS) or {}).get("supervisor")
        if pair and Identity(pair[0], pair[1]).alive:
            return False
        return bool(wanted.get("running")) or self._child_group_alive()

    def _child_group_alive(self) -> bool:
        pair = (files.read(self._name, files.STATUS) or {}).get("child")
        return pair is not None and Identity(pair[0], pair[1]).group_alive


def _unusable(directory: Path, error: OSError) -> Problem:
    mend = {
        errno.ENOSPC: "free some space on its disk",
        errno.EDQUOT: "free some space in its quota",
        errno.EROFS: "mount its file system for writing",
        errno.EACCES: "give this user the right to write there",
        errno.EPERM: "give this user the right to write there",
    }.get(error.errno or 0, "look at the folder and at supervisor.log in it")
    return Problem(
        code="supervisor.unusable-folder",
        what=f"{directory} cannot be used to supervise a process",
        why=error.strerror or str(error),
        mend=mend,
    )
