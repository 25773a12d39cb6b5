"""An event loop whose time is virtual: an hour passes in a moment, and the same way each time."""

from __future__ import annotations

import asyncio
import selectors


class Stuck(RuntimeError):
    """Nobody will ever do anything again: a wait without an end."""


class _Skipping(selectors.SelectSelector):
    """Waits for nothing: the time until the next timer is over at once."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("nothing is ready and no timer runs")
        self.seconds += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """``time()`` begins at zero and jumps to the next timer whenever nothing is ready."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.seconds
