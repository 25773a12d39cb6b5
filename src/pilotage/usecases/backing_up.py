"""A backup: one file with all that a store keeps, the same for every database.

JSON, a row a line, compressed with gzip. The first line says what it is and who wrote it, the last one how many
rows there are, and the SHA-256 of all lines before it: half a file is no backup. What was in SQLite can be put
back into PostgreSQL, and the other way round.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from pilotage import __version__
from pilotage.core.environment import Environment, Glance
from pilotage.core.events import Message
from pilotage.core.evidence import Statement
from pilotage.core.judging import Snapshot
from pilotage.core.keeping import TABLES, Row, histories, tables
from pilotage.core.readiness import Tick
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.ports import Store, Vault

FORMAT = "pilotage backup"
VERSION = 1
"""Raised when an older version could not read it."""
_MODELS: dict[str, type[BaseModel]] = {
    "messages": Message,
    "environments": Environment,
    "ticks": Tick,
    "statements": Statement,
    "snapshots": Snapshot,
    "glances": Glance,
}
_STEP = 10_000

Say = Callable[[int], None]
"""Hears now and then how many rows are done."""


@dataclass(frozen=True)
class Contents:
    """What is in a backup."""

    made: str
    pilotage: str
    """The version that wrote it."""
    rollouts: int
    unfinished: tuple[str, ...]
    """Rollouts that go on when it is put back."""
    rows: dict[str, int]


def write(rows: Iterable[Row], path: Path, made: datetime, say: Say = lambda _: None) -> dict[str, int]:
    """How many rows of which table. PilotageError when it can not be written whole; then there is no file."""
    if path.exists():
        raise _refused("exists", f"{path} is there already", "name another file: no backup is overwritten")
    part = path.with_name(path.name + ".part")
    try:
        with open(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
            counts = _written(rows, file, made, say)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        mend = "make room, or name a file where it can be written"
        raise _refused(
            "unwritable", f"{path} can not be written", mend, error.strerror or str(error)
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return counts


def _written(rows: Iterable[Row], file: Any, made: datetime, say: Say) -> dict[str, int]:
    counts: Counter[str] = Counter()
    sum_ = hashlib.sha256()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6) as packed:

        def line(value: object) -> None:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            sum_.update(text)
            packed.write(text)

        line({"format": FORMAT, "version": VERSION, "pilotage": __version__, "made": made.isoformat()})
        for row in rows:
            line([row.table, *row.values])
            counts[row.table] += 1
            if counts.total() % _STEP == 0:
                say(counts.total())
        line({"rows": dict(counts), "sha256": sum_.hexdigest()})
    return dict(counts)


def rows_of(path: Path) -> Iterator[Row]:
    """As they are read. PilotageError at whatever is not as it was written."""
    for value in _values(path):
        if isinstance(value, list):
            yield Row(str(value[0]), tuple(value[1:]))


def check(path: Path, say: Say = lambda _: None) -> Contents:
    """Reads all of it: whole, unchanged, every history folded. PilotageError, and nothing is touched."""
    header = _whole(path)
    counts: Counter[str] = Counter()
    unfinished: list[str] = []
    known: set[str] = set()

    def counted() -> Iterator[Row]:
        for row in rows_of(path):
            counts[row.table] += 1
            if counts.total() % _STEP == 0:
                say(counts.total())
            yield row

    try:
        for table, rows in tables(counted()):
            if table == "events":
                for state, _, _ in histories(rows):
                    known.add(state.id)
                    if not state.status.final:
                        unfinished.append(state.id)
            else:
                for row in rows:
                    _check_row(row, known)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise _unreadable(path, header, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise _unreadable(path, header, str(error)) from error
    return Contents(header["made"], header["pilotage"], len(known), tuple(unfinished), dict(counts))


async def put_back(
    store: Store, vault: Vault, path: Path, now: datetime, folder: Path, *, replace: bool
) -> Path | None:
    """Puts in a backup that was checked; what was there is kept in a file in ``folder``, which is returned.

    Nobody may work on it meanwhile.
    """
    kept = None
    if replace and await store.environments():
        kept = folder / f"replaced-{now:%Y%m%d-%H%M%S-%f}.backup"
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write(vault.everything(), kept, now)
    await vault.put_everything(lambda: rows_of(path), replace=replace)
    return kept


def _whole(path: Path) -> dict[str, Any]:
    """The header, once all was read and its checksum is right."""
    values = _values(path)
    header: dict[str, Any] = next(values)
    for _ in values:
        pass
    return header


def _check_row(row: Row, known: set[str]) -> None:
    body = str(row.values[-1])
    if row.table == "messages" and row.values[0] not in known:
        raise ValueError(f"a message to {row.values[0]}, of which there is no history")
    if model := _MODELS.get(row.table):
        model.model_validate_json(body)
    else:
        json.loads(body)


def _values(path: Path) -> Iterator[Any]:
    """The header, the rows, and at the end it is certain that they are all and unchanged."""
    sum_, counts = hashlib.sha256(), Counter[str]()
    ended = False
    try:
        with gzip.open(path, "rb") as lines:
            for number, text in enumerate(lines):
                value = json.loads(text)
                if number == 0:
                    _check_header(path, value)
                    yield value
                elif isinstance(value, list):
                    if ended or value[0] not in TABLES or len(value) != len(TABLES[value[0]]) + 1:
                        raise ValueError(f"line {number + 1} is no row")
                    counts[value[0]] += 1
                    yield value
                elif ended or value != {"rows": dict(counts), "sha256": sum_.hexdigest()}:
                    raise ValueError("its checksum is another one")
                else:
                    ended = True
                sum_.update(text)
    except FileNotFoundError as error:
        raise _refused(
            "missing", f"there is no file {path}", "name a file that `pilotage backup` wrote"
        ) from error
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, str(error)) from error
    if not ended:
        raise _damaged(path, "its end is missing")


def _check_header(path: Path, header: Any) -> None:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise _refused(
            "foreign", f"{path} is no backup of Pilotage", "name a file that `pilotage backup` wrote"
        )
    if header["version"] > VERSION:
        why = f"its format is {header['version']}, this version knows up to {VERSION}"
        mend = f"use Pilotage {header['pilotage']} or newer"
        raise _refused("newer", f"{path} was written by a newer Pilotage", mend, why)


def _damaged(path: Path, why: str) -> PilotageError:
    mend = "use another backup, or copy it again from where it was kept; nothing was changed"
    return _refused("damaged", f"{path} is damaged or not whole", mend, why)


def _unreadable(path: Path, header: dict[str, Any], why: str) -> PilotageError:
    mend = f"use Pilotage {header['pilotage']}, which wrote it, or a newer one; nothing was changed"
    return _refused("unreadable", f"{path} has a record that this version can not read", mend, why)


def _refused(code: str, what: str, mend: str, why: str | None = None) -> PilotageError:
    problem = Problem(code=f"backup.{code}", what=what, why=why, mend=mend)
    return PilotageError(problem, exit_code=ExitCode.FAILED)
