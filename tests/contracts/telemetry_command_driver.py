"""The other side of the source command: a script that prints a file, or does worse."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

from telemetry_driver import BOUNDS, Driver, Figures

from pilotage.adapters.telemetry.command import CommandSource

VARIABLE = "PILOTAGE_TEST_COMMAND_TOKEN"


class CommandDriver(Driver):
    kind = CommandSource

    async def __aenter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        os.environ[VARIABLE] = self.secret
        self._print({"old": None, "new": None})
        return self

    async def __aexit__(self, *_: object) -> None:
        os.environ.pop(VARIABLE, None)

    def settings(self) -> Mapping[str, Any]:
        return {
            "command": ["sh", "answer.sh", "{service}", "{new_version}"],
            "environment": {"SHOP_KEY": {"env": VARIABLE}},
            "folder": str(self.folder),
            "timeout": "4s",
        }

    def misspelt(self) -> tuple[Mapping[str, Any], str]:
        return {**self.settings(), "comand": ["x"]}, "command"

    async def show(self, old: Figures | None, new: Figures | None) -> None:
        self._print({"old": old, "new": new, "latency_bounds": BOUNDS, "epoch": "first"})

    async def restart(self, old: Figures, new: Figures) -> None:
        self._print({"old": old, "new": new, "latency_bounds": BOUNDS, "epoch": 2})

    async def go_down(self) -> None:
        self._run('echo "no key fits $SHOP_KEY" >&2; exit 3')

    async def fall_silent(self) -> None:
        self._run("sleep 600 & sleep 600")

    async def nonsense(self) -> AsyncIterator[str]:
        for value in ("NaN", "-Infinity", "-1", '"12"', "true", "[]", "1e400", '7, "requests": 8'):
            self._raw(f'{{"new": {{"errors": 1, "requests": {value}}}}}')
            yield value
        for body in (
            "",
            "no JSON",
            "[" * 100_000,
            "[1]",
            '{"new": 3}',
            '{"old": {}, "newer": {"requests": 2}}',
        ):
            self._raw(body)
            yield body[:30]
        self._run("head -c 3000000 /dev/zero | tr '\\0' 1")
        yield "three megabytes"
        self._run('echo "wrong: $SHOP_KEY" >&2; kill -9 $$')
        yield "killed by a signal"

    def _print(self, document: Mapping[str, Any]) -> None:
        self._raw(json.dumps(document))

    def _raw(self, text: str) -> None:
        (self.folder / "answer.json").write_text(text)
        self._run("cat answer.json")

    def _run(self, script: str) -> None:
        (self.folder / "answer.sh").write_text(f"{script}\n")
