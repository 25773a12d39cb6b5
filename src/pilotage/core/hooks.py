"""What a step of the kind run does: a program, how its effect is known, and how a runner reports it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from pilotage.core.values import Duration, Frozen, Instant

WORK = "{work}"
"""In a command: the private folder that the program's own files are copied to."""


class Reference(Frozen):
    """Where a value is that must not be written down: a variable of the worker, or a file."""

    env: Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")] | None = None
    file: Annotated[str, Field(pattern=r"^/")] | None = None

    @model_validator(mode="after")
    def _one(self) -> Reference:
        if (self.env is None) == (self.file is None):
            raise ValueError("a reference is exactly one of env and file")
        return self

    @property
    def told(self) -> str:
        """Its name, never its value."""
        return f"the variable {self.env}" if self.env is not None else f"the file {self.file}"


class Pinned(Frozen):
    """A file that a program uses: it must be what it was when the plan was made."""

    path: str
    """Absolute."""
    sha256: str
    """Hex digest."""


class Program(Frozen):
    """Commands that are run one after the other; the first that fails is the last. No shell runs."""

    commands: tuple[tuple[str, ...], ...] = Field(min_length=1)
    folder: str
    """Absolute: where they run."""
    environment: dict[str, str | Reference] = Field(default_factory=dict)
    timeout: Duration = timedelta(minutes=15)
    """For all of them together; then they are ended, and it counts as failed."""
    files: tuple[Pinned, ...] = ()
    """Checked before the first command; copied to ``{work}`` when a command names that."""


class Migration(Frozen):
    """Of a hook that changes a database: from one revision to another, one by one."""

    before: str
    """The revision at which it may start (``core.database.BASE``: none yet)."""
    revisions: tuple[str, ...]
    """Those it passes, in order; the last is where it ends."""
    atomic: bool
    """Whether each change and its revision are written in one transaction: the revision says what was done."""

    @property
    def after(self) -> str:
        return self.revisions[-1] if self.revisions else self.before


class Phase(StrEnum):
    """How far a runner is with one attempt."""

    NEVER = "never"
    """It was never begun there."""
    RUNNING = "running"
    ENDED = "ended"
    LOST = "lost"
    """It was begun, nothing of it runs, and nobody knows how it ended."""


class Sighting(Frozen):
    """What a runner knows of one attempt at a hook."""

    phase: Phase
    place: str
    """Which runner's memory this is: another one knows nothing of what was begun here."""
    code: int | None = None
    """The exit code; None: it does not run to its end (a signal, the time limit), or has not ended."""
    detail: str = ""
    """Why it did not end by itself."""
    tail: str = ""
    """The last lines that it wrote, without secrets."""


class Outcome(StrEnum):
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """Begun, and nobody knows what came of it: a person says."""


class Ran(Frozen):
    """What is recorded of one hook."""

    attempt: int = 1
    outcome: Outcome | None = None
    """None: not begun, or not ended."""
    detail: str = ""
    tail: str = ""
    revision: str | None = None
    """Where the database was then, if it changes one."""
    at: Instant | None = None
