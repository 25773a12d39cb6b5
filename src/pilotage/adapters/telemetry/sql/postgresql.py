"""A PostgreSQL server, in a transaction for reading: psycopg 3, one connection a look."""

from __future__ import annotations

from collections.abc import Mapping

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pilotage.adapters.telemetry.sql.statement import Table, for_psycopg

MOST_ROWS = 1000


class Failed(Exception):
    """It could not be asked; the words hold no password."""


async def ask(words: str, query: str, values: Mapping[str, str], patience: float) -> Table:
    """``words``: a connection string or URI of libpq. ``patience`` in seconds, also of the statement."""
    try:
        known = conninfo_to_dict(words)
    except psycopg.Error:
        # Its words would quote the string.
        raise Failed("the connection string can not be understood") from None
    secrets = [str(known[name]) for name in ("password", "sslpassword") if known.get(name)]
    limit = f"-c statement_timeout={int(patience * 1000)} -c default_transaction_read_only=on"
    whole = make_conninfo(
        words,
        options=f"{known.get('options') or ''} {limit}".strip(),
        connect_timeout=max(2, int(patience)),
        application_name="pilotage",
    )
    try:
        return await _ask(whole, query, values)
    except (psycopg.Error, UnicodeError) as error:
        raise Failed(_without(f"{type(error).__name__}: {error}", secrets)) from None


async def _ask(whole: str, query: str, values: Mapping[str, str]) -> Table:
    async with await psycopg.AsyncConnection.connect(whole) as connection:
        await connection.set_read_only(True)
        async with connection.cursor() as cursor:
            # With parameters, even none, it is sent as exactly one statement.
            await cursor.execute(for_psycopg(query).encode(), dict(values))
            if cursor.description is None:
                return Table((), ())
            columns = tuple(column.name for column in cursor.description)
            return Table(columns, tuple(await cursor.fetchmany(MOST_ROWS)))


def _without(words: str, secrets: list[str]) -> str:
    for secret in secrets:
        words = words.replace(secret, "•••")
    return words.strip()[:500]
