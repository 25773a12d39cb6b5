"""Hooks in the simulation: programs that take their time, fail, or end unseen; and what they really did."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from pilotage.core.events import Order
from pilotage.core.hooks import Outcome, Phase, Program, Sighting
from pilotage.core.plan import Plan
from pilotage.core.state import State
from pilotage.core.steps import Hook
from pilotage.simulate.trouble import now
from pilotage.strategies.hooks import Moment, Placed, command, woven
from pilotage.testing.runner import FakeRunner

FATES = ("ends",) * 6 + ("fails", "ends unseen", "vanishes", "vanishes")


class TimedRunner(FakeRunner):
    """What was begun comes to its end by itself, seen or not. ``done``: who did something, whenever it does."""

    def __init__(self) -> None:
        super().__init__()
        self.done: Callable[[str], None] = lambda _: None
        self.did: list[str] = []
        """The keys whose work was really done."""
        self._ends: dict[str, float] = {}

    async def start(self, key: str, program: Program) -> None:
        if key not in self.begun:
            self._ends[key] = now() + Random(f"lasts {key}").uniform(0.2, 5.0)
        await super().start(key, program)

    async def sight(self, key: str) -> Sighting:
        self.pass_time()
        known = self.begun.get(key)
        if known is None:
            return Sighting(phase=Phase.NEVER, place=self.place)
        return Sighting(phase=known.phase, place=self.place, code=known.code)

    async def check(self, program: Program) -> bool | None:
        self.pass_time()
        rollout, name = program.commands[0][1:]
        return any(key.startswith(f"{rollout}/run:{name}:") for key in self.did)

    def pass_time(self) -> None:
        """What was due by now has happened."""
        for key, known in self.begun.items():
            if known.phase is Phase.RUNNING and now() >= self._ends[key]:
                fate = Random(f"fate {key}").choice(FATES)
                known.phase = Phase.LOST if fate in ("ends unseen", "vanishes") else Phase.ENDED
                known.code = {"ends": 0, "fails": 1}.get(fate)
                if fate in ("ends", "ends unseen"):
                    self.did.append(key)
                    self.done(key)


def with_errands(plan: Plan, chance: Random, rollout: str) -> Plan:
    """The plan with some hooks, now and then. ``rollout``: what its checks look for."""
    if chance.random() < 0.6:
        return plan
    moments = [moment for moment in Moment if chance.random() < 0.4]
    return woven(plan, [_errand(moment, chance, rollout) for moment in moments])


def _errand(moment: Moment, chance: Random, rollout: str) -> Placed:
    def program(*words: str) -> Program:
        return Program(commands=(words,), folder="/srv")

    name = moment.value
    return command(
        name,
        moment,
        program("run", name),
        undo=program("undo", name) if chance.random() < 0.7 else None,
        check=program("check", rollout, name) if chance.random() < 0.3 else None,
        repeatable=chance.random() < 0.3,
        attempts=1,
        approval=False,
    )


def settled(state: State, runner: TimedRunner) -> Order | None:
    """What a person who looks at what really happened says; None: nobody is asked."""
    step = state.step
    if not isinstance(step, Hook) or state.attempt(step.name).outcome not in (Outcome.UNKNOWN, Outcome.FAILED):
        return None
    done = any(key.startswith(f"{state.id}/run:{step.name}:") for key in runner.did)
    return Order.HOOK_DONE if done else Order.HOOK_AGAIN
