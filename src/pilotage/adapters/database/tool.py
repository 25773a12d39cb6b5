"""A database behind Alembic or dbmate: where it is, and what its folder would do to it."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from pilotage.adapters.database import alembic, dbmate, where
from pilotage.adapters.database.script import Script
from pilotage.core.database import Danger, DatabaseSpec, Phase, Revision, Survey
from pilotage.core.hooks import Pinned
from pilotage.errors import Place, Problem
from pilotage.ports import DatabaseError


class ToolDatabase:
    """Whichever database a spec names; keeps nothing."""

    async def revision(self, spec: DatabaseSpec) -> str:
        return await asyncio.to_thread(where.revision, spec)

    async def survey(self, spec: DatabaseSpec) -> Survey:
        return await asyncio.to_thread(_survey, spec)


def _survey(spec: DatabaseSpec) -> Survey:
    # The parser of SQL costs a tenth of a second to import.
    from pilotage.adapters.database.danger import dangers

    url = where.address(spec)
    dialect, folder = where.dialect(url), Path(spec.folder)
    try:
        if spec.tool == "alembic":
            scripts = alembic.scripts(folder, {spec.variable: url})
        else:
            scripts = dbmate.scripts(folder)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        what = f"the migrations in {folder} can not be read"
        raise DatabaseError(Problem(code="database.unreadable", what=what, why=why)) from error
    revisions, found = [], []
    for script in scripts:
        seen = list(dangers(script.sql, dialect)) if script.sql is not None else []
        loses = script.sql is None or any(one.loses for one in seen)
        atomic = script.whole and not (spec.tool == "alembic" and dialect == "sqlite")
        revisions.append(_revision(script, loses=loses, atomic=atomic))
        for one in seen:
            code = one.code if one.code.startswith("lock") else f"destructive.{one.code}"
            line = script.line_of(one.line, one.words)
            if not (one.refused and script.marks.phase is Phase.CONTRACT):  # that is what it is for
                found.append(_danger(script, code, one.what, one.mend, line, refused=one.refused))
        if script.sql is None:
            what = "what this change does can not be shown as SQL"
            mend = "make `alembic upgrade --sql` work for it; or, when a person has looked, mark it `reviewed`"
            found.append(
                _danger(script, "destructive.unreadable", what, mend, 1, refused=True, why=script.unreadable)
            )
    return Survey(revisions=tuple(revisions), dangers=tuple(found), files=_files(spec, folder, scripts))


def _revision(script: Script, *, loses: bool, atomic: bool) -> Revision:
    marks = script.marks
    kept = marks.phase is not Phase.CONTRACT or not loses or marks.reversible
    return Revision(
        id=script.id,
        title=script.title,
        phase=marks.phase,
        file=script.file,
        reversible=script.undo and kept and not marks.irreversible,
        irreversible=marks.irreversible,
        atomic=atomic,
    )


def _danger(
    script: Script, code: str, what: str, mend: str, line: int, *, refused: bool, why: str | None = None
) -> Danger:
    """Told only, when a person has looked at it, or when it takes away what it may."""
    text = script.text.splitlines()[line - 1] if 0 < line <= len(script.text.splitlines()) else None
    column = len(text) - len(text.lstrip()) + 1 if text else None
    place = Place(
        file=script.file, line=line, column=column, length=len(text.strip()) if text else 1, text=text
    )
    meant = script.marks.phase is Phase.CONTRACT or script.marks.reviewed
    problem = Problem(code=f"database.{code}", what=what, why=why or None, mend=mend, where=place)
    return Danger(revision=script.id, refused=refused and not meant, problem=problem)


def _files(spec: DatabaseSpec, folder: Path, scripts: list[Script]) -> tuple[Pinned, ...]:
    paths = [Path(script.file) for script in scripts]
    if spec.tool == "alembic":
        paths += [folder / alembic.INI, alembic.versions_folder(folder).parent / "env.py"]
    found = [(path, path.read_bytes()) for path in paths if path.is_file()]
    return tuple(Pinned(path=str(path), sha256=hashlib.sha256(text).hexdigest()) for path, text in found)
