"""What to tell a person about each way in which a state file can fail. No sqlite3 error leaves this room."""

from __future__ import annotations

import errno
import os
import sqlite3
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from pilotage.errors import Problem
from pilotage.ports import Conflict, StoreError

NEARLY_FULL = 256 * 1024
"""With less room than this (bytes), an input/output error is a full disk: SQLite calls some of them so."""

_TOLD = {
    "store.full": (
        "There is no room left for {path}",
        "Make room on its disk; Pilotage goes on by itself, nothing that was recorded is lost",
    ),
    "store.read-only": (
        "{path} cannot be written",
        "Give this user write permission on the file and its folder, or use another state folder",
    ),
    "store.corrupt": (
        "{path} is damaged, or is no state file of Pilotage",
        "Keep the file, and put a backup in its place (docs/state.md); what runs goes on running meanwhile",
    ),
    "store.busy": (
        "{path} was locked by another process for too long",
        "See which process holds it (`fuser -v {path}`); a stopped or hanging one must go on or end",
    ),
    "store.cannot-open": (
        "{path} cannot be opened",
        "See that its folder exists and that this user may enter, read and write it",
    ),
    "store.disk": (
        "The disk under {path} refused to read or write",
        "Look for a full quota, a file size limit, a lost network disk or a failing disk; then try again",
    ),
    "store.failed": (
        "{path} could not be used",
        "This is a fault in Pilotage or in its state file; please report it with the words above",
    ),
}

_CODES = {
    sqlite3.SQLITE_FULL: "store.full",
    sqlite3.SQLITE_READONLY: "store.read-only",
    sqlite3.SQLITE_PERM: "store.read-only",
    sqlite3.SQLITE_CORRUPT: "store.corrupt",
    sqlite3.SQLITE_NOTADB: "store.corrupt",
    sqlite3.SQLITE_BUSY: "store.busy",
    sqlite3.SQLITE_LOCKED: "store.busy",
    sqlite3.SQLITE_CANTOPEN: "store.cannot-open",
    sqlite3.SQLITE_IOERR: "store.disk",
}


def told(error: sqlite3.Error, path: Path) -> StoreError:
    """The same as a StoreError, with the cause and the way out."""
    return _store_error(_code(error, path), path, str(error))


def is_busy(error: sqlite3.Error) -> bool:
    return _primary(error) == sqlite3.SQLITE_BUSY


def _store_error(code: str, path: Path, why: str) -> StoreError:
    what, mend = _TOLD[code]
    return StoreError(Problem(code=code, what=what.format(path=path), why=why, mend=mend.format(path=path)))


def _primary(error: sqlite3.Error) -> int:
    """SQLite's primary result code; the extended one has the detail in its higher bits."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _code(error: sqlite3.Error, path: Path) -> str:
    code = _CODES.get(_primary(error), "store.failed")
    if code in ("store.disk", "store.cannot-open") and _room(path.parent) < NEARLY_FULL:
        return "store.full"
    if code == "store.cannot-open" and path.exists() and not os.access(path.parent, os.W_OK):
        return "store.read-only"
    return code


def _room(folder: Path) -> int:
    """Free bytes for this user; plenty when that cannot be known."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return NEARLY_FULL
    return disk.f_bavail * disk.f_frsize


def cannot_make(path: Path, error: OSError) -> StoreError:
    """The folder or the file cannot be created."""
    codes = {
        errno.ENOSPC: "store.full",
        errno.EDQUOT: "store.full",
        errno.EROFS: "store.read-only",
        errno.EACCES: "store.read-only",
        errno.EPERM: "store.read-only",
    }
    code = codes.get(error.errno or 0, "store.cannot-open")
    return _store_error(code, path, error.strerror or str(error))


def not_a_file(path: Path) -> StoreError:
    return StoreError(
        Problem(
            code="store.not-a-file",
            what=f"{path} is not a file",
            why="The history is kept in one file of this name",
            mend="Move it away, or use another state folder",
        )
    )


def foreign(path: Path) -> StoreError:
    return _store_error("store.corrupt", path, "it is another program's SQLite database")


def no_shared_memory(path: Path) -> StoreError:
    why = "this file system cannot share memory between processes (SQLite's write-ahead log needs it)"
    return _store_error("store.cannot-open", path, why)


def newer(path: Path, found: int, known: int) -> StoreError:
    return StoreError(
        Problem(
            code="store.newer",
            what=f"{path} was written by a newer Pilotage",
            why=f"its schema is {found}, this version knows up to {known}; it was left untouched",
            mend="Use the newer Pilotage, or put back the backup that was made before it",
        )
    )


def gone(path: Path) -> StoreError:
    return StoreError(
        Problem(
            code="store.gone",
            what=f"{path} was removed or replaced while it was in use",
            why="what would be written now would be lost",
            mend="Stop every Pilotage process before the state folder is moved or restored, then start again",
        )
    )


def unreadable(what: str, error: ValidationError) -> StoreError:
    """``what`` names the record. The record's own values are left out: they may hold secrets."""
    first = error.errors(include_input=False, include_url=False)[0]
    return StoreError(
        Problem(
            code="store.unreadable",
            what=f"{what} cannot be read by this version of Pilotage",
            why=f"{'.'.join(map(str, first['loc']))}: {first['msg']}",
            mend="Use the version that wrote it, or a newer one",
        )
    )


def unknown_rollout(id: str, known: list[str]) -> StoreError:
    near = get_close_matches(id, known, n=3)
    return StoreError(
        Problem(
            code="rollout.unknown",
            what=f"There is no rollout {id}",
            mend=f"Did you mean {' or '.join(near)}?" if near else "See `pilotage history`",
        )
    )


def ended(id: str, status: str) -> Conflict:
    return Conflict(
        Problem(
            code="rollout.ended",
            what=f"{id} has ended ({status}): it hears nothing any more",
            mend="`pilotage rollback` takes a finished release back",
        )
    )


def unfinished(id: str) -> Conflict:
    what = f"{id} has not ended: nothing of it is forgotten"
    return Conflict(Problem(code="rollout.unfinished", what=what, mend="`pilotage status` shows where it is"))


def unheard(id: str) -> Conflict:
    what = f"{id} would end without having heard its last message"
    return Conflict(Problem(code="store.conflict", what=what, mend="Read it again and decide again"))
