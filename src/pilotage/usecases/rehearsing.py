"""Rehearse a plan: settle what the service is like, play the plan many times, and sum up what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from datetime import datetime, time, timedelta
from os import cpu_count
from random import Random
from typing import NamedTuple

from pilotage.core.plan import Plan
from pilotage.core.values import Frozen
from pilotage.errors import ExitCode, PilotageError
from pilotage.judge.mends import Trouble
from pilotage.judge.planner import Forecast, foresee, stages
from pilotage.rehearsal.fault import Fault, FaultKind
from pilotage.rehearsal.misfortune import drawn_faults
from pilotage.rehearsal.model import Service
from pilotage.rehearsal.outcome import Case, Ending, Episode, Rehearsal
from pilotage.rehearsal.spread import Odds, Spread
from pilotage.stage.play import PATIENCE, play
from pilotage.usecases.foreseeing import unmeant
from pilotage.usecases.planning import not_rehearsed

WORSE = (
    Fault(kind=FaultKind.ERRORS, factor=2.0),
    Fault(kind=FaultKind.ERRORS, factor=5.0),
    Fault(kind=FaultKind.OUTAGE),
)
"""Ways to be worse that are tried if none is named."""
RUNS = 10
GOOD_RUNS = 2
"""Of good versions, beside the one that is told: they take as long as the plan, and differ little."""
APART = 1_000
"""Between the seeds of two ways to be worse."""


class Script(Frozen):
    """What is to be played. ``faults`` happen in every run, ``worse`` each in runs of its own."""

    faults: tuple[Fault, ...] = ()
    worse: tuple[tuple[Fault, ...], ...] = tuple((one,) for one in WORSE)
    seed: int = 0
    runs: int = RUNS
    begin: datetime
    patience: timedelta = PATIENCE


class _Part(NamedTuple):
    plan: Plan
    model: Service
    faults: tuple[Fault, ...]
    seed: int
    begin: datetime
    patience: timedelta


async def rehearse(plan: Plan, model: Service, script: Script, *, processes: int | None = None) -> Rehearsal:
    """The same arguments give the same rehearsal, however many processes play.

    ``processes``: None: as many as there are cores; 0: none beside this one. Nothing is reached, nothing kept.
    """
    if plan.feature is not None:
        raise PilotageError(not_rehearsed(plan.method), exit_code=ExitCode.USAGE)
    parts = _parts(plan, model, script)
    workers = (cpu_count() or 1) if processes is None else processes
    with ProcessPoolExecutor(workers) if workers and len(parts) > 1 else nullcontext() as pool:
        played = await asyncio.gather(*(_play(part, pool) for part in parts))
    return _summed(plan, model, script, played)


class Rehearsed(NamedTuple):
    rehearsal: Rehearsal
    foreseen: tuple[Forecast, tuple[Trouble, ...]] | None
    """None: nothing is judged."""


async def rehearsed(plan: Plan, model: Service, script: Script, *, processes: int | None = None) -> Rehearsed:
    """The rehearsal, and what the planner says of the judge at the mean traffic of the model.

    PilotageError when the plan has steps that no rehearsal can play.
    """
    found = await rehearse(plan, model, script, processes=processes)
    judged = stages(plan)
    if plan.judge is None or not judged:
        return Rehearsed(found, None)
    forecast = foresee(plan.judge, judged, model.traffic)
    if forecast is None:
        return Rehearsed(found, None)
    return Rehearsed(found, (forecast, unmeant(plan.judge, judged, forecast, model.traffic)))


def _parts(plan: Plan, model: Service, script: Script) -> list[_Part]:
    """One that is told, some of good versions, and of each way to be worse as many as are asked for."""

    def part(faults: tuple[Fault, ...], seed: int) -> _Part:
        return _Part(plan, model, faults, seed, script.begin, script.patience)

    good = min(GOOD_RUNS, script.runs)
    found = [part(script.faults, script.seed), *(part((), script.seed + i + 1) for i in range(good))]
    for number, worse in enumerate(script.worse, 1):
        seeds = (script.seed + number * APART + run for run in range(script.runs))
        found += [part((*script.faults, *worse), seed) for seed in seeds]
    return found


def _play(part: _Part, pool: Executor | None) -> Awaitable[Episode]:
    if pool is None:
        return play(*part)
    return asyncio.get_running_loop().run_in_executor(pool, _alone, part)


def _alone(part: _Part) -> Episode:
    return asyncio.run(play(*part))


def _summed(plan: Plan, model: Service, script: Script, played: Sequence[Episode]) -> Rehearsal:
    good = min(GOOD_RUNS, script.runs)
    told, fine, rest = played[0], list(played[1 : 1 + good]), played[1 + good :]
    fine += [] if script.faults else [told]
    runs = script.runs
    cases = [_case(worse, rest[place * runs : (place + 1) * runs]) for place, worse in enumerate(script.worse)]
    through = [one.promoted_at.total_seconds() for one in fine if one.promoted_at is not None]
    return Rehearsal(
        service=plan.service,
        environment=plan.environment,
        digest=plan.digest,
        seed=script.seed,
        begin=script.begin,
        model=model,
        faults=script.faults,
        episode=told,
        fine=Spread.of(through),
        good=Odds.of(sum(one.ending is Ending.SUCCEEDED for one in fine), len(fine)),
        cases=tuple(cases),
    )


def _case(faults: tuple[Fault, ...], runs: Sequence[Episode]) -> Case:
    late = max((one.moment.total_seconds() for one in faults), default=0.0)
    after = [one.exposed_for - late for one in runs if one.exposed_for is not None and one.exposed_for >= late]
    spreads = {
        name: Spread.of([float(getattr(one, name)) for one in runs])
        for name in ("extra", "failed", "users", "requests")
    }
    return Case(
        faults=faults,
        caught=Odds.of(sum(one.caught for one in runs), len(runs)),
        after=Spread.of(after),
        **{name: spread or Spread(median=0, low=0, high=0) for name, spread in spreads.items()},
    )


def drawn(seed: int) -> tuple[Fault, ...]:
    """What chance lets go wrong; the same for one seed."""
    return drawn_faults(Random(f"faults {seed}"))


def coming_monday(now: datetime) -> datetime:
    """Nine o'clock on the next Monday, in UTC: the same hour of the week whenever it is rehearsed."""
    days = 7 - now.weekday()
    return datetime.combine(now.date() + timedelta(days=days), time(9), tzinfo=now.tzinfo)
