"""``{port}`` and its kin in commands and environment values; other braces stay as they are (JSON, formats)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from pilotage.core.release import Run
from pilotage.errors import Problem

KNOWN = ("host", "port", "root", "version", "instance", "folder")

_NAMES = "|".join(KNOWN)
_TOKEN = re.compile(rf"\{{\{{({_NAMES})\}}\}}|\{{({_NAMES})\}}")
_BARE = re.compile(r"\{([A-Za-z_]+)\}")
_NEAR = 0.75


def filled(text: str, values: Mapping[str, str]) -> str:
    """Each ``{port}`` replaced once; ``{{port}}`` becomes ``{port}``."""
    return _TOKEN.sub(lambda token: f"{{{token[1]}}}" if token[1] else values[token[2]], text)


def problems(run: Run) -> list[Problem]:
    """All that is nearly a placeholder. A manifest is refused for the same; a release may come without one."""
    texts = [(f"command[{number}]", text) for number, text in enumerate(run.command)]
    texts += [(f"environment.{name}", text) for name, text in run.environment.items()]
    return [problem for where, text in texts for problem in _problems(where, text)]


def _problems(where: str, text: str) -> Iterator[Problem]:
    for name in _BARE.findall(text):
        meant = _meant(name)
        if meant is not None:
            yield Problem(
                code="target.unknown-placeholder",
                what=f"{{{name}}} in {where} is no placeholder",
                why=text,
                mend=f"did you mean {{{meant}}}?",
            )


def _meant(name: str) -> str | None:
    """None for a placeholder, and for what has nothing to do with one."""
    if name in KNOWN:
        return None
    swapped = [known for known in KNOWN if sorted(known) == sorted(name.lower())]
    close = swapped or difflib.get_close_matches(name.lower(), KNOWN, 1, _NEAR)
    return close[0] if close else None
