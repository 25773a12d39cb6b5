"""One request to one instance: as the user made it, within limits of size and time."""

from __future__ import annotations

import asyncio
import time

import httpx

from pilotage.adapters.tap.receiving import Copy
from pilotage.comparing.answers import Answer
from pilotage.core.routing import Address

LARGEST = 1_000_000
"""Bytes of an answer; larger ones are not compared."""
PATIENCE = 10.0
"""Seconds until an answer must be whole."""
MARK = (b"X-Pilotage-Copy", b"1")
"""So that a service can tell a copy from a user's request, in its own statistics for example."""
_OF_THE_WAY = frozenset(
    {
        b"accept-encoding", b"connection", b"content-length", b"keep-alive", b"proxy-connection", b"te",
        b"trailer", b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip


class Unanswered(Exception):
    """There was no answer, or it took too long."""


class Incomparable(Exception):
    """The answer has more bytes than are compared, or is a stream without an end."""


class Asker:
    """Keeps connections to the instances. Follows nothing, remembers no cookies."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=32, keepalive_expiry=0.5)
        self._transport = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)

    async def ask(self, copy: Copy, address: Address) -> Answer:
        """Raises Unanswered or Incomparable."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                response = await self._transport.handle_async_request(_request(copy, address))
                try:
                    body = await _body(response)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise Unanswered(type(error).__name__) from error
        headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw
        )
        return Answer(response.status_code, headers, body, time.perf_counter() - began)

    async def close(self) -> None:
        await self._transport.aclose()


def _request(copy: Copy, address: Address) -> httpx.Request:
    kept = [header for header in copy.headers if header[0].lower() not in _OF_THE_WAY]
    headers = [*kept, (b"Accept-Encoding", b"gzip, deflate"), MARK]
    url = httpx.URL(scheme="http", host=address.host, port=address.port, raw_path=copy.target.encode("latin-1"))
    timeouts = {"connect": 2.0, "read": PATIENCE, "write": PATIENCE, "pool": PATIENCE}
    return httpx.Request(
        copy.method, url, headers=headers, content=copy.body or None, extensions={"timeout": timeouts}
    )


async def _body(response: httpx.Response) -> bytes:
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        raise Incomparable("a stream of events")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST:
            raise Incomparable("answer too large")
    return bytes(body)
