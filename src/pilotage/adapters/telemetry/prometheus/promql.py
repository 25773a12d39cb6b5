"""PromQL with placeholders: ``http_requests_total{version="{version}"}``. Pure.

A placeholder stands in a quoted text and nowhere else, and its value is escaped for that text (and for the
regular expression, after ``=~`` and ``!~``): no version, however strange, can mean anything but itself.
Source: *Querying Prometheus*, "Expression language data types", for the escapes of its three kinds of quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pilotage.adapters.telemetry.placeholders import APART, OF_ONE, misspelt

_PARTS = re.compile(
    r"""(?P<quoted>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?P<raw>`[^`]*`)|(?P<comment>\#[^\n]*)"""
    r"""|(?P<open>["'`].*)|(?P<plain>[^"'`\#]+)""",
    re.DOTALL,
)
_NAMED = re.compile(r"\{(" + "|".join(OF_ONE) + r")\}")
_REGEX = re.compile(r"[=!]~\s*$")
_SELECTOR = re.compile(r"\s*(?:[a-zA-Z_:][a-zA-Z0-9_:]*\s*(?:\{[^{}]*\})?|\{[^{}]*\})\s*")
_SUMS = re.compile(r"\b(?:sum|avg|min|max|count|group|topk|bottomk|quantile|stddev|stdvar|count_values)\b")
_NO_COUNTER = re.compile(r"\b(rate|irate|increase|delta|idelta|deriv|\w+_over_time)\s*\(")


class _Part(NamedTuple):
    kind: str
    text: str
    regex: bool
    """A quoted text that is a regular expression."""


def fill(query: str, values: Mapping[str, str]) -> str:
    """``query`` with the values of its placeholders; ``trouble`` must have found none with it."""

    def put(part: _Part) -> str:
        if part.kind != "quoted":
            return part.text
        return _NAMED.sub(lambda found: _escaped(values[found[1]], part.text[0], regex=part.regex), part.text)

    return "".join(map(put, _parts(query)))


def trouble(query: str, *, cumulative: bool, apart: bool = True) -> str | None:
    """Why this query can not be used; None: it can. ``cumulative``: a counter or a histogram is wanted.
    ``apart``: it must tell the versions apart."""
    parts = list(_parts(query))
    if not query.strip():
        return "it is empty"
    if any(part.kind == "open" for part in parts):
        return "a quote is not closed"
    if any(part.kind != "quoted" and _NAMED.search(part.text) for part in parts):
        return 'a placeholder stands outside of a text in "…"'
    named = {name for part in parts for name in _NAMED.findall(part.text)}
    if found := misspelt(" ".join(part.text for part in parts if part.kind == "quoted"), OF_ONE):
        return found
    if apart and not named & set(APART):
        return "without {version} or {release} it can not tell the two versions apart"
    if cumulative and (function := _NO_COUNTER.search(_skeleton(query))):
        return f"{function[1]}(…) is no cumulative counter: give the counter itself, increments are taken here"
    return None


def is_selector(query: str) -> bool:
    """Whether it is a plain selector of series, whose samples can be had with their own times."""
    return _SELECTOR.fullmatch(_skeleton(query)) is not None


def sums(query: str) -> bool:
    """Whether several series may be one in the answer: then a fall tells of no restart."""
    return _SUMS.search(_skeleton(query)) is not None


def of_the_last(selector: str, seconds: float) -> str:
    """All samples of a plain selector in so many seconds."""
    plain = "".join(part.text for part in _parts(selector) if part.kind != "comment").strip()
    return f"{plain}[{max(1, round(seconds * 1000))}ms]"


def exactly(labels: Iterable[tuple[str, str]]) -> str:
    """A selector of the series that have these labels."""
    pairs = (f'{name}="{_escaped(value, chr(34), regex=False)}"' for name, value in sorted(labels))
    return f"{{{','.join(pairs)}}}"


def any_of(label: str, values: list[str]) -> str:
    """A matcher for any of these values of a label."""
    return f'{label}=~"{"|".join(_escaped(value, chr(34), regex=True) for value in values)}"'


def _parts(query: str) -> Iterator[_Part]:
    before = ""
    for found in _PARTS.finditer(query):
        kind = str(found.lastgroup)
        yield _Part(kind, found[0], kind == "quoted" and _REGEX.search(before) is not None)
        if kind != "comment":
            before = found[0]


def _skeleton(query: str) -> str:
    """Without what stands in quotes and comments."""
    return "".join(
        '""' if part.kind in ("quoted", "raw") else "" if part.kind == "comment" else part.text
        for part in _parts(query)
    )


def _escaped(value: str, quote: str, *, regex: bool) -> str:
    if regex:
        value = re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", value)
    value = value.replace("\\", "\\\\").replace(quote, f"\\{quote}").replace("\n", "\\n")
    return re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\x{ord(found[0]):02x}", value)
