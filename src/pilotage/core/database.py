"""A database that is changed with a release: which tool changes it, where it is, and what a plan does to it."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pilotage.core.hooks import Pinned, Reference
from pilotage.core.values import Frozen
from pilotage.errors import Problem

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
    reversible: bool
    """Whether it can be undone, with everything that was there before."""
    irreversible: bool = False
    """Its file says that no version before can live with it."""
    atomic: bool = True
    """Whether it and its revision are written in one transaction."""


class DatabaseSpec(Frozen):
    """How the database is reached. The address is a reference: it may hold a password."""

    tool: Literal["alembic", "dbmate"]
    folder: str
    """Absolute: of the tool's configuration (alembic) or of the migrations (dbmate)."""
    url: Reference
    variable: str = "DATABASE_URL"
    """In which the tool finds the address."""
    table: str | None = None
    """Where the tool keeps its revisions, if not where it does by itself."""


class Danger(Frozen):
    """Something in a change that may harm."""

    revision: str
    refused: bool
    """Whether nothing is started because of it; else it is told."""
    problem: Problem


class Survey(Frozen):
    """All changes that a folder holds, in order, what is dangerous in them, and the files they are made of."""

    revisions: tuple[Revision, ...]
    dangers: tuple[Danger, ...] = ()
    files: tuple[Pinned, ...] = ()


class DatabasePlan(Frozen):
    """What a plan does to the database, and where it found it."""

    spec: DatabaseSpec
    revision: str
    """At which the plan found it; the plan is void when it is elsewhere."""
    revisions: tuple[Revision, ...]
    """Still to be made, in order."""
    warnings: tuple[str, ...] = ()
    """What a reader of the plan should know: locks, changes that cannot be undone."""
