"""The other side of the source http: a server of a few lines that answers what it is told."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar, Self

from telemetry_driver import BOUNDS, NEW, OLD, Driver, Figures

from pilotage.adapters.telemetry.http import HttpSource

VARIABLE = "PILOTAGE_TEST_HTTP_TOKEN"


class HttpDriver(Driver):
    """One document with both versions in it."""

    kind = HttpSource
    each: ClassVar[bool] = False

    async def __aenter__(self) -> Self:
        os.environ[VARIABLE] = self.secret
        self.old: Figures | None = None
        self.new: Figures | None = None
        self.started = "first"
        self.raw: bytes | None = None
        self.silent = False
        self.seen: list[str] = []
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.silent = False
        self.server.close()
        os.environ.pop(VARIABLE, None)

    def settings(self) -> Mapping[str, Any]:
        port = getattr(self, "port", 9)
        place = "" if self.each else "/{version}"
        return {
            "url": f"http://127.0.0.1:{port}/figures" + ("/{release}" if self.each else ""),
            "figures": {name: f"{place}/{name}" for name in sorted(self.serves)},
            "latency_bounds": "/bounds",
            "epoch": "/started",
            "headers": {"Authorization": {"env": VARIABLE, "before": "Bearer"}},
            "timeout": "1s",
        }

    def misspelt(self) -> tuple[Mapping[str, Any], str]:
        return {**self.settings(), "timeuot": "1s"}, "timeout"

    async def show(self, old: Figures | None, new: Figures | None) -> None:
        self.old, self.new, self.raw = old, new, None

    async def restart(self, old: Figures, new: Figures) -> None:
        await self.show(old, new)
        self.started = "second"

    async def go_down(self) -> None:
        self.server.close()
        self.raw = b""

    async def fall_silent(self) -> None:
        self.silent = True

    async def nonsense(self) -> AsyncIterator[str]:
        for value in ("NaN", "Infinity", "-Infinity", "-1", '"12"', "true", "[]", "{}", "1e400", "9" * 500):
            self.raw = _answer(self._document(self._with(value)))
            yield value
        self.raw = _answer(self._document(self._with("1").replace("{", '{"requests": 7, ', 1)))
        yield "a key that is given twice"
        for body in ("", "<html>", "[" * 100_000, "[]", '{"2.0": 3}', "\xff", "1" * 5_000):
            self.raw = _answer(body)
            yield body[:20]
        self.raw = _answer('{"a": "' + "x" * 3_000_000 + '"}')
        yield "three megabytes"
        for status in ("302 Found\r\nlocation: http://127.0.0.1:1/", "500 Broken", "204 No Content"):
            self.raw = f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode()
            yield status
        self.raw = b"no HTTP at all\r\n\r\n"
        yield "no HTTP"

    def _with(self, value: str) -> str:
        return f'{{"errors": 1, "requests": {value}}}'

    def _document(self, new: str) -> str:
        return new if self.each else f'{{"2.0": {new}}}'

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.seen.append(head.decode())
                while self.silent:
                    await asyncio.sleep(0.05)
                writer.write(self._reply(head.decode().split()[1]))
                await writer.drain()
                if self.raw is not None:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _reply(self, path: str) -> bytes:
        if self.raw is not None:
            return self.raw
        common = {"bounds": BOUNDS, "started": self.started}
        if not self.each:
            found = {OLD.version: self.old, NEW.version: self.new}
            return _answer(
                json.dumps(common | {key: value for key, value in found.items() if value is not None})
            )
        figures = self.old if path.endswith(OLD.id) else self.new
        return MISSING if figures is None else _answer(json.dumps(common | dict(figures)))


class HttpEachDriver(HttpDriver):
    """Each version has a document of its own; what is not there is answered with 404."""

    each = True


MISSING = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


def _answer(body: str) -> bytes:
    content = body.encode("latin-1")
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    return head.encode() + content
