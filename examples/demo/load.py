"""Real load on the catalogue: so many requests a second, whatever comes back, and an exact count of everything.

It is open-loop: a request is due at its time, also when answers are slow, and its latency counts from then on.
It never retries: a connection refused, reset or closed without an answer, a wrong status, a wrong or broken
body is a failed request. Answers are counted by the version that gave them (header ``x-served-by``). Most
requests go over kept connections, one in twenty over a connection of its own.

    python load.py --url http://127.0.0.1:8080 --rate 100 --report load.jsonl

With ``--users 8`` instead of a rate, each of 8 users asks again when it is answered: as much as can be done.

The report has one JSON object a line: ``start``, a ``request`` for each one when it is over, and the ``end``
with the totals. It ends by SIGTERM or SIGINT, after ``--seconds``, or when the process that started it is
gone; requests under way get their answer first.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

ANSWER_WITHIN = 15.0
"""Seconds; a later answer is a failed request."""
OWN_CONNECTION = 0.05
"""Share of requests that come over a connection of their own."""
NOBODY = "nobody"
"""Instead of a version: no answer, or one that no version gave."""

AIRPORTS = {
    "EDDF": "Frankfurt", "EGLL": "Heathrow", "FACT": "Cape Town", "KJFK": "Kennedy", "LFPG": "de Gaulle",
    "LIRF": "Fiumicino", "NZAA": "Auckland", "OMDB": "Dubai", "RJTT": "Tokyo", "SBGR": "Guarulhos",
    "WSSS": "Changi", "YSSY": "Kingsford",
}  # fmt: skip


@dataclass(frozen=True)
class Visit:
    """What a user asks for, and a text that a right answer holds."""

    path: str
    holds: str


@dataclass(frozen=True)
class Answer:
    status: int
    version: str
    body: bytes
    keeps: bool
    """The connection may be used again."""


@dataclass(frozen=True)
class Outcome:
    version: str
    milliseconds: float
    failure: str = ""
    """``status 500``, ``refused``, ``reset``, ``closed``, ``timeout``, ``wrong``; empty: a good answer."""


class Broken(Exception):
    """The connection was closed before the answer was complete, or what came is not HTTP."""


def visits(chance: random.Random) -> Iterator[Visit]:
    """What users of a catalogue of airports look at: mostly single ones and searches, as JSON and as pages."""
    codes = sorted(AIRPORTS)
    words = {"paris": "Paris", "international": "International", "lake": "Lake", "london": "London"}
    countries = ("BR", "DE", "FR", "GB", "IN", "JP", "ZA")
    while True:
        code, word = chance.choice(codes), chance.choice(sorted(words))
        airport, country = AIRPORTS[code], chance.choice(countries)
        some = (
            (30, Visit(f"/catalogue/airports/{code}.json", airport)),
            (15, Visit(f"/catalogue/airports/{code}", airport)),
            (20, Visit(f"/catalogue/airports.json?_search={word}&_size=20", words[word])),
            (10, Visit(f"/catalogue/airports.json?name__contains={words[word]}&_size=10", words[word])),
            (8, Visit(f"/catalogue/airports.json?country={country}&_facet=timezone&_size=5", "facet_results")),
            (7, Visit("/catalogue/countries.json?_sort_desc=airports&_size=10", '"US"')),
            (5, Visit(f"/catalogue/airports?country={country}&_size=10", "rows")),
            (5, Visit("/", "catalogue")),
        )
        yield chance.choices([visit for _, visit in some], [weight for weight, _ in some])[0]


class Connection:
    """One connection to the router, for one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, host: str, port: int) -> Connection:
        return cls(*await asyncio.open_connection(host, port))

    def close(self) -> None:
        self.writer.close()

    async def ask(self, host: str, path: str, *, keep: bool) -> Answer:
        manner = "keep-alive" if keep else "close"
        request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nConnection: {manner}\r\n\r\n"
        self.writer.write(request.encode("ascii"))
        await self.writer.drain()
        try:
            status, headers = self._head(await self.reader.readuntil(b"\r\n\r\n"))
            body, ended = await self._body(status, headers)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise Broken(str(error)) from error
        keeps = keep and not ended and headers.get("connection", "").lower() != "close"
        return Answer(status, headers.get("x-served-by", NOBODY), body, keeps)

    @staticmethod
    def _head(head: bytes) -> tuple[int, dict[str, str]]:
        first, *lines = head.decode("latin-1").split("\r\n")
        try:
            status = int(first.split(" ", 2)[1])
        except (IndexError, ValueError) as error:
            raise Broken(first) from error
        pairs = (line.partition(":") for line in lines if line)
        return status, {name.strip().lower(): value.strip() for name, _, value in pairs}

    async def _body(self, status: int, headers: dict[str, str]) -> tuple[bytes, bool]:
        """The body, and whether the connection ended with it."""
        if status in (204, 304):
            return b"", False
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return await self._chunks(), False
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"])), False
        return await self.reader.read(), True

    async def _chunks(self) -> bytes:
        body = b""
        while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readuntil(b"\r\n")
        return body


