"""Flags in a file of flagd's format. Every client of OpenFeature with flagd's file mode sees it; so do others
who read JSON. docs/flags.md"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pilotage.adapters.flags import document
from pilotage.core.flags import FlagRule, FlagSeen
from pilotage.errors import Problem
from pilotage.flags import flagd
from pilotage.ports import FlagsError, Site

_KEYS = ("path",)


class FileFlags:
    """Changes one flag at a time and leaves all others in the file as they are."""

    def __init__(self, site: Site) -> None:
        self._named = Path(str(site.settings["path"]))

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        unknown = [
            Problem(
                code="flags.unknown-setting", what=f"the flag file has no setting `{key}`", mend="only `path`"
            )
            for key in settings
            if key not in _KEYS
        ]
        path = settings.get("path")
        if not isinstance(path, str) or not path.strip():
            what, mend = "the flag file needs a `path`", "add `path: flags.json`"
            return [*unknown, Problem(code="flags.setting", what=what, mend=mend)]
        if not path.endswith(".json"):
            what = f"the flag file {path} is not called .json: clients would read it as something else"
            return [*unknown, Problem(code="flags.setting", what=what, mend="call it flags.json")]
        return unknown

    async def check(self, key: str) -> list[Problem]:
        del key
        return await asyncio.to_thread(self._check)

    async def apply(self, wanted: FlagRule | FlagSeen) -> None:
        await asyncio.to_thread(self._apply, wanted)

    async def observe(self, key: str) -> FlagSeen:
        return await asyncio.to_thread(lambda: flagd.seen(key, document.read(self._path)["flags"].get(key)))

    @property
    def _path(self) -> Path:
        """What a link leads to: the link stays one."""
        return self._named.resolve()

    def _check(self) -> list[Problem]:
        try:
            document.read(self._path)
        except FlagsError as error:
            return list(error.problems)
        folder = self._path.parent
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            return [self._unwritable(f"{folder} is no folder that can be written")]
        return []

    def _apply(self, wanted: FlagRule | FlagSeen) -> None:
        definition = _definition(wanted)
        try:
            with document.locked(self._path):
                whole = document.read(self._path)
                flags = whole["flags"]
                if flags.get(wanted.key) == definition and (wanted.key in flags) == (definition is not None):
                    return
                if definition is None:
                    del flags[wanted.key]
                else:
                    flags[wanted.key] = definition
                document.replace(self._path, whole)
        except OSError as error:
            raise FlagsError(self._unwritable(error.strerror or type(error).__name__)) from error

    def _unwritable(self, why: str) -> Problem:
        what = f"the flag file {self._path} can not be written"
        return Problem(
            code="flags.unwritable", what=what, why=why, mend="make room, or see who may write there"
        )


def _definition(wanted: FlagRule | FlagSeen) -> Any:
    """None: there is to be no such flag."""
    if isinstance(wanted, FlagRule):
        return flagd.compiled(wanted)
    return json.loads(wanted.kept) if wanted.exists else None
