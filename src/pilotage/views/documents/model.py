"""What a document is made of: blocks, in order. In texts, what stands between backticks is code."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pilotage.core.values import Frozen


class Heading(Frozen):
    kind: Literal["heading"] = "heading"
    text: str
    level: int = 2


class Paragraph(Frozen):
    kind: Literal["paragraph"] = "paragraph"
    text: str


class Bullets(Frozen):
    kind: Literal["bullets"] = "bullets"
    items: tuple[str, ...]
    numbered: bool = False


class Table(Frozen):
    """``widths`` are relative, one a column."""

    kind: Literal["table"] = "table"
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...] = ()


class Figure(Frozen):
    """A picture, and the same in words for those who do not see it."""

    kind: Literal["figure"] = "figure"
    name: str
    title: str
    told: str
    svg: str


class Note(Frozen):
    """Something to be noticed."""

    kind: Literal["note"] = "note"
    tone: Literal["info", "warning", "missing"] = "info"
    title: str
    items: tuple[str, ...]


class Quote(Frozen):
    """Words that are to be said or sent as they are."""

    kind: Literal["quote"] = "quote"
    title: str
    text: str


Block = Annotated[Heading | Paragraph | Bullets | Table | Figure | Note | Quote, Field(discriminator="kind")]


class Document(Frozen):
    name: str
    """Of its files."""
    title: str
    about: str
    """``bookshop 2.4 to production``"""
    plan: str
    """The digest of the plan that it belongs to."""
    facts: tuple[tuple[str, str], ...] = ()
    """What stands at its head: label and value."""
    blocks: tuple[Block, ...] = ()
    missing: tuple[str, ...] = ()
    """What nobody has given, and how to give it."""
