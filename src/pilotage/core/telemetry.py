"""What a source of telemetry is asked for, and what it answers: readings of both versions, as plain values."""

from __future__ import annotations

from pydantic import Field

from pilotage.core.judging import Arm
from pilotage.core.release import Release
from pilotage.core.values import Frozen, Instant


class Watched(Frozen):
    """The two versions that are compared, and where. ``old`` is None on a first release.

    With ``variants`` both are the new version: ``old`` stands for the users without a feature, who have the
    first variant of its flag, and ``new`` for those with it, who have the second.
    """

    service: str
    environment: str
    new: Release
    old: Release | None = None
    variants: tuple[str, str] | None = None

    def variant(self, release: Release) -> str | None:
        """That of the users whom one of the two stands for; None: versions are compared."""
        if self.variants is None:
            return None
        return self.variants[0 if release == self.old else 1]


def of_variants(service: str, environment: str, release: Release, off: str, on: str) -> Watched:
    """The users of one version, with and without a feature."""
    without = release.once_more(f"without {on}")
    return Watched(service=service, environment=environment, new=release, old=without, variants=(off, on))


class Reading(Frozen):
    """One look at both versions, as a source sees them at ``at``.

    Counters are cumulative within one ``epoch`` (None: the source can not say; a fall tells of a restart).
    An arm is None when nothing is known of that version; a field is left out or None when it is not known now.
    ``notes`` tell people what was left out and why (a stale series, two where one was meant, a gap): such data
    is never used, and never a verdict.
    """

    at: Instant
    old: Arm | None = None
    new: Arm | None = None
    epoch: str | None = None
    latency_bounds: tuple[float, ...] = ()
    """Upper bounds of ``latency_bucket`` in seconds, without +Inf."""
    notes: tuple[str, ...] = Field(default=())


__all__ = ["Arm", "Reading", "Watched", "of_variants"]
