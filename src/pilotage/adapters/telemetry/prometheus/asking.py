"""One server with the HTTP API of Prometheus: its clock, its answers, its words when there are none.

Source: Prometheus documentation, *HTTP API*.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping

import httpx

from pilotage.adapters.telemetry.prometheus import answers
from pilotage.adapters.telemetry.prometheus.answers import Answer
from pilotage.adapters.telemetry.prometheus.settings import Settings
from pilotage.errors import Problem
from pilotage.ports import TelemetryError

MOST_BYTES = 64 * 1024 * 1024
"""Of one answer; a selector that matches more was not meant so."""
AT_ONCE = 6
"""Queries at the same time."""


class Refused(Exception):
    """The server answered, and would not do this one query; its words."""


class Server:
    """Asks; sees that no secret gets into any words."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: httpx.AsyncClient | None = None
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def now(self) -> float:
        """The time of the server's own clock, in Unix seconds."""
        try:
            return answers.counters(await self._ask("query", {"query": "time()"}))[0].values[0]
        except (Refused, ValueError, IndexError) as error:
            raise self._no_answer(f"it does not tell its time: {error}") from None

    async def query(self, query: str, at: float) -> Answer:
        return await self._ask("query", {"query": query, "time": f"{at:.3f}"})

    async def query_range(self, query: str, start: float, end: float, step: float) -> Answer:
        asked = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
        return await self._ask("query_range", asked)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ask(self, path: str, form: Mapping[str, str]) -> Answer:
        """Refused: this query is wrong. TelemetryError: there is no using this server now."""
        secrets, headers = self._authorization()
        try:
            async with self._turns:
                status, body = await self._post(path, form, headers)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise self._no_answer(_without(f"{type(error).__name__}: {error}", secrets)) from None
        try:
            answer = json.loads(body)
            if answer["status"] == "success":
                notes = [*(answer.get("warnings") or ()), *(answer.get("infos") or ())]
                said = tuple(_without(f"the server says: {note}", secrets) for note in notes)
                return Answer(answer["data"]["resultType"], answer["data"]["result"], said)
            words = _without(f"{answer['errorType']}: {answer['error']}", secrets)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._no_answer(f"it answered {status}, not as Prometheus does") from None
        if status in (400, 422):
            raise Refused(words)
        raise self._no_answer(f"it answered {status}: {words}")

    async def _post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, bytes]:
        client = self._open()
        url = f"{self._settings.url}/api/v1/{path}"
        async with client.stream("POST", url, data=form, headers=headers) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise ValueError(f"more than {MOST_BYTES // 2**20} MB in one answer")
            return response.status_code, bytes(body)

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            context = ssl.create_default_context(cafile=self._settings.ca)
            # How long a look may take is whoever asks to say.
            self._client = httpx.AsyncClient(timeout=None, verify=context, trust_env=False)
        return self._client

    def _authorization(self) -> tuple[list[str], dict[str, str]]:
        """The secrets that may not be seen, and the headers that hold them."""
        if self._settings.bearer is not None:
            token = self._settings.bearer.read()
            return [token], {"Authorization": f"Bearer {token}"}
        if self._settings.basic is not None:
            password = self._settings.basic.password.read()
            words = next(httpx.BasicAuth(self._settings.basic.user, password).auth_flow(_NOWHERE))
            header = words.headers["Authorization"]
            return [password, header.removeprefix("Basic ")], {"Authorization": header}
        return [], {}

    def _no_answer(self, why: str) -> TelemetryError:
        problem = Problem(
            code="telemetry.no-answer",
            what=f"no telemetry from {self._settings.url}",
            why=why,
            mend="see whether it runs and may be asked from here; the judge holds until it answers",
        )
        return TelemetryError(problem)

    def silent(self, seconds: float) -> TelemetryError:
        return self._no_answer(f"no whole answer within {seconds:g} s")


_NOWHERE = httpx.Request("GET", "http://localhost")


def _without(words: str, secrets: list[str]) -> str:
    for secret in secrets:
        words = words.replace(secret, "•••")
    return words[:500]
