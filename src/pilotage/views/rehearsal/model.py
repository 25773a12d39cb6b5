"""What there is to show of a rehearsal."""

from __future__ import annotations

from pilotage.core.values import Duration, Frozen, Instant
from pilotage.rehearsal.outcome import Ending, Moment
from pilotage.rehearsal.spread import Odds, Spread
from pilotage.views.foresight import ForesightView


class StepView(Frozen):
    """One step as it went; counts are of the new version, within it."""

    number: int
    back: bool
    kind: str
    title: str
    began: Duration
    lasted: Duration
    share: int
    of: str
    requests: int
    failed: int
    failed_because_of_it: float
    """Those that would not have failed on the old version."""
    users: int
    """Different ones that had seen it by then."""
    instances: int
    note: str


class CaseView(Frozen):
    """A new version that is worse in one way, over several runs."""

    name: str
    caught: Odds
    after: Spread | None
    """Seconds from its beginning until it was taken back."""
    failed_because_of_it: Spread
    users: Spread
    requests: Spread


class PersonView(Frozen):
    """A person is needed at this step."""

    number: int
    title: str
    since: Duration
    until: Duration | None


class RehearsalView(Frozen):
    service: str
    environment: str
    method: str
    old: str | None
    new: str
    digest: str
    begin: Instant
    seed: int
    assumed: tuple[str, ...]
    """Where each figure of the model comes from."""
    requests_per_second: tuple[float, float]
    """In the quietest hour of the week, and in the busiest."""
    errors: float
    users: int
    faults: tuple[str, ...]
    ending: Ending
    took: Duration
    exposed_after: Duration | None
    turned_after: Duration | None
    promoted_after: Duration | None
    why: tuple[str, ...]
    steps: tuple[StepView, ...]
    moments: tuple[Moment, ...]
    people: tuple[PersonView, ...]
    instances: int
    """Of both sides, at the peak …"""
    usual: int
    """… and before."""
    requests: int
    failed: int
    failed_because_of_it: float
    users_exposed: int
    good: Odds
    fine: Spread | None
    """Seconds until a version as good as the old one is promoted."""
    cases: tuple[CaseView, ...]
    sees: ForesightView | None
    looks: int
    sparse: Duration
