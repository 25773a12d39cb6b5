"""Instances as they are stored: one folder each, with all that is needed to know and to mend them.

<site>/instances/<release id>.<number>/instance.json   what it is
                                       release.json    the whole release
                                       …               the supervisor's files
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from pilotage.adapters.supervisor import Supervised, files
from pilotage.core.release import Release
from pilotage.core.routing import Address
from pilotage.core.values import Frozen

_ID = re.compile(r"[a-z0-9][a-z0-9-]*\.[1-9][0-9]*")
_INSTANCE, _RELEASE = "instance.json", "release.json"


class Stored(Frozen):
    """instance.json."""

    release: str
    number: int
    address: Address

    @property
    def id(self) -> str:
        return f"{self.release}.{self.number}"


class Instances:
    """All instances of one site."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "instances"

    def all(self) -> Iterator[Stored]:
        """By release and number. OSError when one cannot be read: nobody must be overlooked."""
        if not self._folder.is_dir():
            return
        names = [entry.name for entry in self._folder.iterdir() if _ID.fullmatch(entry.name)]
        for name in sorted(names, key=lambda name: (name.partition(".")[0], int(name.partition(".")[2]))):
            if (stored := self.get(name)) is not None:
                yield stored

    def get(self, instance: str) -> Stored | None:
        """None when there is no such instance. OSError when its file is broken."""
        if not _ID.fullmatch(instance) or not (self._folder / instance).is_dir():
            return None
        path = self._folder / instance / _INSTANCE
        try:
            return Stored.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            if path.parent.exists():
                raise
            return None  # removed a moment ago
        except ValueError as error:
            raise OSError(f"{path} is damaged: {error}") from error

    def release(self, instance: str) -> Release:
        """OSError when its file cannot be read."""
        path = self._folder / instance / _RELEASE
        try:
            return Release.model_validate_json(path.read_bytes())
        except ValueError as error:
            raise OSError(f"{path} is damaged: {error}") from error

    def supervised(self, instance: str) -> Supervised:
        return Supervised(self._folder / instance)

    def keep(self, stored: Stored, release: Release) -> None:
        """Store a new instance whole or not at all, or an old one's new address."""
        value = stored.model_dump(mode="json")
        if (self._folder / stored.id).is_dir():
            files.write(str(self._folder / stored.id), _INSTANCE, value)
            return
        temporary = self._folder / f".new-{os.getpid()}-{stored.id}"
        shutil.rmtree(temporary, ignore_errors=True)  # of one that was killed here and had our pid
        temporary.mkdir(parents=True, mode=0o700)
        try:
            files.write(str(temporary), _RELEASE, release.model_dump(mode="json"))
            files.write(str(temporary), _INSTANCE, value)
            temporary.rename(self._folder / stored.id)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise

    def remove(self, instance: str) -> None:
        """Of a stopped one, at once: renamed first, so that no half of it is ever seen."""
        doomed = self._folder / f".old-{os.getpid()}-{instance}"
        shutil.rmtree(doomed, ignore_errors=True)
        (self._folder / instance).rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
