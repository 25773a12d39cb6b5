"""Starting a process that outlives its starter."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_FIRST_FORK_SECONDS = 20
_INHERITED = ("HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER")


def start(command: Sequence[str], *, lock: int, log: Path, environment: Mapping[str, str]) -> None:
    """``command`` in a session of its own, in ``/``, with nothing of ours but the lock as standard input.

    It must fork and end its first process at once, so that nobody has to wait for it. OSError when that fails.
    """
    output = _open(log)
    try:
        process = subprocess.Popen(
            list(command),
            stdin=lock,
            stdout=output,
            stderr=output,
            start_new_session=True,
            close_fds=True,
            cwd="/",
            env=dict(environment),
        )
    finally:
        os.close(output)
    try:
        code = process.wait(_FIRST_FORK_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise OSError(f"{command[0]} did not start within {_FIRST_FORK_SECONDS} s") from None
    if code:
        raise OSError(f"{command[0]} ended with {code} at its start; see {log.name}")


def minimal_environment() -> dict[str, str]:
    """What a process needs of ours to run at all, and none of the operator's secrets."""
    kept = {k: v for k, v in os.environ.items() if k in _INHERITED or k.startswith("LC_")}
    return {"PATH": os.defpath, **kept}


def _open(log: Path) -> int:
    try:
        return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
