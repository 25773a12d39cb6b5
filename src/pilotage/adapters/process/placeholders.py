"""``{port}`` and its kin in commands and environment values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from pilotage.core.release import Run
from pilotage.errors import Problem

KNOWN = ("host", "port", "root", "version", "instance", "folder")

_TOKEN = re.compile(r"\{\{|\}\}|\{([a-z]+)\}|[{}]")


def filled(text: str, values: Mapping[str, str]) -> str:
    """With each placeholder replaced once, ``{{`` and ``}}`` by single braces. ``text`` has no problems."""
    return _TOKEN.sub(lambda token: values[token[1]] if token[1] else token[0][0], text)


def problems(run: Run) -> list[Problem]:
    """Every placeholder that does not exist and every lone brace."""
    texts = [(f"command[{number}]", text) for number, text in enumerate(run.command)]
    texts += [(f"environment.{name}", text) for name, text in run.environment.items()]
    return [problem for where, text in texts for problem in _problems(where, text)]


def _problems(where: str, text: str) -> Iterator[Problem]:
    for token in _TOKEN.finditer(text):
        if token[1] is None and len(token[0]) == 1:
            yield Problem(
                code="target.lone-brace",
                what=f"a single {token[0]} in {where}",
                why=text,
                mend=f"write {token[0] * 2} for a brace; placeholders are {_all()}",
            )
        elif token[1] is not None and token[1] not in KNOWN:
            close = difflib.get_close_matches(token[1], KNOWN, 1)
            yield Problem(
                code="target.unknown-placeholder",
                what=f"{token[0]} in {where} is no placeholder",
                why=text,
                mend=(f"did you mean {{{close[0]}}}? " if close else "") + f"There are {_all()}",
            )


def _all() -> str:
    return ", ".join(f"{{{name}}}" for name in KNOWN)
