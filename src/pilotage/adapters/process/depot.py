"""Prepared artifacts that nothing needs any more: found, set aside, removed.

What an instance on this machine was started from stays, whatever the record says; so does what is being built.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError

from pilotage.adapters.process.artifacts import BUILD_LOCK, COMPLETE, key
from pilotage.adapters.supervisor import files
from pilotage.core.release import Artifact, Release

_ASIDE = ".gone-"


class ArtifactDepot:
    """The shared cache of one state folder."""

    def __init__(self, state_folder: Path) -> None:
        self._folder = state_folder / "cache" / "artifacts"
        self._environments = state_folder / "environments"

    def unneeded(self, keep: Collection[Artifact], older_than: timedelta) -> dict[str, int]:
        kept = self._keys(keep)
        return {
            entry.name: _size(entry)
            for entry in self._entries()
            if not entry.name.startswith(_ASIDE) and entry.name not in kept and _old(entry, older_than)
        }

    def set_aside(self, names: Collection[str]) -> None:
        for name in names:
            lock = files.lock(str(self._folder / name), BUILD_LOCK)
            if lock is None:
                continue  # somebody builds it just now
            try:
                (self._folder / name).rename(self._folder / (_ASIDE + name))
            finally:
                os.close(lock)

    def let_go(self, keep: Collection[Artifact]) -> None:
        kept = self._keys(keep)
        for entry in list(self._entries()):
            if not entry.name.startswith(_ASIDE):
                continue
            back = self._folder / entry.name.removeprefix(_ASIDE)
            if back.name in kept and not back.exists():
                entry.rename(back)
            else:
                shutil.rmtree(entry, ignore_errors=True)

    def _entries(self) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from (entry for entry in sorted(self._folder.iterdir()) if entry.is_dir())

    def _keys(self, keep: Collection[Artifact]) -> set[str]:
        return {key(artifact) for artifact in keep} | set(self._of_instances())

    def _of_instances(self) -> Iterator[str]:
        """OSError or ValueError when one can not be read: nothing is removed then."""
        for path in self._environments.glob("*/*/target/instances/*/release.json"):
            try:
                yield key(Release.model_validate_json(path.read_bytes()).artifact)
            except ValidationError as error:
                raise ValueError(f"{path} can not be read") from error


def _old(entry: Path, older_than: timedelta) -> bool:
    """Built, or last tried, so long ago."""
    for name in (COMPLETE, ""):
        with suppress(FileNotFoundError):
            return time.time() - (entry / name).stat().st_mtime > older_than.total_seconds()
    return False


def _size(folder: Path) -> int:
    """In bytes, each file once."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += (Path(path) / name).lstat().st_size
    return total
