"""A release for trials of routers: an HTTP/1.1 server that names itself in every answer.

    python router_backend.py RELEASE PORT

    /              200, the release's name        /status/503    that status
    /slow/250      the same after 250 ms          /break         closes the connection without an answer
    /sse           an event every 50 ms, for ever /ws            a websocket that echoes
    /late/250      headers at once, the body after 250 ms

SIGTERM: finishes what it has, then ends.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import signal
import sys

_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Release:
    def __init__(self, name: str) -> None:
        self.name = name
        self.open = 0
        self.ending = asyncio.Event()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self.exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False when the connection is over."""
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
        await reader.readexactly(int(headers.get("content-length", "0")))
        self.open += 1
        try:
            return await self.answer(lines[0].split()[1], headers, reader, writer)
        finally:
            self.open -= 1

    async def answer(
        self, path: str, headers: dict[str, str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        verb, _, argument = path.lstrip("/").partition("?")[0].partition("/")
        if verb == "sse":
            return await self.events(writer)
        if verb == "ws":
            return await self.websocket(headers["sec-websocket-key"], reader, writer)
        if verb == "break":
            writer.transport.abort()
            return False
        if verb == "slow":
            await asyncio.sleep(int(argument) / 1000)
        status = int(argument) if verb == "status" else 200
        body = b"" if status in (204, 304) else self.name.encode()
        head = f"HTTP/1.1 {status} Trial\r\nContent-Length: {len(body)}\r\nX-Release: {self.name}\r\n\r\n"
        if verb == "late":
            writer.write(head.encode())
            await asyncio.sleep(int(argument) / 1000)
            writer.write(body)
        else:  # in one piece: half an answer of one that is killed no router could make good
            writer.write(head.encode() + body)
        await writer.drain()
        return True

    async def events(self, writer: asyncio.StreamWriter) -> bool:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        while True:
            event = f"data: {self.name}\n\n".encode()
            writer.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def websocket(self, key: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        accept = base64.b64encode(hashlib.sha1(key.encode() + _ACCEPT).digest()).decode()  # as RFC 6455 has it
        head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(f"{head}Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        while True:
            _, length = await reader.readexactly(2)
            mask = await reader.readexactly(4)
            text = bytes(b ^ mask[i % 4] for i, b in enumerate(await reader.readexactly(length & 127)))
            answer = self.name.encode() + b" " + text
            writer.write(bytes([0x81, len(answer)]) + answer)
            await writer.drain()


async def main(name: str, port: int) -> None:
    release = Release(name)
    server = await asyncio.start_server(release.connection, "127.0.0.1", port, backlog=1024)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, release.ending.set)
    print("ready", flush=True)
    await release.ending.wait()
    server.close()
    while release.open:
        await asyncio.sleep(0.01)
    os._exit(0)  # without the words of a hundred cancelled connections


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
