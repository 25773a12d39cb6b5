"""One change, as its file is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pilotage.adapters.database.marks import Marks


@dataclass(frozen=True)
class Script:
    """``sql`` is what it does; ``line_of`` finds a line of the file for a line of that and words in it."""

    id: str
    title: str
    file: str
    text: str
    marks: Marks
    undo: bool
    """Whether the file says how it is taken back."""
    whole: bool
    """Whether the tool runs it in one transaction, as far as the file says."""
    sql: str | None
    """None: it could not be shown."""
    line_of: Callable[[int, str], int]
    unreadable: str = ""
    """Why there is no SQL."""
