"""Hooks on the stage: programs that end well after their time, and the database that they change."""

from __future__ import annotations

from pilotage.core.database import BASE, DatabaseSpec
from pilotage.core.hooks import Phase, Program, Sighting
from pilotage.core.plan import Plan
from pilotage.core.steps import Hook
from pilotage.testing.living import Now
from pilotage.testing.runner import FakeRunner


class Errands(FakeRunner):
    """A ports.Runner; and a ports.Database, which is where the programs that ended have brought it."""

    def __init__(self, plan: Plan, takes: float, now: Now) -> None:
        super().__init__(place="stage")
        self.takes, self.now = takes, now
        self.ends: dict[str, float] = {}
        self.at = plan.database.revision if plan.database is not None else BASE
        steps = (*plan.steps, *plan.way_back)
        self.changes = [
            (one.program, one.migration) for one in steps if isinstance(one, Hook) and one.migration is not None
        ]

    async def start(self, key: str, program: Program) -> None:
        if key not in self.begun:
            self.ends[key] = self.now() + self.takes
        await super().start(key, program)

    async def sight(self, key: str) -> Sighting:
        known = self.begun.get(key)
        if known is None:
            return Sighting(phase=Phase.NEVER, place=self.place)
        if known.phase is Phase.RUNNING and self.now() >= self.ends[key]:
            self.end(key)
            self._change(known.program)
        return Sighting(phase=known.phase, place=self.place, code=known.code)

    def _change(self, program: Program) -> None:
        for one, migration in self.changes:
            if one == program:
                self.at = migration.after

    async def revision(self, spec: DatabaseSpec) -> str:
        return self.at
