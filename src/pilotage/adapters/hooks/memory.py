"""What is remembered of one program: one folder each, made once, never used again.

program.json  what to run; references, never values
began.json    written before the first command: from here on it is never begun again
child.json    the process group of the command that runs now
ended.json    how it ended
output.log    what it wrote, without secrets
run.lock      held while it runs, and while it is decided whether it is begun
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path
from typing import Any

from pilotage.adapters.supervisor import files
from pilotage.adapters.supervisor.identity import Identity

PROGRAM, BEGAN, CHILD, ENDED = "program.json", "began.json", "child.json", "ended.json"
OUTPUT, LOCK, RUNNER_LOG, PLACE = "output.log", "run.lock", "runner.log", "place"


class Memory:
    """The folder of one key, which need not be there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._name = str(folder)

    @classmethod
    def of(cls, root: Path, key: str) -> Memory:
        return cls(root / hashlib.sha256(key.encode()).hexdigest()[:32])

    def read(self, name: str) -> dict[str, Any] | None:
        return files.read(self._name, name)

    def write(self, name: str, value: dict[str, Any]) -> None:
        files.write(self._name, name, value)

    @property
    def began(self) -> bool:
        """Also when what was written cannot be read: then nobody knows, and it is not begun again."""
        return (self.folder / BEGAN).exists()

    @property
    def log(self) -> Path:
        return self.folder / OUTPUT

    def lock(self) -> int | None:
        """None while it runs, or while somebody else decides whether it is begun."""
        return files.lock(self._name, LOCK)

    def runs(self) -> bool:
        """Whether its runner lives, or what that has started and could not see end."""
        lock = self.lock()
        if lock is None:
            return True
        os.close(lock)
        pair = (self.read(CHILD) or {}).get("child")
        return pair is not None and Identity(pair[0], pair[1]).group_alive


def place(root: Path) -> str:
    """The name of this memory, made when it is first asked for."""
    path = root / PLACE
    if not path.exists():
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = root / f".{PLACE}.{os.getpid()}.{secrets.token_hex(4)}"
        temporary.write_text(secrets.token_hex(8))
        try:
            os.link(temporary, path)  # whoever is first names it
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    return path.read_text()
