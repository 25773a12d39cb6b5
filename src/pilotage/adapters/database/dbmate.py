"""dbmate's folder: ``20260101_name.sql``, with ``-- migrate:up`` and ``-- migrate:down``."""

from __future__ import annotations

import re
from pathlib import Path

from pilotage.adapters.database.marks import marks
from pilotage.adapters.database.script import Script
from pilotage.errors import Place, Problem
from pilotage.ports import DatabaseError

_NAME = re.compile(r"(\d+)_?(.*)\.sql")
_SECTION = re.compile(r"^--\s*migrate:(up|down)\b(.*)$", re.M)


def scripts(folder: Path) -> list[Script]:
    """In the order in which dbmate runs them. DatabaseError when there is none, or one that does nothing."""
    found = [path for path in sorted(folder.glob("*.sql")) if _NAME.fullmatch(path.name)]
    if not found:
        what = f"there are no migrations in {folder}"
        mend = "dbmate's files are named like 20260101120000_add_mail.sql; see `database.folder`"
        raise DatabaseError(Problem(code="database.no-migrations", what=what, mend=mend))
    return [_script(path) for path in found]


def _script(path: Path) -> Script:
    text = path.read_text(encoding="utf-8")
    name = _NAME.fullmatch(path.name)
    assert name is not None
    sections = {match[1]: match for match in _SECTION.finditer(text)}
    if "up" not in sections:
        what, mend = "there is no `-- migrate:up` in this file", "write it above what the change does"
        where = Place(file=str(path), line=1)
        raise DatabaseError(Problem(code="database.no-up", what=what, mend=mend, where=where))
    begin = sections["up"].end()
    down = sections.get("down")
    end = down.start() if down is not None and down.start() > begin else len(text)
    before = text.count("\n", 0, begin)
    return Script(
        id=name[1],
        title=name[2].replace("_", " "),
        file=str(path),
        text=text,
        marks=marks(text, str(path)),
        undo=down is not None and bool(_bare(text[down.end() :])),
        whole="transaction:false" not in sections["up"][2],
        sql=text[begin:end],
        line_of=lambda line, _: before + line,
    )


def _bare(sql: str) -> str:
    return re.sub(r"--.*", "", sql).strip()
