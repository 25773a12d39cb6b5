"""A document as Markdown (CommonMark with tables, as on GitHub)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import assert_never

from pilotage.views.documents.model import (
    Block,
    Bullets,
    Document,
    Figure,
    Heading,
    Note,
    Paragraph,
    Quote,
    Table,
)
from pilotage.views.ink import clean

_SIGNS = re.compile(r"([\\*_\[\]<>&#|~])")
_START = re.compile(r"^(\d+)([.)])(?=\s|$)|^([-+=])(?=\s|[-=]*$)")
TONES = {"info": "Note", "warning": "Warning", "missing": "Missing"}
MADE = "Made by `pilotage documents` from the plan and the release file: not to be edited, but made again."


def markdown(document: Document) -> str:
    parts = [f"# {_safe(document.title)}", f"{_safe(document.about)}  \n{MADE}", _facts(document)]
    parts += [_block(block) for block in document.blocks]
    if document.missing:
        parts.append("## What is missing")
        parts.append("\n".join(f"- {_safe(one)}" for one in document.missing))
    return "\n\n".join(parts) + "\n"


def _facts(document: Document) -> str:
    rows = [f"| {_cell(label)} | {_cell(value)} |" for label, value in document.facts]
    return "\n".join(["| | |", "|--|--|", *rows])


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {_safe(block.text)}"
        case Paragraph():
            return _safe(block.text)
        case Bullets():
            marks = [f"{n}." if block.numbered else "-" for n in range(1, len(block.items) + 1)]
            return "\n".join(f"{mark} {_safe(item)}" for mark, item in zip(marks, block.items, strict=True))
        case Table():
            head = f"| {' | '.join(_cell(cell) or ' ' for cell in block.head)} |"
            rows = [f"| {' | '.join(_cell(cell) or ' ' for cell in row)} |" for row in block.rows]
            return "\n".join([head, "|" + "--|" * len(block.head), *rows])
        case Figure():
            return (
                f"![{_safe(block.title)}: {_safe(block.told)}](charts/{block.name}.svg)\n\n{_safe(block.told)}"
            )
        case Note():
            items = "".join(f"\n> - {_safe(item)}" for item in block.items)
            return f"> **{TONES[block.tone]}: {_safe(block.title)}**\n>{items}"
        case Quote():
            lines = "\n".join(f"> {_safe(line)}" for line in block.text.splitlines() or [""])
            return f"**{_safe(block.title)}**\n\n{lines}"
        case _:
            assert_never(block)


def _safe(text: str) -> str:
    """One line in which nothing of what people wrote is taken for markup, except code between backticks."""
    return _START.sub(_no_list, _line(text, code=lambda part: part))


def _cell(text: str) -> str:
    """As ``_safe``; a bar would end the cell, also within code."""
    return _line(text, code=lambda part: part.replace("|", "\\|"))


def _line(text: str, *, code: Callable[[str], str]) -> str:
    parts = clean(" ".join(text.split())).split("`")
    if len(parts) % 2 == 0:  # a backtick that is never closed is no code
        return "\\`".join(map(_plain, parts))
    return "".join(f"`{code(part)}`" if n % 2 else _plain(part) for n, part in enumerate(parts))


def _plain(part: str) -> str:
    return _SIGNS.sub(r"\\\1", part)


def _no_list(found: re.Match[str]) -> str:
    return f"{found[1]}\\{found[2]}" if found[1] else f"\\{found[3]}"
