"""The text of a manifest, and how a finding in it becomes a Problem with a place."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pilotage.errors import Place, Problem
from pilotage.manifest.nodes import Node, Span, scalars
from pilotage.manifest.secrets import mask

_BREAK = re.compile(r"\r\n|\r|\n")
"""Exactly what the YAML parser counts as a line break once odd characters are refused."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a span of the file; None: with the file as a whole."""

    span: Span | None
    code: str
    what: str
    mend: str | None = None
    why: str | None = None


class Source:
    """One file's text. Lines that hold secrets are shown with the secrets covered."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.lines = _BREAK.split(text)
        self._parsed = False
        self._masked: dict[int, str] = {}
        self._covers: dict[int, list[tuple[int, int]]] = defaultdict(list)

    def cover_secrets(self, root: Node) -> None:
        """From now on, no line shows a scalar that is marked as secret."""
        self._parsed = True
        self._masked.clear()
        for scalar in scalars(root, keys=True):
            if scalar.secret:
                self._cover(scalar.span)

    def place(self, span: Span) -> Place:
        line = self.lines[span.line] if span.line < len(self.lines) else ""
        if span.end_line == span.line:
            length = span.end_column - span.column
        else:
            length = len(line.rstrip()) - span.column
        return Place(
            file=self.file,
            line=span.line + 1,
            column=min(span.column, len(line)) + 1,
            length=max(min(length, len(line) - span.column), 1),
            text=self._shown(span.line) if line else line,
        )

    def shows(self, span: Span) -> bool:
        """Whether nothing in this span of one line is covered."""
        line = self.lines[span.line]
        return self._shown(span.line)[span.column : span.end_column] == line[span.column : span.end_column]

    def problem(self, finding: Finding) -> Problem:
        where = self.place(finding.span) if finding.span else Place(file=self.file)
        return Problem(code=finding.code, what=finding.what, why=finding.why, mend=finding.mend, where=where)

    def problems(self, findings: Iterable[Finding]) -> tuple[Problem, ...]:
        """In file order."""
        start = Span(0, 0, 0, 0)
        ordered = sorted(findings, key=lambda finding: finding.span or start)
        return tuple(self.problem(finding) for finding in ordered)

    def _cover(self, span: Span) -> None:
        for line in range(span.line, min(span.end_line, len(self.lines) - 1) + 1):
            start = span.column if line == span.line else 0
            end = span.end_column if line == span.end_line else len(self.lines[line])
            self._covers[line].append((start, end))

    def _shown(self, number: int) -> str:
        """The line with its secrets covered; made once, however many problems a line has."""
        if number not in self._masked:
            line = self.lines[number]
            for start, end in self._covers.get(number, ()):
                # The indentation of a block of text tells nothing, and keeps the caret where it belongs.
                line = line[:start] + re.sub(r"\S", "•", line[start:end]) + line[end:]
            self._masked[number] = mask(line, parsed=self._parsed)
        return self._masked[number]
