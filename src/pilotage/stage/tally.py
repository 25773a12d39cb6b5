"""What came of a run, step by step: filled in while it is played."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pilotage.core import events as e
from pilotage.core.judging import Outcome
from pilotage.core.state import State, Status
from pilotage.rehearsal.outcome import Ending, Episode, Moment, Stretch, Waiting
from pilotage.stage.users import Counted, Crossing


@dataclass
class Tally:
    """``elapsed``: seconds since the beginning."""

    router: Crossing
    elapsed: Callable[[], float]
    usual: int
    instances: int = 0
    most: int = 0
    looks: int = 0
    sparse: float = 0.0
    stretches: list[Stretch] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    waits: list[Waiting] = field(default_factory=list)
    _began: float = 0.0
    _before: Counted = field(default_factory=Counted)
    _state: State | None = None
    _passed: bool = False
    """In this step: it may doubt and pass again many times, which is told once."""

    def looked(self, instances: int) -> None:
        self.looks += 1
        self.instances, self.most = max(self.instances, instances), max(self.most, instances)

    def waited(self, seconds: float, *, exposed: bool) -> None:
        if exposed:
            self.sparse = max(self.sparse, seconds)

    def heard(self, state: State, events: tuple[e.Event, ...]) -> None:
        """Of every commit."""
        self.router.flow()
        for event in events:
            match event:
                case e.StepFinished(index=index, back=back, note=note):
                    self._close(state, index, back=back, note=note)
                case e.TurnedBack():
                    if self._state is not None and self._state.step is not None:
                        self._close(state, self._state.position, back=False, note="taken back")
                case _:
                    self._tell(event)
        self._state = state

    def tell(self, what: str, *, bad: bool = False) -> None:
        self.moments.append(Moment(at=self._now(), what=what, bad=bad))

    def _tell(self, event: e.Event) -> None:
        match event:
            case e.Judged(verdict=verdict) if verdict.outcome is Outcome.FAIL:
                self.tell("judged worse: " + " ".join(verdict.why), bad=True)
            case e.Judged(verdict=verdict) if verdict.outcome is Outcome.PASS and not self._passed:
                self._passed = True
                self.tell("judged fit to go on")
            case e.ProblemRaised(problem=problem):
                self.tell(problem.what, bad=True)
            case e.HealthLost(release=release):
                self.tell(f"{release} has no healthy instance", bad=True)
            case e.HealthRegained(release=release):
                self.tell(f"{release} is healthy again")
            case _:
                pass

    def _close(self, state: State, index: int, *, back: bool, note: str) -> None:
        counted = self.router.counted.get(self.router.new, Counted())
        before, now = self._before, self.elapsed()
        self.stretches.append(
            Stretch(
                index=index,
                back=back,
                began=timedelta(seconds=self._began),
                ended=timedelta(seconds=now),
                share=state.shares.get(self.router.new, 0),
                requests=counted.requests - before.requests,
                failed=counted.errors - before.errors,
                extra=counted.extra - before.extra,
                users=self.router.crowd.exposed,
                instances=self.instances,
                note=note,
            )
        )
        self._before = Counted(requests=counted.requests, errors=counted.errors, extra=counted.extra)
        self._began, self.instances, self._passed = now, 0, False

    def _now(self) -> timedelta:
        return timedelta(seconds=self.elapsed())

    def episode(self, state: State, seed: int) -> Episode:
        """At the end, or where nobody waited any longer."""
        self.router.flow()
        held = not state.status.final
        if held:
            self._close(state, state.position, back=state.back, note="still here")
        counted = self.router.counted.get(self.router.new, Counted())
        went_back = state.turned_back_at is not None
        return Episode(
            seed=seed,
            ending=Ending.HELD if held else _ending(state),
            took=self._now(),
            exposed_at=_after(state, state.exposed_at),
            turned_at=_after(state, state.turned_back_at),
            promoted_at=None if went_back else _after(state, state.promoted_at),
            why=_waiting_for(state) if held else state.why,
            stretches=tuple(self.stretches),
            moments=tuple(self.moments),
            waits=tuple(self.waits),
            requests=counted.requests,
            failed=counted.errors,
            extra=counted.extra,
            users=self.router.crowd.exposed,
            instances=self.most,
            usual=self.usual,
            looks=self.looks,
            sparse=timedelta(seconds=self.sparse),
        )


def _ending(state: State) -> Ending:
    return Ending.SUCCEEDED if state.status is Status.SUCCEEDED else Ending.ROLLED_BACK


def _after(state: State, at: datetime | None) -> timedelta | None:
    return None if at is None else at - state.created


def _waiting_for(state: State) -> tuple[str, ...]:
    if state.problem is not None:
        return tuple(one for one in (state.problem.what, state.problem.why) if one)
    return state.verdict.why if state.verdict is not None else ()
