"""Evidence: a statement of what was really done and seen, known by its content, that holds for a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Literal

from pilotage.core.release import Release, Requirement
from pilotage.core.values import Frozen, Instant, digest


class Reach(StrEnum):
    """How far a release went before it was taken back."""

    WHOLE = "whole"
    """Promoted: the whole method was walked."""
    EXPOSED = "exposed"
    """Users could see the new version; no further."""
    NOT_EXPOSED = "not-exposed"
    """It ended before anybody could see it."""


class Statement(Frozen):
    """A rollback that was rehearsed, and whether everything was as before after it."""

    kind: Literal["rollback-rehearsal"] = "rollback-rehearsal"
    service: str
    environment: str
    method: str
    release: str
    artifact: str
    """``sha256:…`` of what was released: of its content, or of its pinned requirements."""
    plan: str
    """The digest of the plan."""
    new: str
    """The version that was released, and taken back."""
    old: str
    """The version that was there before, and came back."""
    rollouts: tuple[str, ...]
    """In which it was done; their events are the record."""
    reached: Reach
    failures: tuple[str, ...] = ()
    """What was not as it must be; none: it has passed."""
    unseen: float | None = None
    """Seconds from the order to go back until the router was seen to send nobody to the new version."""
    back: float | None = None
    """Seconds from the order until everything was as before."""
    by: str
    at: Instant
    valid_until: Instant

    @property
    def passed(self) -> bool:
        return not self.failures

    @cached_property
    def digest(self) -> str:
        return digest(self)


def artifact_digest(release: Release) -> str:
    """By content: the same on every machine."""
    artifact = release.artifact
    if isinstance(artifact, Requirement):
        return digest(artifact)
    return f"sha256:{artifact.sha256}"


def newest(statements: Iterable[Statement], method: str) -> Statement | None:
    """The last one about this method: an older one is not better for having passed."""
    return max((one for one in statements if one.method == method), key=lambda one: one.at, default=None)


def proven(statements: Iterable[Statement], method: str, now: datetime) -> Statement | None:
    """The statement that shows that the way back of this method works; None when none does, now."""
    found = newest(statements, method)
    return found if found is not None and found.passed and now < found.valid_until else None
