"""Users: raw connections, kept alive, that never try anything twice and count what they saw."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType

PATIENCE = 15.0


@dataclass(frozen=True)
class Loss:
    """One request that a user did not get a good answer to."""

    at: float
    """On the monotonic clock."""
    method: str
    what: str
    version: str
    """Who answered; ``nobody`` when the connection broke, ``proxy`` when no version's answer came."""


@dataclass
class Users:
    """While entered: so many connections on an event loop in a thread of its own.

    One in four asks with POST, which nobody may repeat; one in four asks for something slow. ``answers`` counts
    by version; every other status than 200, every end of a connection and every silence is a loss.
    """

    port: int
    connections: int = 4
    pause: float = 0.03
    ways: tuple[tuple[str, str], ...] = (("GET", "/"), ("POST", "/"), ("GET", "/slow"), ("GET", "/"))
    says: tuple[str, ...] = ()
    """Further headers of every request: ``X-Site: berlin``."""
    answers: Counter[str] = field(default_factory=Counter)
    losses: list[Loss] = field(default_factory=list)

    def __enter__(self) -> Users:
        self._end = threading.Event()
        self._turns = dict.fromkeys(range(self.connections), 0)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join(PATIENCE + 5)

    @property
    def posting(self) -> int:
        """Users that ask with POST: so many may be lost with one death."""
        return sum(self.ways[number % len(self.ways)][0] == "POST" for number in range(self.connections))

    @property
    def served(self) -> int:
        return sum(self.answers.values())

    def once_around(self) -> None:
        """Until no request is under way any more that began before now: one that began before a new version
        was first exposed has nowhere to fail over to."""
        wanted = {number: turn + 2 for number, turn in self._turns.items()}
        end = time.monotonic() + PATIENCE
        while any(self._turns[number] < turn for number, turn in wanted.items()):
            assert time.monotonic() < end, "users hang"
            time.sleep(0.01)

    def told(self) -> str:
        kinds = Counter((loss.method, loss.what, loss.version) for loss in self.losses)
        return f"{dict(self.answers)} answered; lost: {dict(kinds)}"

    def begin_anew(self) -> None:
        """Forget what was counted, so that what comes now is told apart."""
        self.answers = Counter()
        self.losses = []

    async def _all(self) -> None:
        ways = self.ways
        users = [self._user(number, *ways[number % len(ways)]) for number in range(self.connections)]
        await asyncio.gather(*users)

    async def _user(self, number: int, method: str, path: str) -> None:
        body = b"order=1" if method == "POST" else b""
        rows = (f"{method} {path} HTTP/1.1", "Host: shop", f"Content-Length: {len(body)}", *self.says)
        head = ("\r\n".join(rows) + "\r\n\r\n").encode()
        line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while not self._end.is_set():
            version = "nobody"
            try:
                if line is None:
                    line = await asyncio.open_connection("127.0.0.1", self.port)
                line[1].write(head + body)
                status, version, words = await asyncio.wait_for(_answer(line[0]), PATIENCE)
                if status == 200:
                    self.answers[version] += 1
                else:
                    self._lost(method, f"status {status}: {words}", version)
            except (OSError, EOFError, TimeoutError) as error:
                self._lost(method, type(error).__name__, version)
                if line is not None:
                    line[1].close()
                line = None
            self._turns[number] += 1
            await asyncio.sleep(self.pause)
        if line is not None:
            line[1].close()

    def _lost(self, method: str, what: str, version: str) -> None:
        self.losses.append(Loss(time.monotonic(), method, what, version))


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str, str]:
    """Status, version and body of one whole answer. EOFError (IncompleteReadError) when it is not whole."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (row.partition(":") for row in head[1:])}
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    return int(head[0].split()[1]), fields.get("x-version", "proxy"), body.decode("latin-1").strip()


def only_what_nobody_may_repeat(users: Users) -> None:
    """Instances that die take the POSTs with them that they were working on: nobody knows how far they were."""
    assert {loss.method for loss in users.losses} <= {"POST"}, users.told()
    assert len(users.losses) <= users.posting, users.told()
