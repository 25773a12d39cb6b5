"""The step language: every method compiles to these, and the engine knows nothing else.

Each step is a wanted state of the world, safe to apply twice. Releases are named by id.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from pilotage.core.flags import FlagState
from pilotage.core.hooks import Migration, Program
from pilotage.core.judging import Worse
from pilotage.core.routing import ByRequest, Mirroring, Pin, Split, SplitKey
from pilotage.core.values import EVERYBODY, Duration, Frozen, Growing
from pilotage.core.windows import Start, Windows


class Gate(Frozen):
    """Exposure may grow now: not before its start, while one window of each set is open (core/gating.py)."""

    kind: Literal["gate"] = "gate"
    start: Start | None = None
    windows: tuple[Windows, ...] = ()
    """Those of a wave, those of the environment: one of each must be open."""


class Prepare(Frozen):
    """The artifact is here and is what it says it is."""

    kind: Literal["prepare"] = "prepare"
    release: str
    timeout: Duration = timedelta(minutes=15)


class Scale(Frozen):
    """So many healthy instances; what is over the number is drained, then stopped."""

    kind: Literal["scale"] = "scale"
    release: str
    instances: int = Field(ge=0)
    timeout: Duration = timedelta(minutes=5)


class Check(Frozen):
    """One request to the preview address before any user: what must come back."""

    name: str
    method: str = "GET"
    path: str
    headers: dict[str, str] = Field(default_factory=dict)
    body: str | None = None
    status: int = 200
    contains: str | None = None
    within: Duration = timedelta(seconds=10)


class Verify(Frozen):
    """Every check passes against this release on its preview address."""

    kind: Literal["verify"] = "verify"
    release: str
    checks: tuple[Check, ...]
    attempts: int = Field(default=3, ge=1)


class Expose(Frozen):
    """This audience is served by these releases. No split at all: nobody is served (maintenance)."""

    kind: Literal["expose"] = "expose"
    splits: tuple[Split, ...]
    key: SplitKey = ByRequest()
    pins: tuple[Pin, ...] = ()
    timeout: Duration = timedelta(seconds=60)

    @model_validator(mode="after")
    def _sum(self) -> Expose:
        if sum(split.share for split in self.splits) not in (0, EVERYBODY):
            raise ValueError("shares must sum to everybody, or to nobody")
        return self

    def share(self, release: str) -> int:
        return sum(split.share for split in self.splits if split.release == release)

    def groups(self, release: str) -> dict[str, int]:
        """The groups that see this release, in order, each with its share of them."""
        return {pin.group: pin.share for pin in self.pins if pin.release == release}

    def shows(self, release: str) -> bool:
        """Whether any user sees this release."""
        return self.share(release) > 0 or bool(self.groups(release))

    def wider_than(self, other: Expose, release: str) -> bool:
        """Whether somebody sees this release here who does not there."""
        if self.share(release) == EVERYBODY or other.share(release) == EVERYBODY:
            return self.share(release) > other.share(release)
        there = {_told_by(pin): pin.share for pin in other.pins if pin.release == release}
        pins = [pin for pin in self.pins if pin.release == release]
        more = any(pin.share > there.get(_told_by(pin), 0) for pin in pins)
        return more or self.share(release) > other.share(release)


def _told_by(pin: Pin) -> tuple[str | None, str | None, str, tuple[str, ...]]:
    return pin.header, pin.cookie, pin.value, pin.more


class Undecided(StrEnum):
    HOLD = "hold"
    ROLLBACK = "rollback"


class NoWinner(StrEnum):
    """What happens when an A/B test ends and neither version has won."""

    OLD = "old"
    NEW = "new"
    ASK = "ask"
    """A person chooses."""


class Choose(Frozen):
    """Which of two versions stays: the one that this declared measure of the judge speaks for."""

    measure: str
    worse: Worse
    line: float = Field(gt=0)
    """The new version wins when it is shown to do better than this many times as well, the old one when it is
    shown not to: 1.02 is at least two per cent better, 0.98 at most two per cent worse."""
    no_winner: NoWinner = NoWinner.ASK
    each: float = Field(default=20.0, ge=1)
    """So many requests count as one user when the versions' shares are compared."""


