"""``python -m pilotage.adapters.supervisor DIRECTORY``: becomes the supervisor of that directory.

Started by path, isolated and without site-packages, so that it stays small. Its standard input is the lock of
the directory, already held by whoever started it, so that the lock is never free in between.
"""
# pathlib would add a megabyte to every supervisor:
# ruff: noqa: PTH100, PTH116, PTH118, PTH120

import contextlib
import os
import sys

if not __package__:
    here = os.path.abspath(__file__)
    for _ in range(4):
        here = os.path.dirname(here)
    sys.path.append(here)

from pilotage.adapters.supervisor import files, loop


def main() -> int:
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m pilotage.adapters.supervisor DIRECTORY\n")
        return 2
    directory = os.path.abspath(sys.argv[1])
    lock = _handed_over(directory)
    if lock is None and (lock := files.lock(directory, files.SUPERVISOR_LOCK)) is None:
        sys.stderr.write(f"{directory} is already supervised\n")
        return 1
    if os.fork():
        os._exit(0)  # so that whoever started this need not wait for its end
    with contextlib.suppress(PermissionError):  # already of its own
        os.setsid()
    loop.run(directory, lock)
    return 0


def _handed_over(directory: str) -> int | None:
    """The lock, moved away from standard input, if that is what standard input is."""
    try:
        given, wanted = os.fstat(0), os.stat(os.path.join(directory, files.SUPERVISOR_LOCK))
    except OSError:
        return None
    if (given.st_dev, given.st_ino) != (wanted.st_dev, wanted.st_ino):
        return None
    lock = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return lock


if __name__ == "__main__":
    sys.exit(main())
