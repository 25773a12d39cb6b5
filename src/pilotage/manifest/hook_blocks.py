"""Hooks and the database as the manifest writes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pilotage.core.hooks import Program, Reference
from pilotage.core.notation import DurationText
from pilotage.core.values import Frozen
from pilotage.manifest import words
from pilotage.manifest.words import refuse
from pilotage.strategies.hooks import Moment

_ZERO = timedelta(0)
_TIMEOUT: timedelta = Program.model_fields["timeout"].default
HookName = Annotated[
    str, words.Spelled(words.NAME, "a hook's name", "lower-case letters, digits and - only, at most 40", "name")
]

TableName = Annotated[
    str, words.Spelled(r"[A-Za-z_][A-Za-z0-9_.]*", "a table's name", "letters, digits, _ and . only", "name")
]


class ReferenceBlock(Frozen):
    """Where a value is that has no place in a manifest: exactly one of two."""

    env: (
        Annotated[str, words.Spelled(r"[A-Z_][A-Z0-9_]*", "a variable's name", "capitals, digits and _ only")]
        | None
    ) = Field(default=None, description="A variable, where the worker runs.", examples=["DATABASE_URL"])
    file: Annotated[str, words.Spelled(r"/.+", "an absolute path", "it begins with /", "path")] | None = Field(
        default=None, description="A file, by its absolute path.", examples=["/run/secrets/database-url"]
    )

    @model_validator(mode="after")
    def _one(self) -> ReferenceBlock:
        if (self.env is None) == (self.file is None):
            refuse("reference", "a reference is exactly one of env and file", "keep one of them")
        return self

    def reference(self) -> Reference:
        return Reference(env=self.env, file=self.file)


class HookBlock(Frozen):
    """A program that is run once in a rollout."""

    name: HookName = Field(description="Its name, unique.", examples=["warm-caches"])
    when: Moment = Field(description="At which moment of the rollout.")
    command: words.Command = Field(
        description="A list of words, or one text that is split like a shell would (no shell runs); in the "
        "manifest's folder."
    )
    environment: dict[words.Variable, str] = Field(
        default_factory=dict, description="Variables. Values are texts. No secrets."
    )
    references: dict[words.Variable, ReferenceBlock] = Field(
        default_factory=dict, description="Variables whose values are read when it runs, and written nowhere."
    )
    timeout: DurationText = Field(
        default=_TIMEOUT, gt=_ZERO, description="After so long it is ended, and has failed."
    )
    repeatable: words.Truth = Field(
        default=False,
        description="Whether it does no harm when it is run twice; if not, and nobody saw how it ended, a "
        "person is asked.",
    )
    attempts: words.Whole = Field(
        default=1, ge=1, le=20, description="How often a repeatable one is tried before it has failed."
    )
    check: words.Command | None = Field(
        default=None, description="A quick program that says whether it was done: exit code 0 yes, 1 no."
    )
    undo: words.Command | None = Field(
        default=None,
        description="Takes it back, when the old version serves everybody again; it must bear being run twice, "
        "and after half of the work.",
    )
    approval: words.Truth = Field(
        default=False, description="Whether it waits for a person (`pilotage promote`) before it begins."
    )

    @model_validator(mode="after")
    def _tries(self) -> HookBlock:
        if self.attempts > 1 and not self.repeatable:
            refuse("hook", "only what is repeatable can be tried more than once", "add `repeatable: true`")
        return self


class DatabaseBlock(Frozen):
    """How the database is changed with a release."""

    tool: Literal["alembic", "dbmate"] = Field(description="What makes the changes.")
    folder: words.FilePath = Field(
        default="migrations",
        description="Relative to the manifest; may hold {version}. alembic: where alembic.ini is; dbmate: "
        "where the .sql files are.",
    )
    url: ReferenceBlock = Field(description="Where the database is: an address, as the tool writes it.")
    variable: words.Variable = Field(
        default="DATABASE_URL", description="The variable in which the tool finds the address."
    )
    table: TableName | None = Field(
        default=None,
        description="Where the tool keeps its revision, if not in alembic_version or schema_migrations.",
    )
    timeout: DurationText = Field(
        default=_TIMEOUT, gt=_ZERO, description="After so long a change is ended, and has failed."
    )
    backup: words.Command | None = Field(
        default=None,
        description="Makes a restore point before what cannot be undone, with the address in `variable`; "
        "`none`: there is another way to get the data back.",
    )
