"""fold(events): the only place where the state of a rollout is made."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from functools import reduce
from typing import assert_never

from pydantic import Field

from pilotage.core import events as e
from pilotage.core.comparing import Reconciliation
from pilotage.core.hooks import Outcome as HookOutcome
from pilotage.core.hooks import Ran
from pilotage.core.judging import Outcome, Verdict
from pilotage.core.plan import Plan
from pilotage.core.steps import Flag, Hook, Judge, Mirror, Pause, Retire, Step
from pilotage.core.values import Frozen, Instant
from pilotage.errors import Problem


class Status(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    ROLLING_BACK = "rolling-back"
    SUCCEEDED = "succeeded"
    ROLLED_BACK = "rolled-back"
    VOID = "void"

    @property
    def final(self) -> bool:
        return self in (Status.SUCCEEDED, Status.ROLLED_BACK, Status.VOID)


class Intent(Frozen):
    """The last effect begun under a key: what, when, and whether its side accepted it."""

    value: str
    at: Instant
    done: bool = False


class State(Frozen):
    """A rollout, folded from its events. Never changed otherwise."""

    id: str
    plan: Plan
    status: Status
    created: Instant
    by: str
    queued_behind: str | None = None
    position: int = 0
    """Index of the current step: of ``plan.steps``, or of ``plan.way_back`` when turned back."""
    reached: int = 0
    """The furthest forward step ever entered."""
    entered: Instant
    """When the current step began."""
    started: Instant | None = None
    exposed_at: Instant | None = None
    """When users first saw the new version."""
    shares: dict[str, int] = Field(default_factory=dict)
    """The last confirmed shares, by release."""
    groups: dict[str, int] = Field(default_factory=dict)
    """The last confirmed groups that see the new version, each with its share of them."""
    revision: str | None = None
    """The last confirmed revision of the routing."""
    intents: dict[str, Intent] = Field(default_factory=dict)
    prepared: dict[str, str] = Field(default_factory=dict)
    """Release → digest of its artifact."""
    attempts: int = 0
    """At the current step's checks."""
    last_check: dict[str, str] | None = None
    checked_at: Instant | None = None
    verdict: Verdict | None = None
    sick: dict[str, Instant] = Field(default_factory=dict)
    """Releases that should serve and have no healthy instance, since when."""
    draining: dict[str, Instant] = Field(default_factory=dict)
    """Instances to be stopped, since when no new request reaches them."""
    drained: tuple[str, ...] = ()
    paused_by: str | None = None
    pause_reason: str = ""
    continued: bool = False
    """A person let the current step go on."""
    continued_by: str = ""
    continue_reason: str = ""
    """Who let something go on last, and why."""
    continue_all: bool = False
    reconciled: Reconciliation | None = None
    """The last report of a parallel run that was recorded."""
    signed_off: str | None = None
    """The digest of the report that a person has signed off."""
    turned_back_at: Instant | None = None
    cause: e.Cause | None = None
    why: tuple[str, ...] = ()
    problem: Problem | None = None
    failures: int = 0
    """Effects that failed in a row."""
    failed_at: Instant | None = None
    promoted: str | None = None
    """The release that this rollout last made the environment's version."""
    promoted_at: Instant | None = None
    hooks: dict[str, Ran] = Field(default_factory=dict)
    """By name: those that have ended, or are to be begun again."""
    flag_share: int = 0
    """Of the users who have the feature, as last read back."""
    flag_revision: str | None = None
    """The last confirmed revision of the flag."""
    flagged_at: Instant | None = None
    """When users first had the feature."""
    stays: bool = False
    """Turned back so far only that the new version stays live without its feature."""
    heard: int = 0
    finished: Instant | None = None
    events: int = 0

    @property
    def back(self) -> bool:
        return self.turned_back_at is not None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The list that is being walked."""
        if not self.back:
            return self.plan.steps
        return self.plan.way_back[: self.plan.dark] if self.stays else self.plan.way_back

    @property
    def step(self) -> Step | None:
        """The current step; None when all are done."""
        return self.steps[self.position] if self.position < len(self.steps) else None

    @property
    def warm(self) -> bool:
        """Promoted, and only what may be left to the next rollout is left: the old side's retirement, a hook
        that waits for a person."""
        step = self.step
        waits = isinstance(step, Hook) and step.approval and not self.begun(step)
        return self.released and (isinstance(step, Retire) or waits)

    @property
    def released(self) -> bool:
        """Promoted, and what is left to do does not touch the new version: nothing is judged any more."""
        promoted = self.status is Status.RUNNING and self.promoted == self.plan.new.id
        ramps = any(isinstance(step, Flag) for step in self.plan.steps[self.position :])
        return promoted and isinstance(self.step, Retire | Hook) and not ramps

    def attempt(self, hook: str) -> Ran:
        """What is recorded of the current attempt at a hook."""
        return self.hooks.get(hook, FIRST)

    def begun(self, hook: Hook) -> bool:
        """Whether the current attempt was recorded as intended: it may have been begun."""
        return run_key(hook.name, self.attempt(hook.name).attempt) in self.intents

    @property
    def past_return(self) -> Hook | None:
        """The hook after which the old version cannot come back, if it may have been done; one that left the
        database as it was has not."""
        for step in self.plan.steps:
            breaks = isinstance(step, Hook) and step.breaks == self.plan.new.id and not step.reversible
            if isinstance(step, Hook) and breaks and self._may_have_been_done(step):
                return step
        return None

    def _may_have_been_done(self, hook: Hook) -> bool:
        ran, begun = self.attempt(hook.name), self.begun(hook)
        if ran.outcome is HookOutcome.FAILED or (ran.attempt > 1 and not begun):
            return hook.migration is None or ran.revision != hook.migration.before
        return begun

    @property
    def compared_at(self) -> datetime | None:
        """Since when there is something to compare: users see the new version, or have its feature."""
        return self.exposed_at if self.plan.feature is None else self.flagged_at

    @property
    def compared_share(self) -> int:
        """Of those who see the new version, or have its feature."""
        return self.shares.get(self.plan.new.id, 0) if self.plan.feature is None else self.flag_share


FIRST = Ran()


def run_key(hook: str, attempt: int) -> str:
    """The key of the intent to begin an attempt at a hook: each is begun once."""
    return f"run:{hook}:{attempt}"


def begin(id: str, event: e.Created) -> State:
    """The state after the first event."""
    status = Status.QUEUED if event.queued_behind else Status.RUNNING
    return State(
        id=id,
        plan=event.plan,
        status=status,
        created=event.at,
        by=event.by,
        queued_behind=event.queued_behind,
        entered=event.at,
        started=None if event.queued_behind else event.at,
        events=1,
    )


def fold(id: str, events: Iterable[e.Event]) -> State:
    """All events, in order, make the state. ValueError when they do not begin with a Created."""
    rest = iter(events)
    first = next(rest, None)
    if not isinstance(first, e.Created):
        raise ValueError("a rollout's history begins with its creation")
    return reduce(apply, rest, begin(id, first))


def apply(state: State, event: e.Event) -> State:
    """The state after one more event."""
    changes = _changes(state, event)
    return state.model_copy(update={**changes, "events": state.events + 1})


def _changes(state: State, event: e.Event) -> dict[str, object]:  # one flat table of what each event means
    match event:
        case e.Created():
            raise ValueError("a rollout is created once")
        case e.Started(at=at):
            return {"status": Status.RUNNING, "started": at, "entered": at}
        case e.StepFinished():
            return _next_step(state, event.at)
        case e.Intended(key=key, value=value, at=at):
            return {"intents": {**state.intents, key: Intent(value=value, at=at)}}
        case e.Done(key=key):
            return {"intents": _done(state, key), "failures": 0, "failed_at": None}
        case e.Failed(problem=problem, at=at):
            return {"failures": state.failures + 1, "failed_at": at, "problem": problem}
        case e.Prepared(release=release, digest=digest):
            return {"prepared": {**state.prepared, release: digest}}
        case e.Checked(failures=failures, at=at):
            return {"attempts": state.attempts + 1, "last_check": failures, "checked_at": at}
        case e.Exposed(shares=shares, groups=groups, revision=revision, first=first, at=at):
            seen = {"exposed_at": at} if first else {}
            return {"shares": shares, "groups": groups, "revision": revision, **seen}
        case e.DriftSeen():
            return {"revision": None, "intents": {k: v for k, v in state.intents.items() if k != "route"}}
        case e.Ramped(share=share, revision=revision, first=first, at=at):
            had = {"flagged_at": at} if first else {}
            return {"flag_share": share, "flag_revision": revision, **had}
        case e.FlagDrifted():
            return {"flag_revision": None, "intents": {k: v for k, v in state.intents.items() if k != "flag"}}
        case e.HealthLost(release=release, at=at):
            return {"sick": {**state.sick, release: at}}
        case e.HealthRegained(release=release, at=at):
            # What was held while one side was down was not held as planned: the time counts anew.
            entered = at if isinstance(state.step, Judge | Mirror | Pause) else state.entered
            return {"sick": {k: v for k, v in state.sick.items() if k != release}, "entered": entered}
        case e.Judged(verdict=verdict):
            return {"verdict": verdict}
        case e.Reconciled(report=report):
            return {"reconciled": report}
        case e.SignedOff(digest=digest):
            return {"signed_off": digest}
        case e.DrainStarted(instances=instances, at=at):
            return {"draining": {**state.draining, **dict.fromkeys(instances, at)}}
        case e.DrainEnded(instances=instances):
            return {"drained": tuple(sorted({*state.drained, *instances}))}
        case e.Paused(by=by, reason=reason):
            return {"paused_by": by, "pause_reason": reason}
        case e.Resumed():
            return {"paused_by": None, "pause_reason": ""}
        case e.Continued():
            return _go_on(state, event)
        case e.TurnedBack():
            return _turn_back(state, event)
        case e.HookEnded():
            return {"hooks": {**state.hooks, event.hook: _ran(event)}}
        case e.HookAgain(hook=hook, attempt=attempt):
            again = state.attempt(hook).model_copy(update={"attempt": attempt, "outcome": None})
            return {"hooks": {**state.hooks, hook: again}, "problem": None}
        case e.Promoted(release=release, at=at):
            return {"promoted": release, "promoted_at": at}
        case e.ProblemRaised(problem=problem):
            return {"problem": problem}
        case e.ProblemCleared():
            return {"problem": None}
        case e.Refused():
            return {}
        case e.Heard(upto=upto):
            return {"heard": upto}
        case e.Finished(ending=ending, at=at):
            return {"status": Status(ending.value), "finished": at, "problem": None}
        case _:
            assert_never(event)


def _go_on(state: State, event: e.Continued) -> dict[str, object]:
    return {
        "continued": True,
        "continue_all": state.continue_all or event.full,
        "continued_by": event.by,
        "continue_reason": event.reason,
        "paused_by": None,
    }


def _next_step(state: State, at: datetime) -> dict[str, object]:
    position = state.position + 1
    return {
        "position": position,
        "reached": state.reached if state.back else max(state.reached, position),
        "entered": at,
        "attempts": 0,
        "last_check": None,
        "checked_at": None,
        "continued": False,
        "failures": 0,
        "failed_at": None,
        "problem": None,
        "verdict": _undecided_again(state.verdict),
    }


def _undecided_again(verdict: Verdict | None) -> Verdict | None:
    """A pass is the permission for one step; the next one is earned anew."""
    return None if verdict is None or verdict.outcome is Outcome.PASS else verdict


def _done(state: State, key: str) -> dict[str, Intent]:
    intent = state.intents.get(key)
    if intent is None:
        return state.intents
    return {**state.intents, key: intent.model_copy(update={"done": True})}


def _ran(event: e.HookEnded) -> Ran:
    return Ran(
        attempt=event.attempt,
        outcome=event.outcome,
        detail=event.detail,
        tail=event.tail,
        revision=event.revision,
        at=event.at,
    )


def may_stay(state: State, event: e.TurnedBack) -> bool:
    """Whether it is enough to take the feature back: its version is live, well, and nobody asked for more."""
    live = bool(state.plan.dark) and state.promoted == state.plan.new.id
    return live and not event.whole and event.cause is not e.Cause.UNHEALTHY


def _turn_back(state: State, event: e.TurnedBack) -> dict[str, object]:
    return {
        "status": Status.ROLLING_BACK,
        "stays": may_stay(state, event),
        "turned_back_at": event.at,
        "cause": event.cause,
        "why": event.why,
        "problem": None,
        "reached": state.position,
        "position": 0,
        "entered": event.at,
        "attempts": 0,
        "last_check": None,
        "checked_at": None,
        "continued": False,
        "paused_by": None,
        "failures": 0,
        "failed_at": None,
        "draining": {},
        "drained": (),
    }
