"""SQL that harms the version that still runs, or everybody while it runs.

Refused is what the old version cannot live with: tables and columns that go away or are renamed, values that it
does not write being demanded, types that hold less. Warned of is what holds up others on PostgreSQL
(https://www.postgresql.org/docs/15/explicit-locking.html, and the notes of ALTER TABLE and CREATE INDEX there).
What can not be read is not taken for harmless.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

LATER = "move it to a change of its own that is marked `contract`: it runs when no old version is left"
REVIEW = "write it as plain statements; or, when a person has looked at it, mark the file `reviewed`"
_HARMLESS = re.compile(
    r"(?:SET|RESET|BEGIN|START|COMMIT|ROLLBACK|COMMENT|GRANT|REVOKE|ANALYZE|PRAGMA|EXPLAIN|NOTIFY|"
    r"ALTER TABLE (?:IF EXISTS )?\S+ VALIDATE CONSTRAINT|ALTER TYPE \S+ ADD VALUE|CREATE)\b",
    re.I,
)
_WIDER = frozenset({"TEXT", "BIGINT", "BIGDECIMAL", "DOUBLE", "TIMESTAMPTZ"})
logging.getLogger("sqlglot").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Found:
    line: int
    """Of the text, from 1."""
    code: str
    what: str
    mend: str
    refused: bool
    words: str
    """The statement."""
    loses: bool = False
    """Whether data is gone afterwards."""


def dangers(sql: str, dialect: str) -> Iterator[Found]:
    """In the order of the text. ``dialect``: postgres or sqlite."""
    new: set[str] = set()
    try:
        statements = list(_statements(sql, dialect))
    except SqlglotError as error:
        what = f"this SQL can not be read: {_first(error)}"
        yield Found(1, "unreadable", what, REVIEW, refused=True, words=sql)
        return
    for line, text in statements:
        try:
            tree = sqlglot.parse_one(text, dialect=dialect)
        except SqlglotError as error:
            what = f"this can not be read: {_first(error)}"
            yield Found(line, "unreadable", what, REVIEW, refused=True, words=text)
            continue
        if isinstance(tree, exp.Create) and tree.kind == "TABLE":
            new.add(_name(tree.find(exp.Table)))
        if _name(tree.find(exp.Table)) in new and not isinstance(tree, exp.Drop):
            continue  # what was made just now holds nothing and nobody uses it
        for code, what, mend, refused, loses in _of(tree, text, dialect):
            yield Found(line, code, what, mend, refused, text, loses)


def _statements(sql: str, dialect: str) -> Iterator[tuple[int, str]]:
    begin: tuple[int, int] | None = None
    end = 0
    for token in sqlglot.tokenize(sql, dialect=dialect):
        if token.token_type is TokenType.SEMICOLON:
            if begin is not None:
                yield begin[0], sql[begin[1] : token.start]
            begin = None
            continue
        begin = begin or (token.line, token.start)
        end = token.end + 1
    if begin is not None:
        yield begin[0], sql[begin[1] : end]


_One = tuple[str, str, str, bool, bool]


def _of(tree: exp.Expr, text: str, dialect: str) -> Iterator[_One]:
    match tree:
        case exp.Drop():
            yield from _drop(tree, dialect)
        case exp.Alter():
            for action in tree.args.get("actions") or []:
                yield from _action(tree, action, dialect)
        case exp.Create() if tree.kind == "INDEX" and dialect == "postgres":
            if not tree.args.get("concurrently"):
                yield _lock(
                    "index", "building this index holds up all writes", "write CREATE INDEX CONCURRENTLY"
                )
        case exp.TruncateTable():
            yield _gone("empties", f"this empties {_name(tree.find(exp.Table))}")
        case exp.Delete() if not tree.args.get("where"):
            yield _gone("empties", f"this deletes everything in {_name(tree.find(exp.Table))}")
        case exp.Create() | exp.Insert() | exp.Update() | exp.Delete() | exp.Query() | exp.Transaction():
            return
        case exp.Commit() | exp.Rollback() | exp.Comment() | exp.Set() | exp.Pragma() | exp.Analyze():
            return
        case _ if _HARMLESS.match(text.strip()):
            return
        case exp.Command() if re.match(r"(?:LOCK|VACUUM\s+FULL|CLUSTER|REINDEX)\b", text.strip(), re.I):
            yield _lock("lock", "this holds up everybody who uses the table", "do without, or do it by hand")
        case exp.Command() if re.match(r"ALTER TABLE \S+ ADD (?:CONSTRAINT|CHECK)", text.strip(), re.I):
            yield _lock("constraint", *_CHECKS)
        case _:
            yield "unreadable", "nobody can say what this does", REVIEW, True, False


_CHECKS = ("checking all rows holds up all writes", "add it NOT VALID, and VALIDATE it in a change of its own")


def _drop(tree: exp.Drop, dialect: str) -> Iterator[_One]:
    kind, name = str(tree.kind).upper(), _name(tree.find(exp.Table))
    if kind in ("TABLE", "SCHEMA", "DATABASE"):
        yield _gone(f"drop-{kind.lower()}", f"this drops the {kind.lower()} {name}")
    elif kind == "VIEW":
        yield "drop-view", f"this drops the view {name}", LATER, True, False
    elif kind == "INDEX" and dialect == "postgres" and not tree.args.get("concurrently"):
        yield _lock("index", "dropping this index holds up everybody", "write DROP INDEX CONCURRENTLY")


def _action(tree: exp.Alter, action: exp.Expr, dialect: str) -> Iterator[_One]:
    table = _name(tree.this)
    match action:
        case exp.Drop() if str(action.kind).upper() == "COLUMN":
            yield _gone("drop-column", f"this drops the column {action.find(exp.Column)} of {table}")
        case exp.Drop():
            return
        case exp.RenameColumn():
            yield "rename", f"this renames the column {action.this.sql()} of {table}", _RENAME, True, False
        case exp.AlterRename():
            yield "rename", f"this renames the table {table}", _RENAME, True, False
        case exp.ColumnDef():
            yield from _column(action, table)
        case exp.AlterColumn():
            yield from _altered(action, table, dialect)
        case exp.AddConstraint():
            if dialect == "postgres" and not tree.args.get("not_valid"):
                yield _lock("constraint", *_CHECKS)
        case exp.Command() if str(action.this).upper() == "DROP":
            yield _gone("drop-column", f"this drops a column of {table}")
        case _:
            yield "unreadable", f"nobody can say what this does to {table}", REVIEW, True, False


_RENAME = f"add the new one, fill it, and {LATER.replace('move it to', 'drop the old one in')}"


def _column(column: exp.ColumnDef, table: str) -> Iterator[_One]:
    kinds = [one.kind for one in column.find_all(exp.ColumnConstraint)]
    demanded = any(
        isinstance(one, exp.NotNullColumnConstraint) and not one.args.get("allow_null") for one in kinds
    )
    given = (exp.DefaultColumnConstraint, exp.GeneratedAsIdentityColumnConstraint, exp.ComputedColumnConstraint)
    if demanded and not any(isinstance(one, given) for one in kinds):
        what = f"{table}.{column.name} may not be null and has no default: the old version can not write rows"
        mend = "add it with a DEFAULT, or as one that may be null, and demand it in a change marked `contract`"
        yield "not-null", what, mend, True, False


def _altered(column: exp.AlterColumn, table: str, dialect: str) -> Iterator[_One]:
    name = f"{table}.{column.name}"
    kind = column.args.get("dtype")
    if column.args.get("allow_null") is False:
        yield "not-null", f"{name} may not be null any more: the old version may write none", LATER, True, False
    elif kind is not None and not (
        kind.this.name in _WIDER or (kind.this.name == "VARCHAR" and not kind.expressions)
    ):
        yield "type", f"{name} becomes {kind.sql(dialect)}: it may hold less than before", LATER, True, True
    elif kind is not None and dialect == "postgres":
        yield _lock(
            "type", f"{name} becomes {kind.sql(dialect)}: all rows may be written anew", "do it by a new column"
        )
    elif column.args.get("drop"):
        what = f"{name} has no default any more: the old version may rely on it"
        yield "no-default", what, LATER, True, False


def _gone(code: str, what: str) -> _One:
    return code, what, LATER, True, True


def _lock(code: str, what: str, mend: str) -> _One:
    return f"lock-{code}" if not code.startswith("lock") else code, what, mend, False, False


def _name(table: exp.Expr | None) -> str:
    return table.sql().replace('"', "") if table is not None else "it"


def _first(error: SqlglotError) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().splitlines()[0][:200]
