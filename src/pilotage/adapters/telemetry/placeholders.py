"""``{service}``, ``{version}`` and their like in the settings of a source."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping

from pilotage.core.release import Release
from pilotage.core.telemetry import Watched

OF_ONE = ("service", "environment", "version", "release")
"""Where one version is meant."""
OF_BOTH = ("service", "environment", "old_version", "old_release", "new_version", "new_release")
"""Where both are; those of the old one are empty on a first release."""
_BRACES = re.compile(r"\{([A-Za-z_]+)\}")
_NEAR = 0.7


def of_one(watched: Watched, release: Release) -> dict[str, str]:
    named = {"version": release.version, "release": release.id}
    return {"service": watched.service, "environment": watched.environment, **named}


def of_both(watched: Watched) -> dict[str, str]:
    old = watched.old
    return {
        "service": watched.service,
        "environment": watched.environment,
        "old_version": old.version if old else "",
        "old_release": old.id if old else "",
        "new_version": watched.new.version,
        "new_release": watched.new.id,
    }


def fill(text: str, values: Mapping[str, str], quote: Callable[[str], str] = str) -> str:
    """With the values in place of what is known; other braces stay as they are."""
    return _BRACES.sub(lambda found: quote(values[found[1]]) if found[1] in values else found[0], text)


def misspelt(text: str, known: Iterable[str]) -> str | None:
    """What is nearly a placeholder, and was meant to be one: a sentence about it."""
    names = tuple(known)
    for name in _BRACES.findall(text):
        near = () if name in names else difflib.get_close_matches(name.lower(), names, 1, _NEAR)
        if near:
            return f"`{{{name}}}` is not a placeholder: did you mean `{{{near[0]}}}`?"
    return None
