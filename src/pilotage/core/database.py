"""A database that is changed with a release: which tool changes it, where it is, and what a plan does to it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from pilotage.core.hooks import Reference
from pilotage.core.values import Frozen

BASE = "base"
"""The revision of a database to which nothing was ever done."""


class Phase(StrEnum):
    """When a change may be made. Each leaves both versions able to live, until the contraction."""

    EXPAND = "expand"
    """Before any user sees the new version: only adds."""
    MIGRATE = "migrate"
    """When everybody has the new version: fills what was added."""
    CONTRACT = "contract"
    """When the old version is gone: takes away what only that needed."""


class Revision(Frozen):
    """One change, as its file says."""

    id: str
    title: str = ""
    phase: Phase = Phase.EXPAND
    file: str
    """Absolute."""
    sha256: str
    reversible: bool
    """Whether it can be undone, with everything that was there before."""
    reviewed: bool = False
    """A person has looked at it: what is found dangerous is told, not refused."""
    atomic: bool = True
    """Whether it and its revision are written in one transaction."""


class DatabaseSpec(Frozen):
    """How the database is reached. The address is a reference: it may hold a password."""

    tool: Literal["alembic", "dbmate"]
    folder: str
    """Absolute: of the tool's configuration (alembic) or of the migrations (dbmate)."""
    url: Reference
    table: str
    """Where the tool keeps its revisions."""
    settings: dict[str, Any] = Field(default_factory=dict)


class DatabasePlan(Frozen):
    """What a plan does to the database, and where it found it."""

    spec: DatabaseSpec
    revision: str
    """At which the plan found it; the plan is void when it is elsewhere."""
    revisions: tuple[Revision, ...]
    """Still to be made, in order."""
    notes: tuple[str, ...] = ()
    """What a reader of the plan should know: locks, changes that cannot be undone."""

    def of(self, phase: Phase) -> tuple[Revision, ...]:
        return tuple(one for one in self.revisions if one.phase is phase)
