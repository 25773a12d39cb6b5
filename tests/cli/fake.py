"""An App that plays a written history: what commands get, without a store, a worker or a process.

Every look at the events lets a few more of the play happen, so a watch comes to its end without waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pilotage.core import events as e
from pilotage.core.environment import Environment, Glance, follow
from pilotage.core.evidence import Statement
from pilotage.core.judging import Snapshot
from pilotage.core.plan import Plan
from pilotage.core.readiness import Tick
from pilotage.core.state import State, fold
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.judge.mends import Trouble
from pilotage.judge.planner import Forecast
from pilotage.ports import StoreError
from pilotage.usecases.diagnosing import Finding
from pilotage.usecases.readying import Assessed
from views import scripted as s


@dataclass
class FakeStore:
    play: s.Play
    happened: int = 1
    pace: int = 1
    glances: Glance | None = None
    answer: Callable[[e.Order], list[e.Event]] = lambda order: []
    heard: list[Snapshot] = field(default_factory=list)

    @property
    def state(self) -> State:
        return fold(s.ID, self.play.events[: self.happened])

    def _known(self, id: str) -> None:
        if id != s.ID:
            problem = Problem(code="rollout.unknown", what=f"there is no rollout {id}", mend=f"perhaps {s.ID}")
            raise StoreError(problem, exit_code=ExitCode.UNREACHABLE)

    async def events(self, rollout: str, after: int = 0) -> tuple[e.Event, ...]:
        self._known(rollout)
        if after:
            self.happened = min(self.happened + self.pace, len(self.play.events))
        return tuple(self.play.events[after : self.happened])

    async def rollout(self, id: str) -> State:
        self._known(id)
        return self.state

    async def rollouts(
        self,
        service: str | None = None,
        environment: str | None = None,
        *,
        unfinished: bool = False,
        limit: int = 50,
    ) -> list[State]:
        del service, environment, limit
        return [] if unfinished and self.state.status.final else [self.state]

    async def glance(self, rollout: str) -> Glance | None:
        del rollout
        return self.glances

    async def snapshots(self, rollout: str, after: int = 0) -> list[tuple[int, Snapshot]]:
        del rollout
        return [(number, one) for number, one in enumerate(self.heard, start=1) if number > after]

    async def pruned(self, rollout: str) -> None:
        del rollout

    async def statements(self, service: str) -> tuple[Statement, ...]:
        del service
        return ()

    async def environments(self) -> list[Environment]:
        return [self.environment_now]

    @property
    def environment_now(self) -> Environment:
        empty = Environment(service="catalogue", name="production", holder=s.ID)
        return follow(empty, s.ID, self.play.plan, self.play.events[: self.happened])


@dataclass
class FakeClock:
    play: s.Play

    def now(self) -> datetime:
        return self.play.now


@dataclass
class FakeApp:
    """``done`` lists what commands asked for, in order."""

    play: s.Play = field(default_factory=s.succeeded)
    done: list[str] = field(default_factory=list)
    going_back: Plan | None = None
    fault: BaseException | None = None
    closed: bool = False
    service: str = "catalogue"
    manifest: Any = None
    foreseen: tuple[Forecast, tuple[Trouble, ...]] | None = None
    ready: Assessed | None = None
    state_folder: Path = Path(".pilotage")

    def __post_init__(self) -> None:
        self.store = FakeStore(self.play)
        self.clock = FakeClock(self.play)

    def _do(self, what: str) -> None:
        self.done.append(what)
        if self.fault is not None:
            raise self.fault

    async def known(self, environment: str | None) -> Environment:
        if environment not in (None, "production"):
            problem = Problem(
                code="environment.which", what="which environment?", mend="name one of: production"
            )
            raise PilotageError(problem, exit_code=ExitCode.USAGE)
        return self.store.environment_now

    async def find(self, rollout: str | None, environment: str | None = None) -> State:
        del environment
        return await self.store.rollout(rollout or s.ID)

    async def plan(self, environment: str | None, version: str, *, again: bool = False) -> Plan:
        self._do(f"plan {version} to {environment}{' again' * again}")
        return self.play.plan

    async def foresee(self, plan: Plan) -> tuple[Forecast, tuple[Trouble, ...]] | None:
        del plan
        return self.foreseen

    async def plan_of(self, version: str | None, environment: str | None, file: Path | None = None) -> Plan:
        self._do(f"plan of {version} to {environment}")
        return self.play.plan

    async def readiness(
        self, plan: Plan, file: Path | None = None, at: datetime | None = None
    ) -> Assessed | None:
        del plan, file, at
        return self.ready

    async def tick(
        self, plan: Plan, step: str, file: Path | None = None, *, by: str, note: str = "", done: bool = True
    ) -> Tick:
        self._do(f"tick {step} by {by} {note}{'' if done else ' undone'}".strip())
        return Tick(plan=plan.digest, step=step, by=by, at=self.play.now, note=note, done=done)

    async def release(
        self, plan: Plan, *, by: str, reason: str = "", supersede: bool = False, file: Path | None = None
    ) -> State:
        self._do(f"release {plan.new.version} {reason}{' supersede' * supersede}".strip())
        return self.store.state

    async def rollback_plan(self, environment: str | None) -> Plan | State:
        del environment
        return self.going_back or self.store.state

    async def rollback(self, environment: str | None, *, by: str, reason: str = "") -> State:
        self._do(f"rollback {environment} {reason}".strip())
        return self.store.state

    async def order(self, rollout: State, order: e.Order, *, by: str, reason: str = "") -> e.Message:
        self._do(f"{order.value} {reason}".strip())
        answer = self.store.answer(order)
        happened = self.play.events[: self.store.happened]
        self.play.events[:] = [
            *happened,
            *answer,
            e.Heard(at=self.play.now, upto=1),
            *self.play.events[self.store.happened :],
        ]
        return e.Message(number=1, order=order, by=by, at=self.play.now, reason=reason)

    async def ensure_worker(self) -> None:
        return

    async def run_worker(
        self,
        *,
        until_idle: bool = False,
        environments: Collection[str] | None = None,
        watching: object = None,
    ) -> None:
        self._do(" ".join(["work", *["until idle"] * until_idle, *(environments or ())]))

    async def logs(self, wanted: str | None, environment: str | None, lines: int) -> list[tuple[str, str]]:
        self._do(f"logs {wanted} {environment} {lines}")
        return [(f"{s.NEW.id}.1", "started\n\x1b[2Jlistening\n")]

    async def down(self, environment: str | None, *, by: str = "") -> list[str]:
        self._do(f"down {environment}")
        return [f"{s.OLD.id}.1", "the envoy on 127.0.0.1:8080"]

    async def diagnose(self) -> list[Finding]:
        return [Finding("python", "ok", "3.11"), Finding("proxy", "fail", "none", "install it")]

    async def close(self) -> None:
        self.closed = True
