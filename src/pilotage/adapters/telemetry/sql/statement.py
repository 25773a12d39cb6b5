"""The query with its parameters, and what its rows mean. Pure.

Parameters are written ``:version`` for every database. Values are bound by the database's own means: they are
never part of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pilotage.adapters.telemetry.book import Found
from pilotage.adapters.telemetry.ledger import Sample
from pilotage.adapters.telemetry.placeholders import OF_ONE, of_one
from pilotage.core.release import Release
from pilotage.core.telemetry import Watched

_PARTS = re.compile(
    r"""(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|::)"""
    r"|:(?P<name>" + "|".join(OF_ONE) + r")\b",
    re.DOTALL,
)


@dataclass(frozen=True)
class Table:
    """An answer: the names of its columns, and its first rows."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def parameters(query: str) -> set[str]:
    return {part["name"] for part in _PARTS.finditer(query) if part["name"]}


def for_psycopg(query: str) -> str:
    """``:version`` as ``%(version)s``, and every other % doubled."""
    written, done = [], 0
    for part in _PARTS.finditer(query):
        before = query[done : part.start()] + (part["text"] or "")
        written += [before.replace("%", "%%"), f"%({part['name']})s" if part["name"] else ""]
        done = part.end()
    return "".join([*written, query[done:].replace("%", "%%")])


def values(query: str, watched: Watched, release: Release) -> dict[str, str]:
    """Of the parameters that the query has."""
    known = of_one(watched, release)
    return {name: known[name] for name in sorted(parameters(query))}


def of_version(table: Table, column: str, watched: Watched, release: Release) -> Table:
    """The rows of one version, or of one variant. Without the column: none, and ``found`` tells."""
    if column not in table.columns:
        return Table(table.columns, ())
    place = table.columns.index(column)
    variant = watched.variant(release)
    names = (release.version, release.id) if variant is None else (variant,)
    mine = tuple(row for row in table.rows if row[place] in names)
    return Table(table.columns, mine)


def found(
    table: Table, counters: Sequence[str], gauges: Sequence[str], mark: str, now: float, notes: list[str]
) -> Found:
    """What the single row says. ``mark`` tells the versions' series apart, also in the notes."""
    if len(table.rows) > 1:
        notes.append(f"{mark}: more than one row where one was meant: not known which one counts")
        return Found()
    if not table.rows:
        return Found({name: [] for name in counters})
    row = dict(_named(table, notes))

    def samples(names: Sequence[str]) -> Mapping[str, list[Sample]]:
        made: dict[str, list[Sample]] = {}
        for name in names:
            value = _number(row, name, mark, notes)
            made[name] = [] if value is None else [Sample(frozenset({("row", mark)}), now, (value,))]
        return made

    return Found(counters=samples(counters), gauges=samples(gauges))


def _named(table: Table, notes: list[str]) -> Iterator[tuple[str, Any]]:
    for name, value in zip(table.columns, table.rows[0], strict=True):
        if table.columns.count(name) > 1:
            notes.append(f"two columns are called {name}: left out")
        else:
            yield name, value


def _number(row: Mapping[str, Any], name: str, mark: str, notes: list[str]) -> float | None:
    """NULL is not known; a sum over no rows is NULL, ``coalesce(sum(…), 0)`` is not."""
    if name not in row:
        notes.append(f"the answer has no column {name}")
        return None
    value = row[name]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        notes.append(f"{name} of {mark} is no number: left out")
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf")
