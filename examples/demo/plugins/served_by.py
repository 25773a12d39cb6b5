"""Every answer says which version gave it, in the header ``x-served-by``: the load generator counts by it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from datasette import hookimpl

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


@hookimpl(trylast=True)  # type: ignore[untyped-decorator]
def asgi_wrapper() -> Callable[[App], App]:
    """Outermost, so that it also marks what other plugins answer."""
    header = (b"x-served-by", os.environ["CATALOGUE_VERSION"].encode())

    def wrap(app: App) -> App:
        async def marked(scope: Message, receive: Receive, send: Send) -> None:
            async def mark(message: Message) -> None:
                if message["type"] == "http.response.start":
                    message = {**message, "headers": [*message.get("headers", ()), header]}
                await send(message)

            await app(scope, receive, mark)

        return marked

    return wrap
