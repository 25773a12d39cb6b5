"""Begins programs, each once for ever, and sees how far they are."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from pilotage.adapters.hooks import memory, secrets
from pilotage.adapters.hooks.memory import Memory
from pilotage.adapters.supervisor import detached, logs
from pilotage.core.hooks import Phase, Program, Sighting
from pilotage.errors import Problem
from pilotage.ports import HookError

TAIL = 20
"""Lines of a tail."""
WIDEST = 2000
"""Characters of a tail at most: it is kept in the history."""
CHECK_WITHIN = 10.0
"""Seconds that a check may take."""


class ProcessRunner:
    """Programs as processes of this machine; ``folder`` is the memory of what was begun."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def start(self, key: str, program: Program) -> None:
        await asyncio.to_thread(self._start, Memory.of(self.folder, key), program)

    def _start(self, kept: Memory, program: Program) -> None:
        try:
            kept.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = kept.lock()
            if lock is None:
                return
            try:
                if not kept.began:
                    kept.write(memory.PROGRAM, program.model_dump(mode="json"))
                    self._spawn(kept, lock)
            finally:
                os.close(lock)
        except OSError as error:
            why = error.strerror or str(error)
            raise HookError(_not_begun(why)) from error

    def _spawn(self, kept: Memory, lock: int) -> None:
        detached.start(
            [sys.executable, "-m", "pilotage.adapters.hooks", str(kept.folder)],
            lock=lock,
            log=kept.folder / memory.RUNNER_LOG,
            environment=os.environ,  # references are read there; the program itself gets none of it
        )

    async def sight(self, key: str) -> Sighting:
        return await asyncio.to_thread(self._sight, Memory.of(self.folder, key))

    def _sight(self, kept: Memory) -> Sighting:
        try:
            place = memory.place(self.folder)
            if not kept.folder.exists():
                return Sighting(phase=Phase.NEVER, place=place)
            runs = kept.runs()
            ended = kept.read(memory.ENDED)
        except OSError as error:
            what = f"what is remembered of hooks can not be read: {error.strerror}"
            raise HookError(Problem(code="hook.memory", what=what, mend=f"see {self.folder}")) from error
        if ended is not None:
            return _ended(ended, place, self._tail(kept))
        if runs:
            return Sighting(phase=Phase.RUNNING, place=place, tail=self._tail(kept))
        phase = Phase.LOST if kept.began else Phase.NEVER
        return Sighting(phase=phase, place=place, tail=self._tail(kept))

    def _tail(self, kept: Memory) -> str:
        return logs.tail(str(kept.log), TAIL)[-WIDEST:]

    async def check(self, program: Program) -> bool | None:
        try:
            variables, _ = secrets.resolved(program.environment)
            process = await asyncio.create_subprocess_exec(
                *program.commands[0],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                cwd=program.folder,
                env={**detached.minimal_environment(), **variables},
                start_new_session=True,
            )
        except (OSError, secrets.Unreadable):
            return None
        limit = min(program.timeout.total_seconds(), CHECK_WITHIN)
        try:
            code = await asyncio.wait_for(process.wait(), limit)
        except TimeoutError:
            return None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        return {0: True, 1: False}.get(code)

    async def log(self, key: str, lines: int) -> str:
        return await asyncio.to_thread(logs.tail, str(Memory.of(self.folder, key).log), lines)


def located(command: tuple[str, ...]) -> list[str]:
    """The command with its program found: in the worker's path, else beside the Python that runs us."""
    name = command[0]
    if "/" in name or shutil.which(name):
        return list(command)
    beside = Path(sys.executable).with_name(name)
    return [str(beside) if beside.exists() else name, *command[1:]]


def _ended(ended: dict[str, Any], place: str, tail: str) -> Sighting:
    code, detail = ended.get("code"), str(ended.get("detail", ""))
    return Sighting(
        phase=Phase.ENDED, place=place, code=code if isinstance(code, int) else None, detail=detail, tail=tail
    )


def _not_begun(why: str) -> Problem:
    return Problem(
        code="hook.not-begun",
        what="the hook could not be begun",
        why=why,
        mend="see that there is room, and that the worker may write in its state folder",
    )
