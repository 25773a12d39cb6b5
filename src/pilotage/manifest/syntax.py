"""The YAML parser's complaints in the words of somebody who wants to go on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from pilotage.manifest.nodes import Span
from pilotage.manifest.source import Finding, Source

if TYPE_CHECKING:
    import yaml

_PLACEHOLDER = re.compile(r"""(?:^|[\s,\[:])(\{[a-z]+\}[^\s,\]"'#]*)""")
_QUOTED_TAIL = re.compile(r"""(?:[:,\[-]\s+|^\s*)("(?:[^"\\]|\\.)*"|'[^']*')(?=\S|\s+[^\s#,\]}:])""")

_Words = tuple[str, str | None]
_Rule = tuple[str, Callable[[str, Span, Span], _Words]]


def explain_syntax(error: yaml.MarkedYAMLError, source: Source) -> Finding:
    """One Finding for the first thing that is not YAML; what follows can not be judged."""
    problem = error.problem or "it can not be read"
    at = _span(error.problem_mark or error.context_mark, source)
    since = _span(error.context_mark, source) if error.context_mark else at
    if _begins_with_tab(source.lines[at.line]) or "tab character" in problem:
        return _tab(at, source)
    line = source.lines[at.line]
    hint = _PLACEHOLDER.search(line)
    if hint and hint.start(1) <= at.column:
        span = Span(at.line, hint.start(1), at.line, hint.end(1))
        return _syntax(span, "braces begin a mapping in YAML", f'write "{hint[1]}" in quotes')
    for pattern, words in _RULES:
        if re.search(pattern, f"{error.context or ''}: {problem}"):
            span = since if pattern in _AT_THE_START else at
            return _syntax(_widened(span, source), *words(line, at, since))
    return Finding(at, "manifest.syntax", "this is not YAML", why=f"the parser says: {problem}")


def _syntax(span: Span, what: str, mend: str | None) -> Finding:
    return Finding(span, "manifest.syntax", what, mend)


def _begins_with_tab(line: str) -> bool:
    return "\t" in line[: len(line) - len(line.lstrip())]


def _tab(at: Span, source: Source) -> Finding:
    line = source.lines[at.line]
    column = line.index("\t") if "\t" in line else at.column
    more = sum(_begins_with_tab(other) for other in source.lines) - 1
    why = f"{more} more {'lines begin' if more > 1 else 'line begins'} with a tab" if more > 0 else None
    span = Span(at.line, column, at.line, column + 1)
    return Finding(span, "manifest.tab", "YAML is not indented with tabs", "use two spaces a level", why)


def _colon(line: str, at: Span, since: Span) -> _Words:
    del since
    before = line[: at.column]
    if ": " not in before and not before.strip().startswith("- "):
        return (
            "this key can not stand here: the line above is not finished, or this one is indented too far",
            "put a space after the colon above, and keys of one mapping under each other",
        )
    return 'a second ": " in one line', "put the text in quotes if the colon belongs to it"


def _indented(line: str, at: Span, since: Span) -> _Words:
    if _QUOTED_TAIL.search(line[: at.column + 1]):
        return (
            "more text follows after the closing quote or bracket",
            "put the whole text in one pair of quotes",
        )
    if not line[: at.column].strip():
        return (
            f"this line is not indented like the others that began in line {since.line + 1}",
            "put the keys of one mapping exactly under each other",
        )
    return "something follows after the end of the value", "put the whole text in one pair of quotes"


def _no_colon(line: str, at: Span, since: Span) -> _Words:
    del line, at, since
    return "this line is not `key: value`", "add a colon and a space after the key, or indent it as text"


def _unclosed(line: str, at: Span, since: Span) -> _Words:
    del line, at, since
    return "this quote is never closed", "add the same quote at the end of the text"


def _bracket(line: str, at: Span, since: Span) -> _Words:
    del line
    return (
        "this bracket is not closed",
        f"look for a missing comma or bracket up to line {max(at.line, since.line) + 1}",
    )


def _cannot_start(line: str, at: Span, since: Span) -> _Words:
    del since
    sign = line[at.column : at.column + 1]
    return f"a text can not begin with `{sign}` unless it is in quotes", "put the whole text in quotes"


def _alias(line: str, at: Span, since: Span) -> _Words:
    del at
    sign = line[since.column : since.column + 1] or "*"
    return f"a text can not begin with `{sign}` unless it is in quotes", "put the whole text in quotes"


def _escape(line: str, at: Span, since: Span) -> _Words:
    del line, at, since
    return 'in "double" quotes a backslash begins an escape, and this is none', "use 'single' quotes"


def _dash(line: str, at: Span, since: Span) -> _Words:
    del line, at, since
    return "a list can not begin here", "begin it on the next line, or write it in brackets: [a, b]"


def _no_value(line: str, at: Span, since: Span) -> _Words:
    del since
    sign = line[at.column : at.column + 1]
    return f"`{sign}` has nothing to close or to part here", "remove it, or put the text in quotes"


def _tag(line: str, at: Span, since: Span) -> _Words:
    del line, at, since
    return "tags (`!…`) are not allowed", "put the text in quotes if it begins with `!`"


def _directive(line: str, at: Span, since: Span) -> _Words:
    del line, at, since
    return "directives (`%…`) are not allowed", "remove this line"


def _document(line: str, at: Span, since: Span) -> _Words:
    del line, at, since
    return "the document has ended above, and something follows", "remove the `...` line, or what follows"


_RULES: tuple[_Rule, ...] = (
    ("mapping values are not allowed", _colon),
    ("could not find expected ':'", _no_colon),
    ("scanning a quoted scalar: found unexpected", _unclosed),
    ("escape", _escape),
    ("parsing a flow ", _bracket),
    ("found character .*that cannot start", _cannot_start),
    ("scanning an (alias|anchor)", _alias),
    ("tag", _tag),
    ("irective|incompatible YAML", _directive),
    ("parsing a block (mapping|collection)", _indented),
    ("sequence entries are not allowed", _dash),
    ("node content", _no_value),
    ("document start", _document),
)
_AT_THE_START = frozenset({_RULES[2][0], _RULES[4][0], _RULES[6][0], "could not find expected ':'"})


def _span(mark: yaml.Mark | None, source: Source) -> Span:
    """One character at the mark; the end of the last written line when the mark is beyond the text."""
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
