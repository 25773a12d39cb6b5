"""Figures that a program prints as JSON. docs/telemetry/command.md"""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from pilotage.adapters.telemetry import placeholders
from pilotage.adapters.telemetry.document import DOUBLED, MOST_BYTES, parse, too_large
from pilotage.adapters.telemetry.secret import Secret
from pilotage.adapters.telemetry.settings import problems_with
from pilotage.core import figures
from pilotage.core.judging import Arm
from pilotage.core.notation import DurationText
from pilotage.core.telemetry import Reading, Watched
from pilotage.core.values import Frozen
from pilotage.errors import Problem
from pilotage.ports import Site, TelemetryError

INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""All that a program sees of the worker's own environment."""
KEYS = ("at", "old", "new", "epoch", "latency_bounds", "notes")
_CHUNK = 65_536


class CommandSettings(Frozen):
    """{service}, {environment}, {old_version}, {old_release}, {new_version} and {new_release} may stand in the
    words of the command; the same are in its environment (PILOTAGE_SERVICE …)."""

    command: Annotated[tuple[str, ...], Field(min_length=1)]
    """No shell runs: a list of words, or one text that is split as a shell would."""
    environment: dict[str, str | Secret] = Field(default_factory=dict)
    folder: Annotated[str, Field(pattern=r"^/")] | None = None
    """Where it runs; None: the manifest's folder."""
    timeout: Annotated[DurationText, Field(gt=timedelta(0), le=timedelta(seconds=4))] = timedelta(seconds=3)

    @field_validator("command", mode="before")
    @classmethod
    def _split(cls, command: Any) -> Any:
        return shlex.split(command) if isinstance(command, str) else command

    @field_validator("command")
    @classmethod
    def _spelt(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        for word in command:
            wrong = placeholders.misspelt(word, placeholders.OF_BOTH)
            if wrong:
                raise ValueError(wrong)
        return command


class CommandSource:
    """Runs a program for each look, in a process group of its own that ends with it."""

    def __init__(self, site: Site) -> None:
        self._settings = CommandSettings.model_validate(dict(site.settings))
        self._folder = site.folder

    @staticmethod
    def check_settings(settings: Mapping[str, Any]) -> list[Problem]:
        return problems_with(CommandSettings, settings, "command")

    async def read(self, watched: Watched) -> Reading:
        document = parse(await self._output(watched), self._name())
        if not isinstance(document, dict):
            raise TelemetryError(self._problem("shape", "printed JSON that is no object with `old` and `new`"))
        return _reading(document)

    async def history(self, watched: Watched, since: datetime, until: datetime) -> tuple[Reading, ...]:
        """A program is asked for now."""
        del watched, since, until
        return ()

    async def close(self) -> None:
        """Nothing stays open."""

    async def _output(self, watched: Watched) -> bytes:
        secrets = {
            name: value.read()
            for name, value in self._settings.environment.items()
            if isinstance(value, Secret)
        }
        process = await self._start(watched, secrets)
        try:
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                (output, more), (said, _) = await asyncio.gather(_read(process.stdout), _read(process.stderr))
                if more:
                    raise too_large(self._name())
                code = await process.wait()
        except TimeoutError:
            limit = f"{self._settings.timeout.total_seconds():g} s"
            raise TelemetryError(self._problem("silent", f"did not end within {limit}")) from None
        finally:
            await _end(process)
        if code:
            words = _last_line(said, list(secrets.values()))
            raise TelemetryError(self._problem("failed", f"ended with the exit code {code}", words))
        return output

    async def _start(self, watched: Watched, secrets: Mapping[str, str]) -> Process:
        values = placeholders.of_both(watched)
        words = [placeholders.fill(word, values) for word in self._settings.command]
        plain = {name: value for name, value in self._settings.environment.items() if isinstance(value, str)}
        named = {f"PILOTAGE_{name.upper()}": value for name, value in values.items()}
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        try:
            return await asyncio.create_subprocess_exec(
                *words,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                cwd=self._place(watched),
                env={**inherited, **named, **plain, **secrets},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "a word of it can not be passed on"
            raise TelemetryError(self._problem("not-started", "could not be started", why)) from None

    def _place(self, watched: Watched) -> str:
        wanted = self._settings.folder or watched.new.run.folder
        return wanted if Path(wanted).is_dir() else str(self._folder)

    def _name(self) -> str:
        return f"the command `{self._settings.command[0]}`"

    def _problem(self, code: str, what: str, why: str | None = None) -> Problem:
        mend = "run it by hand in the manifest's folder and look at what it prints"
        return Problem(code=f"telemetry.{code}", what=f"{self._name()} {what}", why=why, mend=mend)


def _reading(document: Mapping[str, Any]) -> Reading:
    notes = [note[:500] for note in document.get("notes") or () if isinstance(note, str)]
    notes += [f"`{key[:40]}` is not known and was left out" for key in document if key not in KEYS]
    epoch = document.get("epoch")
    return Reading(
        at=_time(document.get("at"), notes),
        old=_arm(document.get("old"), "the old version", notes),
        new=_arm(document.get("new"), "the new version", notes),
        epoch=str(epoch)[:100] if isinstance(epoch, str | int | float) else None,
        latency_bounds=figures.bounds(document.get("latency_bounds"), notes),
        notes=tuple(dict.fromkeys(notes)),
    )


def _arm(value: object, whose: str, notes: list[str]) -> Arm | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        notes.append(f"{whose} is no object with figures: left out")
        return None
    doubled = [name for name, one in value.items() if one is DOUBLED]
    notes += [f"{name} of {whose} is given twice: left out" for name in doubled]
    return figures.arm({name: one for name, one in value.items() if name not in doubled}, whose, notes)


def _time(value: object, notes: list[str]) -> datetime:
    """When its figures were true; now, if it does not say."""
    now = datetime.now(UTC)
    if value is None:
        return now
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        notes.append("`at` is not a time like 2026-03-01T12:00:00Z: left out")
        return now
    return at


async def _read(stream: asyncio.StreamReader | None) -> tuple[bytes, bool]:
    """All of it, or the first MOST_BYTES and that there is more."""
    assert stream is not None
    found = bytearray()
    while chunk := await stream.read(_CHUNK):
        found += chunk
        if len(found) > MOST_BYTES:
            return bytes(found[:MOST_BYTES]), True
    return bytes(found), False


async def _end(process: Process) -> None:
    """The whole group: what it has started must not outlive it."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            for stream in (process.stdout, process.stderr):
                while stream is not None and await stream.read(_CHUNK):
                    pass  # only what is read to its end is closed
            await process.wait()


def _last_line(said: bytes, secrets: list[str]) -> str | None:
    """What it wrote last, without any secret that it was given."""
    lines = said.decode(errors="replace").strip().splitlines()
    last = lines[-1][:500] if lines else ""
    for secret in secrets:
        last = last.replace(secret, "…")
    return last or None
