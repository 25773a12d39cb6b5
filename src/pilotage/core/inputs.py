"""What a verdict was made of, as one digest, so that it can be made again and compared.

The digest is chained: that of the settings first, then for each snapshot sha256 over the digest before it and
the snapshot's canonical JSON. So it can be kept up look by look, and a restart only needs the last one.
"""

from __future__ import annotations

import hashlib
import json

from pilotage.core.judging import JudgeSettings, Snapshot
from pilotage.core.values import Frozen, digest


class Inputs(Frozen):
    """Everything that the judge had heard when it said something."""

    snapshots: int
    """So many; the number of the last one in the recording."""
    digest: str
    latency_bounds: tuple[float, ...] = ()
    """As the telemetry said, where the plan's settings leave them open."""

    def settings(self, planned: JudgeSettings) -> JudgeSettings:
        """The judge's settings: the plan's, with the bounds that the telemetry had."""
        return planned.model_copy(update={"latency_bounds": self.latency_bounds})

    def and_then(self, snapshot: Snapshot) -> Inputs:
        """After one snapshot more."""
        chained = hashlib.sha256(f"{self.digest}\n{canonical(snapshot)}".encode()).hexdigest()
        return Inputs(
            snapshots=self.snapshots + 1, digest=f"sha256:{chained}", latency_bounds=self.latency_bounds
        )


def nothing_heard(settings: JudgeSettings) -> Inputs:
    """Before the first snapshot."""
    return Inputs(snapshots=0, digest=digest(settings), latency_bounds=settings.latency_bounds)


def canonical(snapshot: Snapshot) -> str:
    """One text for one snapshot: sorted keys, no spaces, without what is null; NaN and Infinity as such."""
    return json.dumps(snapshot.model_dump(exclude_none=True), sort_keys=True, separators=(",", ":"))
