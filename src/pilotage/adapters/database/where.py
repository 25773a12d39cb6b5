"""At which revision a database is, read from itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

from pilotage.adapters.hooks import secrets
from pilotage.core.database import BASE, DatabaseSpec
from pilotage.errors import Problem
from pilotage.ports import DatabaseError

TABLES = {"alembic": ("alembic_version", "version_num"), "dbmate": ("schema_migrations", "version")}
_SECONDS = 5


def address(spec: DatabaseSpec) -> str:
    """DatabaseError when the reference leads nowhere."""
    try:
        return secrets.value(spec.url)
    except secrets.Unreadable as error:
        raise DatabaseError(
            _problem("secret", str(error), "set it for the worker and for your commands")
        ) from None


def dialect(url: str) -> str:
    """postgres or sqlite. DatabaseError for all others."""
    scheme = url.partition(":")[0].partition("+")[0]
    known = {"postgres": "postgres", "postgresql": "postgres", "sqlite": "sqlite", "sqlite3": "sqlite"}
    if scheme not in known:
        raise DatabaseError(
            _problem("scheme", f"{scheme}: is not a database that can be looked into", "sqlite, postgresql")
        )
    return known[scheme]


def applied(spec: DatabaseSpec) -> tuple[str, ...]:
    """What the tool has noted, in order: Alembic notes where it is, dbmate all that it has run."""
    url = address(spec)
    table, column = TABLES[spec.tool]
    query = f"SELECT {column} FROM {spec.table or table} ORDER BY {column}"
    if dialect(url) == "sqlite":
        return _sqlite(_path(url, spec), query)
    return _postgresql(url, query)


def revision(spec: DatabaseSpec) -> str:
    found = applied(spec)
    if spec.tool == "alembic" and len(found) > 1:
        what = f"the database is at several revisions at once: {', '.join(found)}"
        raise DatabaseError(_problem("several", what, "merge the branches first"))
    return found[-1] if found else BASE


def _path(url: str, spec: DatabaseSpec) -> str:
    """As the tool reads it: SQLAlchemy counts slashes (three: relative), dbmate takes a path."""
    rest = unquote(url.partition(":")[2].partition("?")[0])
    if spec.tool == "alembic":
        path = rest.removeprefix("///") if rest.startswith("///") else rest
    else:
        path = rest.removeprefix("//") if rest.startswith("///") else rest
    return f"/{path.lstrip('/')}" if path.startswith("/") else f"{spec.folder}/{path}"


def _sqlite(path: str, query: str) -> tuple[str, ...]:
    if not Path(path).exists():
        return ()  # the tool makes it when it first runs
    try:
        with closing(sqlite3.connect(f"{Path(path).as_uri()}?mode=ro", uri=True, timeout=_SECONDS)) as database:
            return tuple(str(row[0]) for row in database.execute(query))
    except sqlite3.Error as error:
        if "no such table" in str(error):
            return ()
        raise DatabaseError(_silent(str(error))) from None


def _postgresql(url: str, query: str) -> tuple[str, ...]:
    import psycopg

    plain = "postgresql" + url[url.index(":") :]
    try:
        with psycopg.connect(plain, connect_timeout=_SECONDS, application_name="pilotage") as database:
            database.read_only = True
            return tuple(str(row[0]) for row in database.execute(query.encode()))
    except psycopg.errors.UndefinedTable:
        return ()
    except psycopg.Error as error:
        raise DatabaseError(_silent(secrets.covered(str(error).strip()[:300], (url,)))) from None


def _silent(why: str) -> Problem:
    problem = _problem(
        "silent", "the database does not answer", "see whether it runs, and whether its address is right"
    )
    return problem.model_copy(update={"why": why})


def _problem(code: str, what: str, mend: str) -> Problem:
    return Problem(code=f"database.{code}", what=what, mend=mend)
