"""Every trouble that Pilotage tells a person about.

There is one value and one exception:

    Problem             what went wrong, where, why, and how to mend it (a value: stored, sent, drawn)
    PilotageError       carries one or more Problems and the ExitCode they end a command with

A port has an error class of its own, derived from PilotageError, in ``pilotage.ports``.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from pydantic import BaseModel, ConfigDict


class ExitCode(IntEnum):
    """Which kind of end a command came to. Documented in docs/exit-codes.md; never renumbered."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED_MANIFEST = 3
    NOT_ALLOWED = 4
    BLOCKED = 5
    ROLLED_BACK = 6
    COULD_NOT_ROLL_BACK = 7
    TIMED_OUT = 8
    UNREACHABLE = 9
    UNDECIDED = 10
    INCOMPLETE = 11
    INTERRUPTED = 130


class Place(BaseModel):
    """A spot in a file. ``line`` and ``column`` count from 1, as editors do; ``length`` is in characters."""

    model_config = ConfigDict(frozen=True)

    file: str
    line: int | None = None
    column: int | None = None
    length: int = 1
    text: str | None = None
    """The whole line as written, for the caret to stand under."""


class Problem(BaseModel):
    """One trouble, told so that the reader can end it.

    ``code`` is stable and searchable (``manifest.unknown-key``); ``what`` is one sentence without a full
    stop's worth of guesswork; ``why`` gives the cause or evidence (log lines, the other side's words);
    ``mend`` says what to do. No secret may stand in any field.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    what: str
    why: str | None = None
    mend: str | None = None
    where: Place | None = None
    link: str | None = None

    def __str__(self) -> str:
        spot = ""
        if self.where:
            parts = [self.where.file, self.where.line, self.where.column]
            spot = ":".join(str(part) for part in parts if part is not None) + ": "
        return f"{spot}{self.what}" + (f" ({self.mend})" if self.mend else "")


class PilotageError(Exception):
    """A command cannot go on. Nothing was started, or what was started is recorded and goes on."""

    exit_code = ExitCode.FAILED

    def __init__(self, *problems: Problem, exit_code: ExitCode | None = None) -> None:
        if not problems:
            raise ValueError("a PilotageError needs at least one Problem")
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems: tuple[Problem, ...] = problems
        if exit_code is not None:
            self.exit_code = exit_code

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> PilotageError:
        return cls(*problems)
