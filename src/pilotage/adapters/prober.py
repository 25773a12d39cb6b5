"""Makes one request as a user would, and says what is wrong with the answer."""

from __future__ import annotations

import httpx

from pilotage.core.routing import Address
from pilotage.core.steps import Check

MOST = 1_000_000
"""Bytes of an answer that are looked at."""


class HttpProber:
    """Requests over HTTP/1.1, without redirects, proxies or certificates of the environment."""

    async def probe(self, address: Address, check: Check) -> str | None:
        """None when the answer is as the check wants it, else what is wrong with it in one line."""
        url = f"http://{address}{check.path}"
        try:
            async with (
                httpx.AsyncClient(timeout=check.within.total_seconds(), trust_env=False) as client,
                client.stream(check.method, url, headers=check.headers, content=check.body) as answer,
            ):
                if answer.status_code != check.status:
                    return f"{check.method} {check.path} answered {answer.status_code}, not {check.status}"
                if check.contains is None:
                    return None
                text = await _text(answer)
        except httpx.TimeoutException:
            return f"{check.method} {check.path} did not answer within {check.within.total_seconds():g} s"
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return f"{check.method} {check.path} failed: {error or type(error).__name__}"
        return None if check.contains in text else f"{check.path} does not contain {check.contains!r}"


async def _text(answer: httpx.Response) -> str:
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) >= MOST:
            break
    return body.decode(answer.encoding or "utf-8", errors="replace")
