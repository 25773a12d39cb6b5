"""Problems drawn four ways: for a terminal, for programs, for GitHub's annotations, for SARIF readers.

Pure: the same problems give the same text. Colours are the terminal's business, not ours.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from pilotage.errors import Place, Problem

_WIDTH = 100
"""Columns of a drawn line; a longer one is cropped around its caret."""
_TAB = 4


def as_text(problems: Iterable[Problem], *, warnings: Iterable[Problem] = ()) -> str:
    """For people: place, code and sentence; the line; the caret; why; the way to mend it."""
    blocks = [_block(problem, "") for problem in problems]
    blocks += [_block(problem, "warning: ") for problem in warnings]
    return "\n\n".join(blocks) + ("\n" if blocks else "")


def as_json(problems: Iterable[Problem], *, warnings: Iterable[Problem] = ()) -> str:
    """``{"problems": [...], "warnings": [...]}``; each is a Problem without its empty fields."""
    data = {"problems": [_data(problem) for problem in problems], "warnings": [_data(one) for one in warnings]}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def as_github(problems: Iterable[Problem], *, warnings: Iterable[Problem] = ()) -> str:
    """Workflow commands, one line each: a runner shows them beside the changed lines."""
    lines = [_annotation("error", problem) for problem in problems]
    lines += [_annotation("warning", problem) for problem in warnings]
    return "".join(line + "\n" for line in lines)


def as_sarif(problems: Iterable[Problem], *, warnings: Iterable[Problem] = (), version: str = "") -> str:
    """SARIF 2.1.0 (OASIS); ``version`` is Pilotage's own."""
    leveled = [("error", one) for one in problems] + [("warning", one) for one in warnings]
    codes = sorted({problem.code for _, problem in leveled})
    driver: dict[str, Any] = {"name": "Pilotage", "rules": [{"id": code} for code in codes]}
    if version:
        driver["version"] = version
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(level, problem, codes) for level, problem in leveled],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def drawn_width(text: str) -> int:
    """Terminal columns, by East Asian width; joined emoji count as their first."""
    width, joined = 0, False
    for sign in text:
        if sign == "\u200d":
            joined = True
        elif not joined:
            width += _columns(sign)
        else:
            joined = False
    return width


def _columns(sign: str) -> int:
    if unicodedata.category(sign) in ("Mn", "Me", "Cf") or "\U0001f3fb" <= sign <= "\U0001f3ff":
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _block(problem: Problem, level: str) -> str:
    lines = [f"{_spot(problem.where)}{level}{problem.code}: {problem.what}"]
    if problem.where:
        lines += _excerpt(problem.where)
    lines += _hanging("why", problem.why) + _hanging("mend", problem.mend) + _hanging("see", problem.link)
    return "\n".join(lines)


def _spot(where: Place | None) -> str:
    if where is None:
        return ""
    parts = [where.file, where.line, where.column if where.line else None]
    return ":".join(str(part) for part in parts if part is not None) + ": "


def _hanging(name: str, text: str | None) -> list[str]:
    if not text:
        return []
    first, *rest = text.splitlines() or [""]
    return [f"  {name}: {first}", *(f"  {' ' * len(name)}  {line}" for line in rest)]


def _excerpt(where: Place) -> list[str]:
    """The line as written, and carets under the place in it."""
    if where.text is None or where.column is None:
        return []
    start = min(max(where.column - 1, 0), len(where.text))
    end = min(start + max(where.length, 1), max(len(where.text), start + 1))
    far = 2 * _WIDTH  # what is farther away is cropped in any case, and a line may be a megabyte
    before = where.text[max(start - far, 0) : start]
    marked, after = where.text[start:end][:far], where.text[end : end + far]
    before, marked, after = _cropped(*(_printable(part) for part in (before, marked, after)))
    carets = "^" * max(drawn_width(marked), 1)
    return ["  " + before + marked + after, "  " + " " * drawn_width(before) + carets]


def _printable(text: str) -> str:
    """Tabs as four spaces; what would move the cursor or end the line as a question mark."""
    return "".join(_sign(sign) for sign in text)


def _sign(sign: str) -> str:
    if sign == "\t":
        return " " * _TAB
    return "\ufffd" if unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Cs") or sign in _TURNING else sign


_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def _cropped(before: str, marked: str, after: str) -> tuple[str, str, str]:
    """At most so wide; the marked part stays, with some of what stands around it."""
    if drawn_width(before) + drawn_width(marked) + drawn_width(after) <= _WIDTH:
        return before, marked, after
    marked = _start(marked, _WIDTH - 20)
    room = _WIDTH - drawn_width(marked)
    after = _start(after, max(room - drawn_width(before), room // 2))
    before = _end(before, room - drawn_width(after))
    return before, marked, after


def _start(text: str, room: int) -> str:
    if drawn_width(text) <= room:
        return text
    kept, width = 0, 0
    while width + _columns(text[kept]) < room:
        width += _columns(text[kept])
        kept += 1
    return text[:kept] + "…"


def _end(text: str, room: int) -> str:
    return text if drawn_width(text) <= room else _start(text[::-1], room)[::-1]


def _data(problem: Problem) -> dict[str, Any]:
    return problem.model_dump(mode="json", exclude_none=True)


def _annotation(level: str, problem: Problem) -> str:
    """https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands"""
    properties: dict[str, object] = {}
    where = problem.where
    if where is not None:
        properties["file"] = where.file
        if where.line is not None:
            properties["line"] = where.line
            if where.column is not None:
                properties |= {"col": where.column, "endColumn": where.column + where.length}
    properties["title"] = problem.code
    settings = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in properties.items())
    return f"::{level} {settings}::{_escaped(_message(problem))}"


def _escaped(text: str, more: str = "") -> str:
    return re.sub(f"[%\r\n{more}]", lambda sign: f"%{ord(sign[0]):02X}", text)


def _message(problem: Problem) -> str:
    parts = [problem.what, problem.why and f"Why: {problem.why}", problem.mend and f"Mend: {problem.mend}"]
    return "\n".join(part for part in parts if part)


def _result(level: str, problem: Problem, codes: Sequence[str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": codes.index(problem.code),
        "level": level,
        "message": {"text": _message(problem)},
    }
    if problem.where is not None:
        result["locations"] = [{"physicalLocation": _physical(problem.where)}]
    return result


def _physical(where: Place) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(where.file)}}
    if where.line is not None:
        region: dict[str, Any] = {"startLine": where.line}
        if where.column is not None:
            region |= {"startColumn": where.column, "endColumn": where.column + where.length}
        if where.text is not None:
            region["snippet"] = {"text": where.text}
        location["region"] = region
    return location


def _uri(file: str) -> str:
    """A relative reference, or file:// for an absolute path; what a URI may not hold is escaped."""
    path = file.replace("\\", "/")
    if re.match(r"[A-Za-z]:/", path):
        return f"file:///{path[:2]}{_escaped_path(path[2:])}"
    return f"file://{_escaped_path(path)}" if path.startswith("/") else _escaped_path(path)


def _escaped_path(path: str) -> str:
    return "".join(
        sign if sign.isascii() and (sign.isalnum() or sign in "/._-~") else _percent(sign) for sign in path
    )


def _percent(sign: str) -> str:
    return "".join(f"%{byte:02X}" for byte in sign.encode("utf-8", "surrogateescape"))
