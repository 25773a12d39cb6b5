"""A live screen: the other screen of the terminal, where only lines that changed are written again.

Written for one purpose instead of taking rich.live: a frame costs a few hundred bytes instead of the whole
screen, so nothing flickers, not over a slow connection either; and nothing needs to be imported for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[2J", "\x1b[?25h\x1b[?1049l"
"""xterm: alternate screen, cursor hidden, cleared; and back."""
_HOLD, _GO = "\x1b[?2026h", "\x1b[?2026l"
"""Synchronized output: terminals that know it show a frame as a whole; others ignore it."""


class Painter:
    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._shown: list[str] = []
        self._size = (0, 0)
        self._entered = False

    def enter(self) -> None:
        self._stream.write(_ENTER)
        self._stream.flush()
        self._entered = True

    def paint(self, rows: Sequence[str], size: tuple[int, int]) -> None:
        """``rows`` fit the size already; each may hold colours."""
        changes = []
        if size != self._size:
            changes.append("\x1b[2J")
            self._shown, self._size = [], size
        for place in range(max(len(rows), len(self._shown))):
            now = rows[place] if place < len(rows) else ""
            before = self._shown[place] if place < len(self._shown) else ""
            if now != before:
                changes.append(f"\x1b[{place + 1};1H{now}\x1b[0m\x1b[K")
        if changes:
            self._stream.write(_HOLD + "".join(changes) + _GO)
            self._stream.flush()
        self._shown = list(rows)

    def leave(self) -> None:
        """Back to where the command was typed. Safe to call twice."""
        if self._entered:
            self._stream.write(_LEAVE)
            self._stream.flush()
            self._entered = False
