"""The YAML parser's complaints in the words of somebody who wants to go on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pilotage.manifest.nodes import Span
from pilotage.manifest.source import Finding, Source

if TYPE_CHECKING:
    import yaml

_BRACES = re.compile(r"""(?:^|[\s,\[:])([^\s,\["'#{]*\{[a-z]+\}[^\s,\]"'#]*)""")
_QUOTED_TAIL = re.compile(r"""(?:[:,\[-]\s+|^\s*)("(?:[^"\\]|\\.)*"|'[^']*')(?=\S|\s+[^\s#,\]}:])""")
_NO_SPACE = re.compile(r"\s*(?:- )?([A-Za-z_][\w-]*:)[^\s/:]")


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Where the parser gave up, and where what it was reading had begun."""

    source: Source
    at: Span
    since: Span

    @property
    def line(self) -> str:
        return self.source.lines[self.at.line]

    @property
    def before(self) -> str:
        return self.line[: self.at.column]

    def sign(self, span: Span) -> str:
        return self.source.lines[span.line][span.column : span.column + 1]


def explain_syntax(error: yaml.MarkedYAMLError, source: Source) -> Finding:
    """One Finding for the first thing that is not YAML; what follows can not be judged."""
    problem, context = error.problem or "it can not be read", error.context or ""
    at = _span(error.problem_mark or error.context_mark, source)
    since = _span(error.context_mark, source) if error.context_mark else at
    trouble = _Trouble(source, at, since)
    if _begins_with_tab(trouble.line) or "tab character" in problem:
        return _tab(trouble)
    braces = _BRACES.search(trouble.line)
    if braces and braces.start(1) <= at.column:
        span = Span(at.line, braces.start(1), at.line, braces.end(1))
        mend = f'write "{braces[1]}" in quotes' if source.shows(span) else "put the whole text in quotes"
        return _syntax(span, "braces begin a mapping in YAML", mend)
    for pattern, explain in _RULES:
        if re.search(pattern, f"{context}: {problem}"):
            return explain(trouble)
    return Finding(at, "manifest.syntax", "this is not YAML", why=f"the parser says: {problem}")


def _syntax(span: Span, what: str, mend: str | None) -> Finding:
    return Finding(span, "manifest.syntax", what, mend)


def _simply(what: str, mend: str, *, at_start: bool = False) -> Callable[[_Trouble], Finding]:
    def explain(trouble: _Trouble) -> Finding:
        span = trouble.since if at_start else trouble.at
        return _syntax(_widened(span, trouble.source), what, mend)

    return explain


def _begins_with_tab(line: str) -> bool:
    return "\t" in line[: len(line) - len(line.lstrip())]


def _tab(trouble: _Trouble) -> Finding:
    at, line = trouble.at, trouble.line
    column = line.index("\t") if "\t" in line else at.column
    more = sum(_begins_with_tab(other) for other in trouble.source.lines) - 1
    why = f"{more} more {'lines begin' if more > 1 else 'line begins'} with a tab" if more > 0 else None
    span = Span(at.line, column, at.line, column + 1)
    return Finding(span, "manifest.tab", "YAML is not indented with tabs", "use two spaces a level", why)


def _colon(trouble: _Trouble) -> Finding:
    if ": " in trouble.before or trouble.before.strip().startswith("- "):
        return _syntax(
            trouble.at, 'a second ": " in one line', "put the text in quotes if the colon belongs to it"
        )
    for number in range(trouble.at.line - 1, -1, -1):
        if trouble.source.lines[number].strip():
            glued = _NO_SPACE.match(trouble.source.lines[number])
            if glued:
                span = Span(number, glued.start(1), number, glued.end(1))
                return _syntax(span, "there is no space after this colon", f"write `{glued[1]} …`")
            break
    indent = len(trouble.before) - len(trouble.before.lstrip())
    span = Span(trouble.at.line, indent, trouble.at.line, trouble.at.column)
    mend = "put the keys of one mapping exactly under each other"
    return _syntax(span, "a key can not stand here: the line above has a value already", mend)


def _indented(trouble: _Trouble) -> Finding:
    span = _widened(trouble.at, trouble.source)
    if trouble.before.strip():
        quoted = _QUOTED_TAIL.search(trouble.line[: trouble.at.column + 1])
        end = "closing quote" if quoted else "end of the value"
        return _syntax(span, f"more text follows after the {end}", "put the whole text in one pair of quotes")
    what = f"this line is not indented like the others that began in line {trouble.since.line + 1}"
    return _syntax(span, what, "put the keys of one mapping exactly under each other")


def _bracket(trouble: _Trouble) -> Finding:
    last = max(trouble.at.line, trouble.since.line) + 1
    mend = f"look for a missing comma or bracket up to line {last}"
    return _syntax(trouble.since, "this bracket is not closed", mend)


def _cannot_start(trouble: _Trouble) -> Finding:
    what = f"a text can not begin with `{trouble.sign(trouble.at)}` unless it is in quotes"
    return _syntax(trouble.at, what, "put the whole text in quotes")


def _alias(trouble: _Trouble) -> Finding:
    what = f"a text can not begin with `{trouble.sign(trouble.since) or '*'}` unless it is in quotes"
    return _syntax(trouble.since, what, "put the whole text in quotes")


def _no_value(trouble: _Trouble) -> Finding:
    what = f"`{trouble.sign(trouble.at)}` has nothing to close or to part here"
    return _syntax(trouble.at, what, "remove it, or put the text in quotes")


_RULES: tuple[tuple[str, Callable[[_Trouble], Finding]], ...] = (
    ("mapping values are not allowed", _colon),
    (
        "could not find expected ':'",
        _simply(
            "this line is not `key: value`",
            "add a colon and a space after the key, or indent it as text",
            at_start=True,
        ),
    ),
    (
        "scanning a quoted scalar: found unexpected",
        _simply("this quote is never closed", "add the same quote at the end of the text", at_start=True),
    ),
    (
        "escape",
        _simply('in "double" quotes a backslash begins an escape, and this is none', "use 'single' quotes"),
    ),
    ("parsing a flow ", _bracket),
    ("found character .*that cannot start", _cannot_start),
    ("scanning an (alias|anchor)", _alias),
    ("tag", _simply("tags (`!…`) are not allowed", "put the text in quotes if it begins with `!`")),
    ("irective|incompatible YAML", _simply("directives (`%…`) are not allowed", "remove this line")),
    ("parsing a block (mapping|collection)", _indented),
    (
        "sequence entries are not allowed",
        _simply("a list can not begin here", "begin it on the next line, or write it in brackets: [a, b]"),
    ),
    ("node content", _no_value),
    (
        "document start",
        _simply(
            "the document has ended above, and something follows", "remove the `...` line, or what follows"
        ),
    ),
)


def _span(mark: yaml.Mark | None, source: Source) -> Span:
    """One character at the mark; the last written one when the mark is beyond the text."""
    if mark is None:
        return Span(0, 0, 0, 1)
    line, column = mark.line, mark.column
    if line >= len(source.lines) or (column >= len(source.lines[line]) and line == len(source.lines) - 1):
        line = next((n for n in range(len(source.lines) - 1, -1, -1) if source.lines[n].strip()), 0)
        column = max(len(source.lines[line].rstrip()) - 1, 0)
    return Span(line, column, line, column + 1)


def _widened(span: Span, source: Source) -> Span:
    """The whole word at the mark, when a word begins there."""
    word = re.compile(r"[\w.-]+").match(source.lines[span.line], span.column)
    return Span(span.line, span.column, span.line, word.end()) if word else span
