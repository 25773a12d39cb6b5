"""What to tell a person about each way in which the database can fail. No error of psycopg leaves this room."""

from __future__ import annotations

import psycopg

from pilotage.errors import Problem
from pilotage.ports import StoreError
from pilotage.store.postgresql.server import Server

_TOLD = {
    "store.unreachable": (
        "{server} can not be reached",
        "See whether it runs and may be reached from here; Pilotage goes on by itself when it can",
    ),
    "store.refused": (
        "{server} lets us not in",
        "See user, password (PGPASSWORD, PGPASSFILE) and database, and what its pg_hba.conf allows",
    ),
    "store.not-allowed": (
        "The user that we are in {server} may not do this",
        "Let it own the schema `pilotage`, or create it (docs/postgresql.md)",
    ),
    "store.full": (
        "There is no room left in {server}",
        "Make room on its disk; Pilotage goes on by itself, nothing that was recorded is lost",
    ),
    "store.read-only": (
        "{server} can only be read: it is a standby, or was set so",
        "Name the primary, or all servers in one URI (host1,host2): the one that can be written is taken",
    ),
    "store.busy": (
        "{server} did not answer in time",
        "See what else it does (pg_stat_activity) and who holds locks on the schema `pilotage`",
    ),
    "store.damaged": (
        "{server} can not read its own data",
        "See its log; restore it from a backup (docs/postgresql.md)",
    ),
    "store.failed": (
        "{server} could not be used",
        "This is a fault in Pilotage or in its database; please report it with the words above",
    ),
}

_CODES = {
    "08": "store.unreachable",
    "57P": "store.unreachable",
    "53300": "store.unreachable",
    "28": "store.refused",
    "3D": "store.refused",
    "42501": "store.not-allowed",
    "53100": "store.full",
    "25006": "store.read-only",
    "57014": "store.busy",
    "55P03": "store.busy",
    "40": "store.busy",
    "25P03": "store.busy",
    "XX": "store.damaged",
}
"""By the beginning of the SQLSTATE (PostgreSQL's documentation, appendix A); the longest that fits."""

_AGAIN = {"store.unreachable", "store.busy", "store.read-only"}
"""What passes by itself: tried again. Read-only: after a failover the connection may be to the old one."""
_NEVER = (
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "is not permitted to log in",
)
"""A login has no SQLSTATE that libpq would pass on: told by the server's words, English unless set."""


def told(error: psycopg.Error, server: Server) -> StoreError:
    """The same as a StoreError, with the cause and the way out."""
    code = _code(error)
    what, mend = _TOLD[code]
    # The detail of an error may quote a row; the first line says what it is.
    why = error.diag.message_primary or str(error).strip() or type(error).__name__
    why = server.without_secrets(why)[:500]
    return StoreError(Problem(code=code, what=what.format(server=server), why=why, mend=mend))


def passes(error: psycopg.Error) -> bool:
    """Whether it may be over in a moment."""
    return _code(error) in _AGAIN


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is of no use any more, and what was asked last may have been done or not."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P", "25006", "25P03"))


def _code(error: psycopg.Error) -> str:
    state = error.sqlstate
    if state is None:
        if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            return "store.failed"
        refused = any(words in str(error) for words in _NEVER)
        return "store.refused" if refused else "store.unreachable"
    fitting = [start for start in _CODES if state.startswith(start)]
    return _CODES[max(fitting, key=len)] if fitting else "store.failed"


def newer(server: Server, found: int, known: int) -> StoreError:
    return StoreError(
        Problem(
            code="store.newer",
            what=f"{server} was brought up to date by a newer Pilotage",
            why=f"its schema is {found}, this version knows up to {known}; nothing was touched",
            mend="Use the newer Pilotage on every machine",
        )
    )


def foreign(server: Server, why: str) -> StoreError:
    mend = "Name another database, or see whose it is"
    return StoreError(
        Problem(code="store.foreign", what=f"{server} can not hold our state", why=why, mend=mend)
    )
