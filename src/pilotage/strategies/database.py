"""Changes of a database are woven into the plan of any method: expand, migrate, contract.

Expanding comes before the first instance of the new version, migrating when everybody has it, contracting when
the old version is gone, and only when a person says so. The way back undoes what can be undone, when the new
version is gone; what can not be undone and what the old version can live with stays.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Literal

from pilotage.core.database import BASE, DatabasePlan, DatabaseSpec, Phase, Revision, Survey
from pilotage.core.hooks import WORK, Migration, Pinned, Program, Reference
from pilotage.core.plan import Plan
from pilotage.core.steps import Hook
from pilotage.core.values import Duration, Frozen
from pilotage.errors import ExitCode, PilotageError, Place, Problem
from pilotage.strategies.hooks import Moment, Placed, woven

NO_BACKUP: Literal["none"] = "none"


class Settings(Frozen):
    """How a database is changed, as the manifest says."""

    spec: DatabaseSpec
    timeout: Duration = timedelta(minutes=15)
    backup: tuple[str, ...] | Literal["none"] | None = None
    folder: str = "/"
    """Absolute: where the backup's command runs."""


def with_database(
    plan: Plan, settings: Settings, revision: str, survey: Survey, owed: tuple[str, ...] = ()
) -> Plan:
    """The plan with all changes that the folder holds and the database does not.

    ``owed``: contractions of the live version that were not made yet; they come first. PilotageError when
    something dangerous is not meant so, or when the changes stand in an order that leaves no way back.
    """
    changes = _Changes(plan, settings, revision, survey)
    pending = changes.pending(revision)
    refused = [one.problem for one in survey.dangers if one.refused and one.revision in {r.id for r in pending}]
    if refused and plan.old is not None:
        raise PilotageError(*refused, exit_code=ExitCode.BLOCKED)
    told = [one for one in survey.dangers if not one.refused and one.revision in {r.id for r in pending}]
    database = DatabasePlan(
        spec=settings.spec,
        revision=revision,
        revisions=pending,
        warnings=tuple(_warning(one.problem) for one in told),
    )
    return woven(plan.model_copy(update={"database": database}), changes.placed(pending, owed))


