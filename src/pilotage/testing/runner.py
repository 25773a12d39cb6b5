"""A runner and a database in memory: the contracts of their ports, with knobs for what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pilotage.core.database import BASE, DatabaseSpec, Survey
from pilotage.core.hooks import Phase, Program, Sighting
from pilotage.errors import Problem
from pilotage.ports import DatabaseError, HookError


@dataclass
class FakeProgram:
    """One program that was begun."""

    program: Program
    phase: Phase = Phase.RUNNING
    code: int | None = None
    detail: str = ""
    lines: list[str] = field(default_factory=list)


@dataclass
class FakeRunner:
    """``acts`` is what a program does to the world when it ends well; programs end at the second look."""

    place: str = "here"
    begun: dict[str, FakeProgram] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    """By the first command's words joined: the exit code; 0 if not named."""
    never_ends: bool = False
    unreachable: Problem | None = None
    acts: Callable[[Program], None] = lambda _: None
    checks: dict[str, bool | None] = field(default_factory=dict)
    """By the first command's words joined: what it says; None if not named."""

    async def start(self, key: str, program: Program) -> None:
        self._reach()
        self.begun.setdefault(key, FakeProgram(program))

    async def sight(self, key: str) -> Sighting:
        self._reach()
        known = self.begun.get(key)
        if known is None:
            return Sighting(phase=Phase.NEVER, place=self.place)
        seen = Sighting(
            phase=known.phase,
            place=self.place,
            code=known.code,
            detail=known.detail,
            tail="\n".join(known.lines[-20:]),
        )
        if known.phase is Phase.RUNNING and not self.never_ends:
            self.end(key)
        return seen

    async def check(self, program: Program) -> bool | None:
        self._reach()
        return self.checks.get(" ".join(program.commands[0]))

    async def log(self, key: str, lines: int) -> str:
        known = self.begun.get(key)
        return "\n".join(known.lines[-lines:]) if known is not None and lines > 0 else ""

    def end(self, key: str) -> None:
        """It comes to its end."""
        known = self.begun[key]
        code = self.codes.get(" ".join(known.program.commands[0]), 0)
        if code == 0:
            self.acts(known.program)
        known.phase, known.code = Phase.ENDED, code

    def lose(self, key: str) -> None:
        """Its machine goes down: nobody sees how it ends."""
        self.begun[key].phase = Phase.LOST

    def _reach(self) -> None:
        if self.unreachable is not None:
            raise HookError(self.unreachable)


@dataclass
class FakeDatabase:
    """A database that is at one revision."""

    at: str = BASE
    found: Survey = field(default_factory=lambda: Survey(revisions=()))
    unreachable: Problem | None = None

    async def revision(self, spec: DatabaseSpec) -> str:
        if self.unreachable is not None:
            raise DatabaseError(self.unreachable)
        return self.at

    async def survey(self, spec: DatabaseSpec) -> Survey:
        return self.found