class Judge(Growing):
    """The judge lets the new version go on, after at least this long. ``at_most``: then ``undecided``."""

    added: ClassVar[tuple[str, ...]] = ("requests", "choose")

    kind: Literal["judge"] = "judge"
    at_least: Duration = timedelta(0)
    at_most: Duration | None = None
    undecided: Undecided = Undecided.HOLD
    requests: int = Field(default=0, ge=0)
    """So many of the new version must have been judged at this step, however sure the judge is before."""
    choose: Choose | None = None
    """It ends with a choice between both versions (core/choosing.py), and not as soon as it may go on."""


class Differing(StrEnum):
    """What happens when answers are shown to differ beyond noise."""

    ROLLBACK = "rollback"
    HOLD = "hold"
    """A person reads the report, and may sign it off all the same."""


class Mirror(Frozen):
    """Copies of requests go to the new version, answers compared, never returned; the report is signed off.

    Reconciled after at least so long and so many compared requests, when the difference beyond noise is shown
    to be below ``mirroring.most``. ``at_most``: then ``undecided``.
    """

    kind: Literal["mirror"] = "mirror"
    mirroring: Mirroring
    at_least: Duration = timedelta(0)
    requests: int = Field(default=1000, ge=1)
    at_most: Duration | None = None
    undecided: Undecided = Undecided.HOLD
    differing: Differing = Differing.ROLLBACK
    sign_off: bool = True
    timeout: Duration = timedelta(seconds=60)
    """For the router's confirmation."""


class Pause(Growing):
    """Wait so long, or until a person continues (None)."""

    added: ClassVar[tuple[str, ...]] = ("ask", "why")

    kind: Literal["pause"] = "pause"
    duration: Duration | None = None
    ask: tuple[str, ...] = ()
    """Who is asked, by name or role, as the plan's author calls them; empty: anybody."""
    why: str = ""
    """What they are asked for: ``sign-off of the pilot``."""


class Promote(Frozen):
    """This release is the version of the environment."""

    kind: Literal["promote"] = "promote"
    release: str


class Retire(Frozen):
    """Kept warm so long, then drained, then stopped."""

    kind: Literal["retire"] = "retire"
    release: str
    keep_warm: Duration = timedelta(0)
    drain: Duration = timedelta(seconds=30)
    """How long requests and streams in flight may take to end before the instances are stopped."""


class Hook(Frozen):
    """A program has done its work, exactly once: what cannot be a wanted state (core/running.py)."""

    kind: Literal["run"] = "run"
    name: str
    """Unique in a plan: what is recorded and never done twice is known by it."""
    title: str
    """What it does, as an imperative: ``Widen the database``."""
    program: Program
    check: Program | None = None
    """Says whether it was done: exit code 0 yes, 1 no, any other: not known."""
    repeatable: bool = False
    """Whether it does no harm when it is done twice."""
    attempts: int = Field(default=1, ge=1)
    """How often a repeatable one is tried before it counts as failed."""
    approval: bool = False
    """Whether a person must let it begin."""
    undoes: str | None = None
    """On the way back: the hook that this one takes back; nothing is done when that was never begun."""
    migration: Migration | None = None
    breaks: str | None = None
    """The release whose predecessors cannot live with what this leaves."""
    reversible: bool = False
    """Whether the way back has a hook that takes this one back, with everything that was there before."""


class Flag(Frozen):
    """This flag is so: a rule with its share of users, or exactly what was there before."""

    kind: Literal["flag"] = "flag"
    flag: FlagState
    timeout: Duration = timedelta(seconds=60)


Step = Annotated[
    Gate | Prepare | Scale | Verify | Expose | Mirror | Judge | Pause | Hook | Promote | Retire | Flag,
    Field(discriminator="kind"),
]
