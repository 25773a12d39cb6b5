"""``{service}``, ``{version}`` and their like in the settings of a source."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping

from pilotage.core.release import Release
from pilotage.core.telemetry import Watched

OF_ONE = ("service", "environment", "version", "release", "variant")
"""Where one version is meant, or the users with one variant of a flag."""
APART = ("version", "release", "variant")
"""Those of them that are not the same for both."""
OF_BOTH = (
    *("service", "environment", "old_version", "old_release", "new_version", "new_release"),
    *("old_variant", "new_variant"),
)
"""Where both are; those of the old one are empty on a first release."""
_BRACES = re.compile(r"\{([A-Za-z_]+)\}")
_NEAR = 0.7


def of_one(watched: Watched, release: Release) -> dict[str, str]:
    variant = watched.variant(release)
    running = release if variant is None else watched.new
    named = {"version": running.version, "release": running.id, "variant": variant or ""}
    return {"service": watched.service, "environment": watched.environment, **named}


def of_both(watched: Watched) -> dict[str, str]:
    sides = (("old", watched.old), ("new", watched.new))
    named = {
        f"{side}_{name}": of_one(watched, release)[name] if release else ""
        for side, release in sides
        for name in APART
    }
    return {"service": watched.service, "environment": watched.environment, **named}


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
