"""Commits by the rules of Conventional Commits 1.0.0: kind, scope, whether it breaks something, and the text.

https://www.conventionalcommits.org/en/v1.0.0/. A commit that keeps to no rule is ``other``.
"""

from __future__ import annotations

import re

from pilotage.core.values import Frozen

_SUBJECT = re.compile(r"(?P<kind>[A-Za-z]+)(?:\((?P<scope>[^()]+)\))?(?P<breaks>!)?: (?P<text>.+)")
_FOOTER = re.compile(r"^BREAKING[ -]CHANGE: (?P<text>.+)$", re.MULTILINE)
OTHER = "other"


class Commit(Frozen):
    id: str
    kind: str
    scope: str = ""
    text: str
    breaks: str = ""
    """What it breaks, in words; empty: nothing."""


def commit_of(id: str, subject: str, body: str = "") -> Commit:
    found = _SUBJECT.fullmatch(subject.strip())
    footer = _FOOTER.search(body)
    broken = footer["text"].strip() if footer else ""
    if found is None:
        return Commit(id=id, kind=OTHER, text=subject.strip(), breaks=broken)
    text = found["text"].strip()
    return Commit(
        id=id,
        kind=found["kind"].lower(),
        scope=(found["scope"] or "").strip(),
        text=text,
        breaks=broken or (text if found["breaks"] else ""),
    )
