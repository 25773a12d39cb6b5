"""A network line between somebody and a server, that can be cut, held, or eat answers; in its own thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Line:
    """Entered, ``port`` leads to the server's port on this machine."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._refuses = False
        self.asked: Callable[[bytes], None] = lambda data: None
        """Sees what goes to the server, before it goes."""
        self.eats_answers = False

    def __enter__(self) -> Self:
        self._thread.start()
        self._listener = self._do(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = int(self._listener.sockets[0].getsockname()[1])
        self.mend()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def cut(self) -> None:
        """Both sides are told at once: as when a router resets what it does not know."""
        self._refuses = True
        self._loop.call_soon_threadsafe(self._end_all)

    def hold(self) -> None:
        """Nobody is told anything: as when a cable is pulled."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def mend(self) -> None:
        self._refuses = self.eats_answers = False
        self._loop.call_soon_threadsafe(self._flows.set)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _end(self) -> None:
        self._listener.close()
        self._end_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _end_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self._refuses:
            writer.transport.abort()
            return
        with suppress(OSError, asyncio.CancelledError):
            there, out = await asyncio.open_connection("127.0.0.1", self._server)
            self._writers.add(out)
            await asyncio.gather(self._pump(reader, out, to_server=True), self._pump(there, writer))

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, to_server: bool = False
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                await self._flows.wait()
                if to_server:
                    self.asked(data)
                    if self._refuses:
                        break
                elif self.eats_answers:
                    continue
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