@dataclass
class Tally:
    """All that happened, exactly."""

    answers: Counter[str] = field(default_factory=Counter)
    """By version."""
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By version and kind."""
    latencies: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Milliseconds, by version."""

    def add(self, outcome: Outcome) -> None:
        self.answers[outcome.version] += 1
        self.latencies[outcome.version].append(outcome.milliseconds)
        if outcome.failure:
            self.failures[outcome.version, outcome.failure] += 1

    def report(self) -> dict[str, Any]:
        versions = {version: self._version(version) for version in sorted(self.answers)}
        failed = sum(self.failures.values())
        return {"requests": self.answers.total(), "failed": failed, "versions": versions}

    def _version(self, version: str) -> dict[str, Any]:
        kinds = {kind: count for (name, kind), count in sorted(self.failures.items()) if name == version}
        ordered = sorted(self.latencies[version])
        quantiles = {f"p{q:g}": round(ordered[int(q / 100 * (len(ordered) - 1))], 1) for q in (50, 90, 99)}
        return {"requests": self.answers[version], "failures": kinds, "milliseconds": quantiles}


class Load:
    def __init__(self, host: str, port: int, rate: float, report: TextIO, seed: int | None = None) -> None:
        self.host, self.port, self.rate, self.file = host, port, rate, report
        self.chance = random.Random(seed)
        self.idle: list[Connection] = []
        self.tally = Tally()
        self.stopping = asyncio.Event()

    async def run(self, seconds: float) -> None:
        parent, began, sent = os.getppid(), time.monotonic(), 0
        self.write("start", rate=self.rate, url=f"http://{self.host}:{self.port}")
        async with asyncio.TaskGroup() as under_way:
            for visit in visits(self.chance):
                due = began + sent / self.rate
                if await self._stopped_before(due) or due > began + seconds or os.getppid() != parent:
                    break
                under_way.create_task(self._visit(visit, due))
                sent += 1
        for connection in self.idle:
            connection.close()
        self.write("end", sent=sent, seconds=round(time.monotonic() - began, 3), **self.tally.report())

    async def press(self, users: int, seconds: float) -> None:
        """Closed-loop: as much as so many users at once get answered."""
        began = time.monotonic()
        self.write("start", users=users, url=f"http://{self.host}:{self.port}")
        async with asyncio.TaskGroup() as asking:
            for _ in range(users):
                asking.create_task(self._user(began + seconds))
        for connection in self.idle:
            connection.close()
        self.write("end", seconds=round(time.monotonic() - began, 3), **self.tally.report())

    async def _user(self, until: float) -> None:
        for visit in visits(self.chance):
            if self.stopping.is_set() or time.monotonic() >= until:
                return
            await self._visit(visit, time.monotonic())

    async def _stopped_before(self, due: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), max(due - time.monotonic(), 0))
        return self.stopping.is_set()

    async def _visit(self, visit: Visit, due: float) -> None:
        own = self.chance.random() < OWN_CONNECTION
        outcome = await self._outcome(visit, due, own=own)
        self.tally.add(outcome)
        told: dict[str, Any] = {"version": outcome.version, "ms": round(outcome.milliseconds, 1)}
        if outcome.failure:
            told |= {"failure": outcome.failure, "path": visit.path, "own_connection": own}
        self.write("request", **told)

    async def _outcome(self, visit: Visit, due: float, *, own: bool) -> Outcome:
        version, failure = NOBODY, ""
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                answer = await self._ask(visit, own=own)
            version, failure = answer.version, _judged(answer, visit)
        except TimeoutError:
            failure = "timeout"
        except ConnectionRefusedError:
            failure = "refused"
        except (ConnectionResetError, BrokenPipeError):
            failure = "reset"
        except (Broken, ValueError):
            failure = "closed"
        except OSError as error:
            failure = f"system: {error.strerror}"
        return Outcome(version, (time.monotonic() - due) * 1000, failure)

    async def _ask(self, visit: Visit, *, own: bool) -> Answer:
        connection = self.idle.pop() if self.idle and not own else await Connection.open(self.host, self.port)
        keeps = False
        try:
            answer = await connection.ask(f"{self.host}:{self.port}", visit.path, keep=not own)
            keeps = answer.keeps
            return answer
        finally:
            if keeps:
                self.idle.append(connection)
            else:
                connection.close()

    def write(self, kind: str, **what: Any) -> None:
        print(json.dumps({"kind": kind, "at": round(time.time(), 3), **what}), file=self.file, flush=True)


def _judged(answer: Answer, visit: Visit) -> str:
    if answer.status != 200:
        return f"status {answer.status}"
    return "" if visit.holds.encode() in answer.body else "wrong"


async def _main(arguments: argparse.Namespace, report: TextIO) -> None:
    url = urlsplit(arguments.url)
    load = Load(url.hostname or "127.0.0.1", url.port or 80, arguments.rate, report, arguments.seed)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, load.stopping.set)
    if arguments.users:
        await load.press(arguments.users, arguments.seconds)
    else:
        await load.run(arguments.seconds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--rate", type=float, default=100.0, help="requests a second")
    parser.add_argument(
        "--users", type=int, default=0, help="instead of a rate: so many, one request after the other"
    )
    parser.add_argument("--seconds", type=float, default=900.0, help="at most so long")
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--seed", type=int, help="the same order of requests again")
    return parser.parse_args()


if __name__ == "__main__":
    given = _arguments()
    with open(given.report, "w", encoding="utf-8") as file:
        asyncio.run(_main(given, file))
