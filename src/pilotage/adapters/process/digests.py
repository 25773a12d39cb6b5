"""What content is: SHA-256 of a file and of a folder."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

NOT_CONTENT = frozenset({".git", ".hg", ".svn", ".pilotage", "__pycache__"})
"""What has such a name is neither copied nor counted: histories, our own state, caches of the interpreter."""


def file_sha256(path: Path) -> str:
    """64 hex digits. OSError when it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def directory_sha256(path: Path) -> str:
    """64 hex digits over the sorted relative names, kinds, executable bits and contents.

    The same for the same content on every machine: other permissions, owners and times do not count, and a
    symbolic link counts by its text. OSError when something cannot be read, ValueError when there is something
    that is no content (a socket, a device) or ``path`` is no folder.
    """
    if not path.is_dir():
        raise ValueError(f"{path} is not a folder")
    whole = hashlib.sha256()
    for name, entry in sorted(_entries(path)):
        kind, content = _content(entry)
        whole.update(b"\0".join([kind, name.encode(errors="surrogateescape"), content]) + b"\n")
    return whole.hexdigest()


def _entries(path: Path) -> Iterator[tuple[str, Path]]:
    for folder, folders, names in os.walk(path, onerror=_raise):
        folders[:] = [name for name in folders if name not in NOT_CONTENT]
        for name in folders + [name for name in names if name not in NOT_CONTENT]:
            entry = Path(folder, name)
            yield entry.relative_to(path).as_posix(), entry


def _content(entry: Path) -> tuple[bytes, bytes]:
    status = entry.lstat()
    if stat.S_ISLNK(status.st_mode):
        return b"link", os.fsencode(entry.readlink())
    if stat.S_ISDIR(status.st_mode):
        return b"folder", b""
    if stat.S_ISREG(status.st_mode):
        kind = b"program" if status.st_mode & 0o111 else b"file"
        return kind, file_sha256(entry).encode()
    raise ValueError(f"{entry} is neither a file nor a folder")


def _raise(error: OSError) -> None:
    raise error
