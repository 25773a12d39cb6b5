"""Copies in: HTTP/1.1 over a unix socket. Each is answered at once, and kept if there is room."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import h11

LARGEST = 1_000_000
"""Bytes of a request's body; larger ones are not compared."""
_CHUNK = 65_536
_IDLE = 60.0
"""Seconds without a byte after which a connection is closed."""


@dataclass(frozen=True)
class Copy:
    """One user's request. ``body`` None: it was too large to keep."""

    method: str
    target: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes | None


Take = Callable[[Copy], None]
"""Gets each copy; must not wait."""


async def listen(socket: str, take: Take) -> asyncio.Server:
    """Listens there until the server is closed; nobody but the owner may open the socket."""
    with suppress(FileNotFoundError):
        os.unlink(socket)  # noqa: PTH108  # a moment at the start, and nobody waits
    before = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(lambda r, w: _serve(r, w, take), path=socket)
    finally:
        os.umask(before)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, take: Take) -> None:
    connection = h11.Connection(h11.SERVER)
    with suppress(OSError, TimeoutError, h11.RemoteProtocolError, h11.LocalProtocolError):
        while (copy := await _next(connection, reader)) is not None:
            take(copy)
            writer.write(connection.send(h11.Response(status_code=204, headers=[])) or b"")
            writer.write(connection.send(h11.EndOfMessage()) or b"")
            await writer.drain()
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                break
            connection.start_next_cycle()
    writer.close()


async def _next(connection: h11.Connection, reader: asyncio.StreamReader) -> Copy | None:
    """The next whole request; None when the other side has gone."""
    head: h11.Request | None = None
    body = bytearray()
    whole = True
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            async with asyncio.timeout(_IDLE):
                connection.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            whole = whole and len(body) + len(event.data) <= LARGEST
            if whole:
                body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = tuple((bytes(name), bytes(value)) for name, value in head.headers.raw_items())
            kept = bytes(body) if whole else None
            return Copy(head.method.decode(), head.target.decode("latin-1"), headers, kept)
        else:
            return None
