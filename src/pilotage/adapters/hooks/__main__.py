"""``python -m pilotage.adapters.hooks FOLDER``: runs the program of that folder, once, and says how it ended.

Its standard input is the lock of the folder, held by whoever started it; held on until the program has ended.
Everything the program writes goes through here, line by line, and loses its secrets before it touches a disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

from pilotage.adapters.hooks import memory, secrets
from pilotage.adapters.hooks.memory import Memory
from pilotage.adapters.hooks.runner import located
from pilotage.adapters.supervisor import detached
from pilotage.adapters.supervisor.identity import Identity
from pilotage.core.hooks import WORK, Program

GRACE = 10.0
"""Seconds from SIGTERM to SIGKILL when the time is over."""
MOST = 10_000_000
"""Bytes of output that are kept; what is more is dropped and said."""


class Refused(Exception):
    """Nothing was run: something is not as it was when the plan was made."""


def main() -> int:
    kept = Memory(Path(sys.argv[1]))
    lock = os.dup(0)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    if os.fork():
        os._exit(0)  # whoever started this need not wait for its end
    with contextlib.suppress(PermissionError):
        os.setsid()
    try:
        _run(kept)
    finally:
        os.close(lock)
    return 0


def _run(kept: Memory) -> None:
    program = Program.model_validate(kept.read(memory.PROGRAM))
    try:
        _check_files(program)
        work = _staged(kept, program)
        variables, hidden = secrets.resolved(program.environment)
    except (Refused, secrets.Unreadable, OSError) as error:
        kept.write(memory.BEGAN, {"pid": os.getpid()})
        kept.write(memory.ENDED, {"code": None, "detail": f"nothing was run: {error}"})
        return
    kept.write(memory.BEGAN, {"pid": os.getpid()})
    run = _Running(kept, program, work, {**detached.minimal_environment(), **variables}, hidden)
    kept.write(memory.ENDED, run.to_the_end())


def _check_files(program: Program) -> None:
    for file in program.files:
        found = hashlib.sha256(Path(file.path).read_bytes()).hexdigest()
        if found != file.sha256:
            raise Refused(f"{Path(file.path).name} has changed since the plan was made")


def _staged(kept: Memory, program: Program) -> str:
    if not any(WORK in word for command in program.commands for word in command):
        return ""
    work = kept.folder / "work"
    work.mkdir(exist_ok=True, mode=0o700)
    for file in program.files:
        shutil.copyfile(file.path, work / Path(file.path).name)
    return str(work)


class _Running:
    """One program while it runs."""

    def __init__(
        self, kept: Memory, program: Program, work: str, variables: dict[str, str], hidden: tuple[str, ...]
    ) -> None:
        self._kept, self._program, self._work = kept, program, work
        self._variables, self._hidden = variables, hidden
        self._late = threading.Event()
        self._written = 0

    def to_the_end(self) -> dict[str, object]:
        """What becomes of it, as it is written down."""
        limit = self._program.timeout.total_seconds()
        child: list[subprocess.Popen[str]] = []
        timer = threading.Timer(limit, self._end, args=[child])
        timer.daemon = True
        timer.start()
        try:
            for command in self._program.commands:
                code = self._command(command, child)
                if self._late.is_set():
                    return {"code": None, "detail": f"it took longer than {limit:g} s and was ended"}
                if code < 0:
                    return {"code": None, "detail": f"{command[0]} was ended by {_signal(-code)}"}
                if code:
                    return {"code": code}
        except OSError as error:
            return {"code": None, "detail": f"{error.filename or 'it'} could not be run: {error.strerror}"}
        finally:
            timer.cancel()
        return {"code": 0}

    def _command(self, command: tuple[str, ...], child: list[subprocess.Popen[str]]) -> int:
        words = located(tuple(word.replace(WORK, self._work) for word in command))
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._program.folder,
            env=self._variables,
            start_new_session=True,
            text=True,
            errors="replace",
        )
        child[:] = [process]
        identity = Identity.of(process.pid)
        if identity is not None:
            self._kept.write(memory.CHILD, {"child": [identity.pid, identity.start]})
        assert process.stdout is not None
        for line in process.stdout:
            self._say(line)
        return process.wait()

    def _say(self, line: str) -> None:
        """Without secrets; a full disk costs the line, not the program."""
        text = secrets.covered(line, self._hidden)
        if self._written > MOST:
            return
        self._written += len(text)
        with contextlib.suppress(OSError), open(self._kept.log, "a", opener=_private) as log:
            log.write(text if self._written <= MOST else "(the rest was not kept)\n")

    def _end(self, child: list[subprocess.Popen[str]]) -> None:
        self._late.set()
        for process in child:
            group = Identity.of(process.pid)
            if group is not None:
                group.signal_group(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE)
                group.signal_group(signal.SIGKILL)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _signal(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


if __name__ == "__main__":
    sys.exit(main())
