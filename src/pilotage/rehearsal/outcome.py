"""What came of rehearsing a plan: of one run, of one way to be worse, of all."""

from __future__ import annotations

from enum import StrEnum

from pilotage.core.values import Duration, Frozen, Instant
from pilotage.rehearsal.fault import Fault
from pilotage.rehearsal.model import Service
from pilotage.rehearsal.spread import Odds, Spread


class Ending(StrEnum):
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled-back"
    HELD = "held"
    """It stood at one step for longer than was waited for."""


class Stretch(Frozen):
    """One step as it went. Counts are of the new version, within the step."""

    index: int
    """Of the plan's steps, or of its way back."""
    back: bool
    began: Duration
    """After the beginning of the rollout."""
    ended: Duration
    share: int
    """Of the new version, at the end."""
    requests: int
    failed: int
    extra: float
    """Of them those that would not have failed on the old version."""
    users: float
    """Different users who had seen it by then."""
    instances: int
    """Of both sides, at most."""
    note: str = ""


class Moment(Frozen):
    """Something that happened between."""

    at: Duration
    what: str
    bad: bool = False


class Waiting(Frozen):
    """A time at which a person is needed."""

    index: int
    since: Duration
    until: Duration | None
    """None: nobody came."""


class Episode(Frozen):
    """One run of the plan. Times are after the beginning of the rollout."""

    seed: int
    ending: Ending
    took: Duration
    exposed_at: Duration | None
    turned_at: Duration | None
    promoted_at: Duration | None
    why: tuple[str, ...]
    """Why it was taken back, or what it waits for."""
    stretches: tuple[Stretch, ...]
    moments: tuple[Moment, ...]
    waits: tuple[Waiting, ...]
    requests: int
    failed: int
    extra: float
    users: float
    instances: int
    """Of both sides, at most."""
    usual: int
    """Before."""
    looks: int
    """So often the world was looked at."""
    sparse: Duration
    """The longest time between two looks while users saw the new version."""

    @property
    def caught(self) -> bool:
        """Taken back after users had seen it."""
        return self.turned_at is not None and self.exposed_at is not None

    @property
    def exposed_for(self) -> float | None:
        """Seconds from the first user until it was taken back."""
        if self.turned_at is None or self.exposed_at is None:
            return None
        return (self.turned_at - self.exposed_at).total_seconds()


class Case(Frozen):
    """One way to be worse, over several runs."""

    faults: tuple[Fault, ...]
    caught: Odds
    after: Spread | None
    """Seconds from its beginning until it was taken back, where it was."""
    extra: Spread
    """Requests that fail and would not have on the old version, until the end of each run."""
    failed: Spread
    users: Spread
    requests: Spread
    """Those that the new version got."""


class Rehearsal(Frozen):
    """All of it. ``episode`` is told step by step; the others count."""

    service: str
    environment: str
    digest: str
    """Of the plan that was rehearsed."""
    seed: int
    begin: Instant
    model: Service
    faults: tuple[Fault, ...]
    episode: Episode
    fine: Spread | None
    """Seconds until it is promoted, of versions as good as the old one; None: it never was."""
    good: Odds
    """How often such a version was promoted."""
    cases: tuple[Case, ...]
