"""Where the database is and how it is reached. Its password is never told: not in words, logs or errors."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pilotage.errors import ExitCode, PilotageError, Problem

SCHEMES = ("postgresql://", "postgres://")
CONNECT = 3
"""Seconds for one attempt on one address."""
STATEMENT = 6
"""Seconds that one statement may take in the server; a row lock is waited for half as long."""
IDLE = 5
"""Seconds until the server ends a transaction whose process has stopped in it: its locks block others."""

_SECRETS = ("password", "sslpassword")
_SETTINGS = {
    "statement_timeout": f"{STATEMENT}s",
    "lock_timeout": f"{STATEMENT // 2}s",
    "idle_in_transaction_session_timeout": f"{IDLE}s",
    # So that the server notices a machine that is gone, and gives up the locks of what ran there.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
    "search_path": "pilotage",
    "default_transaction_isolation": "read\\ committed",
}


@dataclass(frozen=True)
class Server:
    """One database, by the words of its URI."""

    uri: str = field(repr=False)

    @classmethod
    def of(cls, uri: str) -> Server:
        """PilotageError when it is no URI that libpq understands."""
        try:
            conninfo_to_dict(uri)
        except psycopg.Error:
            # Its own words would quote the URI.
            what = "the state is to be in PostgreSQL, and its URI can not be understood"
            mend = "write it as postgresql://USER@HOST:PORT/DATABASE, without the password (docs/postgresql.md)"
            raise PilotageError(
                Problem(code="store.uri", what=what, mend=mend), exit_code=ExitCode.USAGE
            ) from None
        return cls(uri)

    def __str__(self) -> str:
        """Host and database, for people."""
        known = conninfo_to_dict(self.uri)
        host = known.get("host") or known.get("hostaddr") or os.environ.get("PGHOST") or "this machine"
        port = known.get("port") or os.environ.get("PGPORT")
        database = known.get("dbname") or os.environ.get("PGDATABASE") or known.get("user") or "postgres"
        return f"PostgreSQL on {host}{f':{port}' if port else ''}, database {database}"

    @property
    def tells_password(self) -> bool:
        return any(conninfo_to_dict(self.uri).get(name) for name in _SECRETS)

    def conninfo(self, name: str) -> str:
        """For libpq. ``name`` is what the server shows of the connection."""
        known = conninfo_to_dict(self.uri)
        settings = " ".join(f"-c {key}={value}" for key, value in _SETTINGS.items())
        defaults = {
            "target_session_attrs": "read-write",
            "keepalives_idle": "5",
            "keepalives_interval": "2",
            "keepalives_count": "3",
            "tcp_user_timeout": "10000",
        }
        return make_conninfo(
            self.uri,
            **{key: value for key, value in defaults.items() if not known.get(key)},
            connect_timeout=known.get("connect_timeout") or CONNECT,
            application_name=f"pilotage {name}"[:63],
            client_encoding="utf8",
            options=f"{known.get('options') or ''} {settings}".strip(),
        )

    def without_secrets(self, words: str) -> str:
        known = conninfo_to_dict(self.uri)
        for secret in (known.get(name) for name in _SECRETS):
            if secret:
                words = words.replace(str(secret), "•••")
        return words
