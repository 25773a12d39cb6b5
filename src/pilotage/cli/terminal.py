"""Where text goes: standard output and error, with colours where they are wanted, and questions."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import IO, Any

from pilotage.views.ink import Line, Tone, clean, in_ascii

LEAST_WIDTH = 40

SGR = {
    Tone.PLAIN: "",
    Tone.STRONG: "1",
    Tone.DIM: "2",
    Tone.GOOD: "32",
    Tone.BAD: "31",
    Tone.WARN: "33",
    Tone.OLD: "34",
    Tone.NEW: "36",
}
"""ECMA-48 select graphic rendition: the sixteen colours that every theme of every terminal has."""


class Local(tzinfo):
    """The time zone of this machine, as it was at each instant."""

    def fromutc(self, dt: datetime) -> datetime:
        return dt.replace(tzinfo=UTC).astimezone().replace(tzinfo=self)

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        return dt.replace(tzinfo=None).astimezone().utcoffset() if dt else None

    def dst(self, dt: datetime | None) -> timedelta | None:
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        return dt.replace(tzinfo=None).astimezone().tzname() if dt else None


class Terminal:
    """``plain``: no colours, whatever else speaks for them (--no-color)."""

    def __init__(self, *, plain: bool = False) -> None:
        self.plain = plain
        self.zone = Local()

    @property
    def interactive(self) -> bool:
        """Whether somebody is there to answer."""
        return _is_terminal(sys.stdin) and _is_terminal(sys.stdout)

    @property
    def live(self) -> bool:
        """Whether a screen can be redrawn."""
        return _is_terminal(sys.stdout) and os.environ.get("TERM", "") not in ("", "dumb")

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        columns, lines = shutil.get_terminal_size((100, 40))
        return max(columns, LEAST_WIDTH), max(lines, 10)

    @property
    def width(self) -> int:
        """Of what is written to standard output; a pipe gets 100 columns unless COLUMNS says otherwise."""
        return self.size[0]

    def coloured(self, stream: IO[str]) -> bool:
        """https://no-color.org, https://force-color.org"""
        if self.plain or os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        return _is_terminal(stream) and os.environ.get("TERM", "") not in ("", "dumb")

    def show(self, lines: Iterable[Line], *, error: bool = False) -> None:
        stream = sys.stderr if error else sys.stdout
        coloured = self.coloured(stream)
        stream.write(in_encoding("".join(drawn(one, coloured=coloured) + "\n" for one in lines), stream))
        stream.flush()

    def say(self, text: str = "", *, error: bool = False) -> None:
        """One line."""
        stream = sys.stderr if error else sys.stdout
        stream.write(in_encoding(text + "\n", stream))
        stream.flush()

    def note(self, text: str) -> None:
        """A remark that is not the answer: to standard error."""
        self.say(text, error=True)

    def json(self, value: Any) -> None:
        """One JSON value, indented."""
        self.write(json.dumps(_data(value), indent=2, ensure_ascii=False) + "\n")

    def json_line(self, value: Any) -> None:
        self.write(json.dumps(_data(value), ensure_ascii=False, separators=(",", ":")) + "\n")

    def write(self, text: str) -> None:
        """As it is; what the encoding cannot say is escaped."""
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()

    def reply(self, prompt: str) -> str | None:
        """One line of an answer; empty: the return key alone; None: the end of input."""
        sys.stdout.write(in_encoding(prompt, sys.stdout))
        sys.stdout.flush()
        answer = sys.stdin.readline()
        if not answer:
            self.say()
            return None
        return clean(answer.strip())

    def ask(self, question: str, *, usual: bool = False) -> bool:
        """A yes or no; the return key alone, or the end of input, is ``usual`` and no."""
        sys.stdout.write(in_encoding(f"{question} [{'Y/n' if usual else 'y/N'}] ", sys.stdout))
        sys.stdout.flush()
        answer = sys.stdin.readline()
        if not answer:
            self.say()
            return False
        words = clean(answer.strip()).lower()
        return usual if not words else words in ("y", "yes")


def drawn(line: Line, *, coloured: bool) -> str:
    """With escape sequences, or without."""
    if not coloured:
        return "".join(one.text for one in line).rstrip()
    return "".join(f"\x1b[{SGR[s.tone]}m{s.text}\x1b[0m" if SGR[s.tone] and s.text else s.text for s in line)


def in_encoding(text: str, stream: IO[str]) -> str:
    """In ASCII where the stream's encoding has no bars and arrows."""
    encoding = getattr(stream, "encoding", None) or "ascii"
    try:
        "█│✓→…".encode(encoding)
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return in_ascii(text)
    return text


def _is_terminal(stream: IO[str] | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _data(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value
