"""Clients for trials of routers: raw, on one event loop, and they never retry.

Every end of a connection that the client did not ask for, every answer that is not whole and every status but
the expected one is a failure, and is kept with its words.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_BACKEND = Path(__file__).with_name("router_backend.py")
_PATIENCE = 10.0


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


class Backend:
    """A release as a process of its own, so that it can be killed."""

    def __init__(self, release: str, port: int | None = None) -> None:
        self.release = release
        self.port = port or free_port()
        self.process = subprocess.Popen(
            [sys.executable, str(_BACKEND), release, str(self.port)], stdout=subprocess.PIPE
        )
        assert self.process.stdout
        self.process.stdout.readline()

    def end(self) -> None:
        """Politely: it finishes what it has."""
        self.process.terminate()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        if self.process.stdout:
            self.process.stdout.close()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Connection:
    """One HTTP/1.1 connection. Raises ConnectionError, EOFError or TimeoutError: nothing is tried twice."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Connection:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()

    async def ask(self, path: str = "/", method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
        self.send(path, method, body, headers)
        head = await self.head()
        length = int(head.headers.get("content-length", "0"))
        head.body = await asyncio.wait_for(self.reader.readexactly(length), _PATIENCE)
        return head

    def send(self, path: str, method: str, body: bytes, headers: dict[str, str]) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: trial"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def head(self) -> Answer:
        raw = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), _PATIENCE)
        lines = raw.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines[1:] if line)
        return Answer(int(lines[0].split()[1]), {k.lower(): v.strip() for k, _, v in pairs}, b"")


async def ask(port: int, path: str = "/", method: str = "GET", body: bytes = b"", **headers: str) -> Answer:
    """One request on a connection of its own."""
    async with Connection(port) as connection:
        return await connection.ask(path, method, body, **headers)


async def shares(port: int, requests: int, **headers: str) -> Counter[str]:
    """How often each release answered."""
    seen: Counter[str] = Counter()
    async with Connection(port) as connection:
        for _ in range(requests):
            seen[(await connection.ask(**headers)).text] += 1
    return seen


class Events:
    """An open SSE stream."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def start(self) -> None:
        self._connection.send("/sse", "GET", b"", {})
        head = await self._connection.head()
        if head.status != 200:
            raise ConnectionError(f"status {head.status}")

    async def next(self) -> str:
        reader = self._connection.reader
        size = int((await asyncio.wait_for(reader.readline(), _PATIENCE)).strip() or b"0", 16)
        if size == 0:
            raise EOFError("the stream ended")
        chunk = await asyncio.wait_for(reader.readexactly(size + 2), _PATIENCE)
        return chunk.decode().removeprefix("data: ").strip()


class Websocket:
    """An open websocket."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def start(self) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
        self._connection.send("/ws", "GET", b"", {**upgrade, "Sec_WebSocket_Key": key})
        head = await self._connection.head()
        if head.status != 101:
            raise ConnectionError(f"status {head.status}")

    async def echo(self, text: bytes) -> str:
        mask = os.urandom(4)
        masked = bytes(b ^ mask[i % 4] for i, b in enumerate(text))
        self._connection.writer.write(bytes([0x81, 0x80 | len(text)]) + mask + masked)
        reader = self._connection.reader
        _, length = await asyncio.wait_for(reader.readexactly(2), _PATIENCE)
        return (await asyncio.wait_for(reader.readexactly(length), _PATIENCE)).decode()


@dataclass
class Seen:
    """What the clients of a load saw.

    ``answers``: release → number; ``timeline``: (asked, answered, release), in seconds of the monotonic clock.
    """

    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    streamed: int = 0
    timeline: list[tuple[float, float, str]] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(self.answers.values())


class Load:
    """``async with Load(port, ...) as seen:`` keeps users busy on this port until the block ends."""

    def __init__(
        self,
        port: int,
        gets: int = 4,
        posts: int = 2,
        idles: int = 8,
        slows: int = 2,
        sses: int = 2,
        websockets: int = 2,
    ) -> None:
        self.port = port
        self.seen = Seen()
        self._over = asyncio.Event()
        kinds = [
            (gets, self._requests("GET", b"", 0.002, "/")),
            (posts, self._requests("POST", b"x" * 100, 0.002, "/")),
            (idles, self._requests("POST", b"x", 0.7, "/")),
            (slows, self._requests("GET", b"", 0.0, "/slow/300")),
            (sses, self._events),
            (websockets, self._websocket),
        ]
        self._users = [user for number, user in kinds for _ in range(number)]

    async def __aenter__(self) -> Seen:
        self._tasks = [asyncio.create_task(self._kept(user)) for user in self._users]
        await asyncio.sleep(0.2)
        return self.seen

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        await asyncio.gather(*self._tasks)

    async def _kept(self, user) -> None:  # type: ignore[no-untyped-def]
        """A user who failed comes back on a new connection, so that the load stays what it is."""
        while not self._over.is_set():
            try:
                async with Connection(self.port) as connection:
                    await user(connection)
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                self.seen.failures.append(f"{type(error).__name__}: {error}")
                await asyncio.sleep(0.02)

    def _requests(self, method: str, body: bytes, pause: float, path: str):  # type: ignore[no-untyped-def]
        async def user(connection: Connection) -> None:
            while not self._over.is_set():
                asked = time.monotonic()
                answer = await connection.ask(path, method, body)
                if answer.status != 200:
                    self.seen.failures.append(f"{method} {path}: {answer.status} {answer.text[:80]}")
                else:
                    self.seen.answers[answer.text] += 1
                    self.seen.timeline.append((asked, time.monotonic(), answer.text))
                await asyncio.sleep(pause)

        return user

    async def _events(self, connection: Connection) -> None:
        stream = Events(connection)
        await stream.start()
        while not self._over.is_set():
            await stream.next()
            self.seen.streamed += 1

    async def _websocket(self, connection: Connection) -> None:
        stream = Websocket(connection)
        await stream.start()
        while not self._over.is_set():
            await stream.echo(b"hello")
            self.seen.streamed += 1
            await asyncio.sleep(0.05)