class _Changes:
    """Makes hooks of the changes of one plan."""

    def __init__(self, plan: Plan, settings: Settings, revision: str, survey: Survey) -> None:
        self._plan, self._settings, self._at, self._survey = plan, settings, revision, survey
        self._all = survey.revisions

    def pending(self, revision: str) -> tuple[Revision, ...]:
        known = [one.id for one in self._all]
        if revision == BASE:
            return self._all
        if revision not in known:
            raise PilotageError(_unknown(revision, self._settings.spec), exit_code=ExitCode.BLOCKED)
        return self._all[known.index(revision) + 1 :]

    def placed(self, pending: tuple[Revision, ...], owed: tuple[str, ...]) -> list[Placed]:
        if not pending:
            return []
        if self._plan.old is None:
            undo = self._undo(pending, self._at) if all(one.reversible for one in pending) else None
            hook = self._hook("create", pending, self._at, title="Make the database")
            return [Placed(moment=Moment.BEFORE_START, hook=hook, undo=undo)]
        first = tuple(one for one in pending[: len(owed)] if one.id in owed)
        rest = pending[len(first) :]
        if not rest:
            first, rest = (), first
        _in_order(rest)
        placed = self._owed(first)
        at = first[-1].id if first else self._at
        parts = {phase: tuple(one for one in rest if one.phase is phase) for phase in Phase}
        before = (*parts[Phase.EXPAND], *parts[Phase.MIGRATE])
        undo = self._undo(before, at) if before and all(one.reversible for one in before) else None
        for phase, moment in ((Phase.EXPAND, Moment.BEFORE_START), (Phase.MIGRATE, Moment.BEFORE_PROMOTION)):
            if parts[phase]:
                placed += self._saved(parts[phase], moment, person=False)
                placed.append(Placed(moment=moment, hook=self._hook(phase, parts[phase], at), undo=undo))
                at, undo = parts[phase][-1].id, None
        return placed + self._contraction(parts[Phase.CONTRACT], at)

    def _owed(self, owed: tuple[Revision, ...]) -> list[Placed]:
        """What the live version has left to be taken away: nobody needs it but versions before that one."""
        if not owed or self._plan.old is None:
            return []
        hook = self._hook(Phase.CONTRACT, owed, self._at, breaks=self._plan.old.id)
        saved = self._saved(owed, Moment.BEFORE_START, person=True, always=True)
        hook = hook.model_copy(update={"approval": not saved})
        return [*saved, Placed(moment=Moment.BEFORE_START, hook=hook)]

    def _contraction(self, contract: tuple[Revision, ...], at: str) -> list[Placed]:
        if not contract:
            return []
        reversible = all(one.reversible for one in contract)
        saved = self._saved(contract, Moment.AT_THE_END, person=True)
        hook = self._hook(Phase.CONTRACT, contract, at, breaks=self._plan.new.id)
        hook = hook.model_copy(update={"approval": not saved, "reversible": reversible})
        undo = self._undo(contract, at, undoes=hook.name) if reversible else None
        return [*saved, Placed(moment=Moment.AT_THE_END, hook=hook, undo=undo)]

    def _saved(
        self, changes: tuple[Revision, ...], moment: Moment, *, person: bool, always: bool = False
    ) -> list[Placed]:
        """A restore point before what cannot be undone and leaves no old version alive."""
        contracts = changes[0].phase is Phase.CONTRACT and not all(one.reversible for one in changes)
        if not (always or contracts or any(one.irreversible for one in changes)):
            return []
        backup = self._settings.backup
        if backup is None:
            raise PilotageError(_no_backup(changes), exit_code=ExitCode.BLOCKED)
        if backup == NO_BACKUP:
            return []
        program = self._program((backup,), (), folder=self._settings.folder)
        hook = Hook(
            name=f"restore-point-{changes[0].id}",
            title=f"Make a restore point before {changes[0].id}",
            program=program,
            repeatable=True,
            attempts=2,
            approval=person,
        )
        return [Placed(moment=moment, hook=hook)]

    def _hook(
        self, phase: str, changes: tuple[Revision, ...], at: str, *, breaks: str | None = None, title: str = ""
    ) -> Hook:
        last = changes[-1].id
        verb = title or f"{str(phase).capitalize()} the database"
        if any(one.irreversible for one in changes) and self._plan.old is not None:
            breaks = breaks or self._plan.new.id
        return Hook(
            name=f"{phase}-{last}",
            title=f"{verb}: {at} → {last}",
            program=self._up(changes),
            migration=Migration(
                before=at, revisions=tuple(one.id for one in changes), atomic=all(one.atomic for one in changes)
            ),
            breaks=breaks,
        )

    def _undo(self, changes: tuple[Revision, ...], at: str, undoes: str | None = None) -> Hook:
        """Back to exactly the revision before; how far it had come does not matter."""
        ids = [one.id for one in changes]
        return Hook(
            name=f"undo-{ids[-1]}",
            title=f"Take the database back: {ids[-1]} → {at}",
            program=self._down(changes, at),
            migration=Migration(
                before=ids[-1],
                revisions=(*reversed(ids[:-1]), at),
                atomic=all(one.atomic for one in changes),
            ),
            undoes=undoes,
        )

    def _up(self, changes: tuple[Revision, ...]) -> Program:
        last = changes[-1].id
        if self._settings.spec.tool == "alembic":
            return self._program((self._alembic("upgrade", last),), self._survey.files)
        upto = [one.id for one in self._all].index(last) + 1
        return self._program((self._dbmate("migrate"),), self._pinned(self._all[:upto]))

    def _down(self, changes: tuple[Revision, ...], at: str) -> Program:
        """dbmate takes back one at a time, and never what it has no file of: no further than this."""
        if self._settings.spec.tool == "alembic":
            return self._program((self._alembic("downgrade", at),), self._survey.files)
        return self._program((self._dbmate("rollback"),) * len(changes), self._pinned(changes))

    def _alembic(self, *words: str) -> tuple[str, ...]:
        return ("alembic", "-c", f"{self._settings.spec.folder}/alembic.ini", *words)

    def _dbmate(self, verb: str) -> tuple[str, ...]:
        spec = self._settings.spec
        table = ("--migrations-table", spec.table) if spec.table else ()
        words = ("--env", spec.variable, "--env-file", "", "--no-dump-schema", *table)
        return ("dbmate", *words, "--migrations-dir", WORK, verb)

    def _pinned(self, changes: tuple[Revision, ...]) -> tuple[Pinned, ...]:
        files = {one.file for one in changes}
        return tuple(one for one in self._survey.files if one.path in files)

    def _program(
        self, commands: tuple[tuple[str, ...], ...], files: tuple[Pinned, ...], folder: str | None = None
    ) -> Program:
        spec = self._settings.spec
        variables: dict[str, str | Reference] = {spec.variable: spec.url}
        return Program(
            commands=commands,
            folder=folder or spec.folder,
            environment=variables,
            timeout=self._settings.timeout,
            files=files,
        )


def _in_order(changes: tuple[Revision, ...]) -> None:
    order = list(Phase)
    for before, after in pairwise(changes):
        if order.index(after.phase) < order.index(before.phase):
            raise PilotageError(_wrong_order(before, after), exit_code=ExitCode.BLOCKED)


def _wrong_order(before: Revision, after: Revision) -> Problem:
    return Problem(
        code="database.order",
        what=f"{after.id} ({after.phase.value}) stands after {before.id} ({before.phase.value})",
        why="changes are made in the order of the files: expand, migrate, contract",
        mend=f"release up to {before.id} by itself first, or give {after.id} its place before it",
        where=Place(file=after.file),
    )


def _unknown(revision: str, spec: DatabaseSpec) -> Problem:
    return Problem(
        code="database.unknown-revision",
        what=f"the database is at {revision}, which {spec.folder} does not hold",
        why="a newer version, or somebody else, has changed it",
        mend="release a version whose migrations hold it",
    )


def _no_backup(changes: tuple[Revision, ...]) -> Problem:
    return Problem(
        code="database.no-backup",
        what=f"{changes[-1].id} can not be undone, and nothing is saved before it",
        mend="add `database.backup` with a command that makes a restore point; or, if there is another way to "
        "get the data back, `backup: none`",
        where=Place(file=changes[-1].file),
    )


def _warning(problem: Problem) -> str:
    where = problem.where
    spot = f"{where.file.rsplit('/', 1)[-1]}:{where.line}: " if where is not None else ""
    return f"{spot}{problem.what} ({problem.mend})"
