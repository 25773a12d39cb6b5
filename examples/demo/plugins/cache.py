"""The team's new cache of answers, made bad on purpose. It is only switched on in version 0.65.5-cache.

It passes every check before the first user comes: pages under ``/-/`` (the health check) are not cached, the
first answers are good. Under real traffic one look-up in 25 finds a broken entry and answers 500, and one in
20 waits 0.4 s for a lock.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from datasette import hookimpl

BROKEN, SLOW, WAIT = 0.04, 0.05, 0.4
"""Share of requests, share of requests, seconds."""
GOOD_AT_FIRST = 20
"""Requests: enough for the checks before the release."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class BadCache:
    def __init__(self, app: App) -> None:
        self.app = app
        self.lookups = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/-/"):
            self.lookups += 1
            if self.lookups > GOOD_AT_FIRST:
                if random.random() < BROKEN:
                    await _answer_500(send)
                    return
                if random.random() < SLOW:
                    await asyncio.sleep(WAIT)
        await self.app(scope, receive, send)


async def _answer_500(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": b"cache: the entry can not be read\n"})


@hookimpl  # type: ignore[untyped-decorator]
def asgi_wrapper() -> Callable[[App], App]:
    return BadCache if os.environ.get("CATALOGUE_CACHE") == "on" else lambda app: app
