"""Checksum files as ``sha256sum`` writes them, also with ``--tag``: one line a file, or only the digest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

_HEX = r"[0-9a-fA-F]{64}"
_LINES = (
    re.compile(rf"\\?(?P<digest>{_HEX}) [ *](?P<name>.+)"),
    re.compile(rf"SHA256 \((?P<name>.+)\) = (?P<digest>{_HEX})"),
    re.compile(rf"(?P<digest>{_HEX})(?P<name>)"),
)


def digest_of(file: str, checksums: str) -> str | None:
    """The digest of the file of this name; None when there is none, or more than one.

    Its folder does not matter: it is that of whoever wrote the checksums. A digest without a name counts only
    when it is alone.
    """
    named = list(_named(checksums))
    found = {digest for name, digest in named if name == file or (not name and len(named) == 1)}
    return found.pop() if len(found) == 1 else None


def _named(checksums: str) -> Iterator[tuple[str, str]]:
    for row in checksums.splitlines():
        for line in _LINES:
            if match := line.fullmatch(row.strip()):
                yield PurePosixPath(match["name"]).name, match["digest"].lower()
                break
