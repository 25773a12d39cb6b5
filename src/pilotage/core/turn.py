"""The values of one call of decide: what was seen, what to do, and the turn while it is being made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pilotage.core import events as e
from pilotage.core import world
from pilotage.core.flags import FlagSeen, FlagState
from pilotage.core.fleet import Instance, Preparation
from pilotage.core.hooks import Program, Sighting
from pilotage.core.inputs import Inputs
from pilotage.core.judging import Verdict
from pilotage.core.returning import no_return
from pilotage.core.routing import RouterSeen, Routing
from pilotage.core.state import State, apply, may_stay
from pilotage.core.steps import Verify
from pilotage.core.values import Frozen
from pilotage.errors import Problem

SOON = timedelta(seconds=0.25)
"""While something outside is on its way: an instance starting, a router applying."""
TICK = timedelta(seconds=1)
"""While users see the new version."""
RECHECK = timedelta(seconds=30)
"""While waiting for a time or a person: the world is still looked at now and then."""
REPEAT = timedelta(seconds=3)
"""An effect that was asked for and does not show is asked for again after this."""


class PrepareArtifact(Frozen):
    release: str


class Start(Frozen):
    release: str
    numbers: tuple[int, ...]


class Stop(Frozen):
    instances: tuple[str, ...]


class Route(Frozen):
    routing: Routing


class SetFlag(Frozen):
    flag: FlagState


class RunChecks(Frozen):
    """``at_preview``: through the router's preview address; else straight to each healthy instance."""

    step: Verify
    attempt: int
    instances: tuple[Instance, ...]
    at_preview: bool


class RunProgram(Frozen):
    """``key``: begun at most once for ever."""

    key: str
    program: Program


Command = PrepareArtifact | Start | Stop | Route | RunChecks | RunProgram | SetFlag


@dataclass(frozen=True)
class Effect:
    """A command with the intent it is recorded under (Intended, then Done or Failed)."""

    key: str
    value: str
    command: Command


@dataclass(frozen=True)
class EnvironmentSeen:
    """Who holds the environment (a rollout's id) and which release is live."""

    holder: str | None
    live: str | None


@dataclass(frozen=True)
class CheckReport:
    """What an attempt of RunChecks found."""

    release: str
    attempt: int
    passed: int
    failures: dict[str, str]


@dataclass(frozen=True)
class Seen:
    """Everything observed in one pass."""

    instances: tuple[Instance, ...] | None = None
    router: RouterSeen | None = None
    flag: FlagSeen | None = None
    preparations: dict[str, Preparation] = field(default_factory=dict)
    hooks: dict[str, Sighting] = field(default_factory=dict)
    """By name: of the current attempts."""
    checked: dict[str, bool] = field(default_factory=dict)
    """By name: whether a hook of which nobody knows was done, as its check says."""
    revision: str | None = None
    """Of the database, when a step changes it; None: it could not be read."""
    report: CheckReport | None = None
    verdict: Verdict | None = None
    judged_at: datetime | None = None
    """When the telemetry behind the verdict was read."""
    inputs: Inputs | None = None
    """What the verdict was made of."""
    messages: tuple[e.Message, ...] = ()
    environment: EnvironmentSeen | None = None
    trouble: tuple[Problem, ...] = ()
    """What could not be looked at, and why."""


@dataclass(frozen=True)
class Decision:
    state: State
    events: tuple[e.Event, ...]
    effects: tuple[Effect, ...]
    wake: datetime | None
    """When to look again; None: never (final)."""


@dataclass
class Turn:
    """One call of decide, while it is being made."""

    state: State
    seen: Seen
    now: datetime
    events: list[e.Event] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)
    problem: Problem | None = None
    _wanted: tuple[State, Routing] | None = None

    def record(self, event: e.Event) -> None:
        self.events.append(event)
        self.state = apply(self.state, event)

    def wake_in(self, delay: timedelta) -> None:
        self.wakes.append(self.now + delay)

    def trouble(self, problem: Problem) -> None:
        """Says what keeps the rollout waiting; the first of a turn is told."""
        self.problem = self.problem or problem

    @property
    def fresh_verdict(self) -> Verdict | None:
        """The verdict, if it is about this step: a pass at one share says nothing about the next."""
        at = self.seen.judged_at
        return self.seen.verdict if at is not None and at > self.state.entered else None

    @property
    def instances(self) -> tuple[Instance, ...]:
        return self.seen.instances or ()

    @property
    def wanted(self) -> Routing:
        """What the router should show now; made once for each state, because its digest costs something."""
        if self._wanted is None or self._wanted[0] is not self.state:
            self._wanted = self.state, world.routing(self.state, self.instances, self.now)
        return self._wanted[1]

    @property
    def confirmed(self) -> bool:
        """The router shows exactly what is wanted now, or nobody is to be served and nothing serves."""
        if self.seen.router is None or self.seen.instances is None:
            return False
        router = self.seen.router
        if router.revision is None and (not router.running or router.rejected is not None):
            # No routing of ours is in effect at all: that is what serving nobody means.
            return not any(split.share for split in self.wanted.splits)
        return self.seen.router.revision == self.wanted.revision

    def turn_back(
        self,
        cause: e.Cause,
        *why: str,
        problem: Problem | None = None,
        by: str = e.PILOTAGE,
        whole: bool = False,
    ) -> None:
        """Past the point of no return it holds instead: there is no version to go back to. A feature alone can
        always be taken back."""
        event = e.TurnedBack(at=self.now, by=by, cause=cause, why=why, problem=problem, whole=whole)
        crossed = self.state.past_return
        if crossed is not None and not may_stay(self.state, event):
            self.trouble(no_return(self.state, crossed, *why))
            self.wake_in(TICK)
            return
        self.record(event)
