"""Several sources' readings made one, figure by figure.

A figure has one owner: the first source, in the plan's order, that has ever known it. While its owner does not
answer the figure is not known: another source's counter in its place would be read as traffic that never was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from pilotage.core.judging import Arm
from pilotage.core.routing import Counters, Telemetry
from pilotage.core.sight import Sight
from pilotage.core.telemetry import Reading, Watched
from pilotage.core.values import digest

Readings = Sequence[Reading | None]
"""One of each source, in the plan's order; None: it did not answer."""


class Merger:
    """Remembers who owns which figure."""

    def __init__(self) -> None:
        self._owners: dict[str, int] = {}
        self._epochs: dict[int, str | None] = {}

    def merge(self, readings: Readings, at: datetime) -> Reading:
        """The one reading. ``notes`` are those of all, one after the other.

        An arm is None when everybody answers and nobody knows anything of that version; it is without figures
        when somebody who had some is silent. The epoch is another one when the owner of a figure is another
        one, or has begun anew.
        """
        for place, reading in enumerate(readings):
            if reading is not None:
                self._epochs[place] = reading.epoch
                for name in _known(reading):
                    self._owners[name] = min(place, self._owners.get(name, place))
        latency = self._owned(readings, "latency_bucket")
        return Reading(
            at=at,
            old=self._side(readings, "old"),
            new=self._side(readings, "new"),
            epoch=self._epoch(len(readings)),
            latency_bounds=latency.latency_bounds if latency else (),
            notes=tuple(note for reading in readings if reading is not None for note in reading.notes),
        )

    def _side(self, readings: Readings, side: Literal["old", "new"]) -> Arm | None:
        arms = [None if reading is None else getattr(reading, side) for reading in readings]
        silent = any(readings[place] is None for place in self._owners.values())
        if not silent and all(arm is None for arm in arms):
            return None
        found = {name: _figures(arms[place]).get(name) for name, place in self._owners.items()}
        shards = self._shards(arms)
        return Arm(**{name: value for name, value in found.items() if value is not None}, shards=shards)

    def _shards(self, arms: Sequence[Arm | None]) -> tuple[Arm, ...] | None:
        """Those of whoever counts the requests; their latency only if the whole's comes from there too."""
        owner = self._owners.get("requests")
        arm = None if owner is None else arms[owner]
        if arm is None or arm.shards is None or self._owners.get("latency_bucket") == owner:
            return arm.shards if arm else None
        return tuple(shard.model_copy(update={"latency_bucket": None}) for shard in arm.shards)

    def _owned(self, readings: Readings, name: str) -> Reading | None:
        owner = self._owners.get(name)
        return None if owner is None else readings[owner]

    def _epoch(self, sources: int) -> str | None:
        if sources == 1:
            return self._epochs.get(0)
        epochs = {str(place): self._epochs.get(place) for place in set(self._owners.values())}
        return digest({"owners": self._owners, "epochs": epochs})[7:23]


def router_reading(telemetry: Telemetry, watched: Watched, at: datetime, looks: Sight | None = None) -> Reading:
    """The router's own counters as any other source's; of a group, when the judge looks at one."""
    looks = looks or Sight()
    group = telemetry.groups.get(looks.group, {}) if looks.group else telemetry.counters
    others = group if looks.compared else telemetry.counters
    return Reading(
        at=at,
        old=_counted(others.get(watched.old.id) if watched.old is not None else None),
        new=_counted(group.get(watched.new.id)),
        epoch=telemetry.epoch,
        latency_bounds=telemetry.latency_bounds,
    )


def merge_histories(histories: Sequence[Sequence[Reading]]) -> tuple[Reading, ...]:
    """The past as one: the times are those of the source with the most readings; the others' nearest readings
    join them, no further away than half a usual step."""
    longest = max(range(len(histories)), key=lambda place: len(histories[place]), default=None)
    if longest is None or not histories[longest]:
        return ()
    times = [reading.at for reading in histories[longest]]
    slack = (times[-1] - times[0]) / (2 * max(1, len(times) - 1))
    merger = Merger()
    return tuple(merger.merge([_nearest(one, at, slack) for one in histories], at) for at in times)


def without_latency(reading: Reading, note: str) -> Reading:
    """The reading without its latency, because its buckets are not those that were meant."""
    bare = {
        side: None if arm is None else arm.model_copy(update={"latency_bucket": None, "shards": _bare(arm)})
        for side, arm in (("old", reading.old), ("new", reading.new))
    }
    return reading.model_copy(update={**bare, "latency_bounds": (), "notes": (*reading.notes, note)})


def _bare(arm: Arm) -> tuple[Arm, ...] | None:
    if arm.shards is None:
        return None
    return tuple(shard.model_copy(update={"latency_bucket": None}) for shard in arm.shards)


def _nearest(readings: Sequence[Reading], at: datetime, slack: timedelta) -> Reading | None:
    near = min(readings, key=lambda reading: abs(reading.at - at), default=None)
    return near if near is not None and abs(near.at - at) <= slack else None


def _known(reading: Reading) -> set[str]:
    return set(_figures(reading.old)) | set(_figures(reading.new))


def _figures(arm: Arm | None) -> Mapping[str, Any]:
    """What is known of an arm, by name; without its shards."""
    if arm is None:
        return {}
    own = {"requests": arm.requests, "errors": arm.errors, "latency_bucket": arm.latency_bucket}
    return {name: value for name, value in (own | (arm.model_extra or {})).items() if value is not None}


def _counted(counters: Counters | None) -> Arm | None:
    if counters is None:
        return None
    return Arm(
        requests=counters.requests,
        errors=counters.errors,
        latency_bucket=counters.latency_bucket or None,
        inflight=counters.inflight,
    )
