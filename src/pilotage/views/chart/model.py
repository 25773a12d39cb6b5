"""What there is to draw of one measure over time."""

from __future__ import annotations

from collections.abc import Iterator

from pilotage.core.judging import Kind, Outcome, Role
from pilotage.core.values import Frozen


class Point(Frozen):
    """The measure at one look. ``t`` is in seconds since the new version first got traffic.

    ``old`` and ``new`` are figures since the share last changed; ``low`` … ``high`` is new/old with 95 %
    confidence at every look (None: unbounded). ``worse`` and ``fine`` are the limits as multiples of ``old``.
    ``against`` and ``for_`` are 0 … 1: how far the evidence is towards taking back, and towards going on.
    """

    t: float
    share: float
    """Of the traffic, on the new version: 0 … 1."""
    old: float | None = None
    new: float | None = None
    low: float | None = None
    high: float | None = None
    worse: float | None = None
    fine: float | None = None
    against: float = 0.0
    for_: float = 0.0

    @property
    def ratio(self) -> float | None:
        return self.new / self.old if self.new is not None and self.old else None


class Step(Frozen):
    """From ``t`` on the new version had this share of the traffic, 0 … 1."""

    t: float
    share: float


class Turn(Frozen):
    """At ``t`` the verdict became another one. ``blamed``: this measure decided."""

    t: float
    outcome: Outcome
    blamed: bool = False


class Chart(Frozen):
    """One measure of one rollout. ``stretches`` have a gap in the telemetry between them: never join them."""

    measure: str
    kind: Kind = Kind.COUNT
    role: Role = Role.MUST
    less: bool = False
    """Less is worse: the limit is below."""
    ceiling: float | None = None
    """An absolute limit of ``new``; then there are no ratios to draw."""
    old_version: str = "old"
    new_version: str = "new"
    where: str = ""
    """``shop in production``."""
    confidence: float = 0.95
    start: float
    end: float
    """Seconds; the chart's time axis."""
    stretches: tuple[tuple[Point, ...], ...] = ()
    steps: tuple[Step, ...] = ()
    turns: tuple[Turn, ...] = ()

    @property
    def points(self) -> Iterator[Point]:
        return (point for stretch in self.stretches for point in stretch)

    @property
    def last(self) -> Point | None:
        return self.stretches[-1][-1] if self.stretches else None

    @property
    def gaps(self) -> tuple[tuple[float, float], ...]:
        """(from, until) in seconds, between the stretches."""
        return tuple(
            (before[-1].t, after[0].t)
            for before, after in zip(self.stretches, self.stretches[1:], strict=False)
        )
