"""What a source of telemetry is asked for, and what it answers: readings of both versions, as plain values."""

from __future__ import annotations

from pydantic import Field

from pilotage.core.judging import Arm
from pilotage.core.release import Release
from pilotage.core.values import Frozen, Instant


class Watched(Frozen):
    """The two versions that are compared, and where. ``old`` is None on a first release."""

    service: str
    environment: str
    new: Release
    old: Release | None = None


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


__all__ = ["Arm", "Reading", "Watched"]
