"""Lines of toned text: what every view is drawn as, before anything knows of terminals or pages.

A Line is a row of Spans; a Span is text and a Tone. ``plain`` gives text; the command line gives tones colours.
Everything is measured in terminal columns. No control character gets through: texts come from logs and users.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Tone(StrEnum):
    PLAIN = "plain"
    STRONG = "strong"
    DIM = "dim"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    OLD = "old"
    """The old version, wherever it is named or drawn."""
    NEW = "new"
    """The new version."""


@dataclass(frozen=True)
class Span:
    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]
EMPTY: Line = ()


def line(*parts: str | Span) -> Line:
    """Strings are plain spans."""
    return tuple(Span(clean(part)) if isinstance(part, str) else part for part in parts if part)


def span(text: str, tone: Tone) -> Span:
    return Span(clean(text), tone)


_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")


def clean(text: str) -> str:
    """One line without anything that could move a cursor or turn the text around."""
    if text.isascii() and text.isprintable():
        return text
    text = _ESCAPES.sub("", text).replace("\t", "  ")
    return "".join(" " if sign.isspace() else sign for sign in text if sign.isspace() or sign.isprintable())


@lru_cache(maxsize=4096)
def _sign_cells(sign: str) -> int:
    if unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def cells(text: str) -> int:
    """Terminal columns that the text takes."""
    return len(text) if text.isascii() else sum(map(_sign_cells, text))


def width_of(spans: Iterable[Span]) -> int:
    return sum(cells(one.text) for one in spans)


def cut(text: str, width: int) -> str:
    """At most so wide; what was cut off shows as ``…``."""
    if cells(text) <= width:
        return text
    kept, used = "", 0
    for sign in text:
        used += _sign_cells(sign)
        if used > width - 1:
            break
        kept += sign
    return (kept.rstrip() + "…")[: max(width, 0)]


def fit(spans: Line, width: int) -> Line:
    """The line, cut to the width."""
    kept: list[Span] = []
    left = width
    for one in spans:
        if cells(one.text) > left:
            return (*kept, Span(cut(one.text, left), one.tone)) if left else tuple(kept)
        kept.append(one)
        left -= cells(one.text)
    return tuple(kept)


_BREAK = re.compile(r"(?<!\d) +(?![%×])| +(?![\d%×])")
"""Between words, but not within ``3 400`` or ``10 %``."""


def _pieces(spans: Line) -> list[Span]:
    """Words, each with the blanks before it."""
    pieces: list[Span] = []
    for one in spans:
        start = 0
        for gap in _BREAK.finditer(one.text):
            if gap.start() > start:
                pieces.append(Span(one.text[start : gap.start()], one.tone))
            start = gap.start()
        if one.text[start:]:
            pieces.append(Span(one.text[start:], one.tone))
    return pieces


def wrap(spans: Line, width: int, hang: int = 0) -> list[Line]:
    """Broken between words; the later lines begin ``hang`` columns in. A longer word is cut."""
    lines: list[Line] = []
    row: list[Span] = []
    used = 0
    for piece in _pieces(spans):
        if used + cells(piece.text) > width:
            if row:
                lines.append(tuple(row))
                row, used = [Span(" " * hang)] if hang else [], hang
            piece = Span(piece.text.lstrip(), piece.tone)
        room = width - used
        row.append(Span(cut(piece.text, room), piece.tone))
        used += min(cells(piece.text), room)
    return [*lines, tuple(row)] if row else (lines or [EMPTY])


def pad(one: Span, width: int, *, right: bool = False) -> Span:
    """Filled with blanks to the width; a longer one is cut. ``right``: the text stands to the right."""
    text = cut(one.text, width)
    blanks = " " * (width - cells(text))
    return Span(blanks + text if right else text + blanks, one.tone)


def table(
    rows: Sequence[Sequence[Span]], width: int, *, right: frozenset[int] = frozenset(), indent: int = 2
) -> list[Line]:
    """Columns as wide as their widest cell, two blanks apart; the last one is cut where the width ends."""
    if not rows:
        return []
    count = max(len(row) for row in rows)
    widths = [max((cells(row[i].text) for row in rows if i < len(row)), default=0) for i in range(count)]
    shown = [i for i in range(count) if widths[i]]
    lines = []
    for row in rows:
        parts: list[Span] = [Span(" " * indent)]
        for i in (i for i in shown if i < len(row)):
            last = i == shown[-1] or i == len(row) - 1
            parts.append(row[i] if last and i not in right else pad(row[i], widths[i], right=i in right))
            parts.append(Span("" if last else "  "))
        lines.append(trimmed(fit(tuple(parts), width)))
    return lines


def trimmed(spans: Line) -> Line:
    """Without blanks at the end."""
    kept = list(spans)
    while kept:
        bare = kept[-1].text.rstrip(" ")
        if bare:
            kept[-1] = Span(bare, kept[-1].tone)
            break
        kept.pop()
    return tuple(kept)


def plain(lines: Iterable[Line]) -> str:
    """As text, each line ended."""
    return "".join("".join(one.text for one in spans).rstrip() + "\n" for spans in lines)


_ASCII = str.maketrans(
    {
        "✓": "+", "✗": "x", "●": "*", "○": "o", "▶": ">", "→": ">", "←": "<", "·": "-", "…": "~", "×": "x",
        "█": "#", "▓": "#", "▒": "=", "░": ".", "━": "=", "─": "-", "│": "|", "┃": "|", "┊": ":", "◆": "o",
        "–": "-", "—": "-", "‹": "<", "›": ">", "“": '"', "”": '"', "‘": "'", "’": "'", "≤": "<", "≥": ">",
        "■": "#", "□": ".", "⏸": "=", "↩": "<", "\u00a0": " ", "╌": "-",
        "↑": "^", "↓": "v", "▔": "'", "▁": "_", "▲": "^",
    }
)  # fmt: skip


def in_ascii(text: str) -> str:
    """The same columns, for terminals that know no more; what has no likeness becomes ``?``."""
    return text.translate(_ASCII).encode("ascii", "replace").decode()
