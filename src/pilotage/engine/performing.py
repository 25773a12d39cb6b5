"""Makes one command happen through the ports. The only place where anything happens."""

from __future__ import annotations

import asyncio
from typing import assert_never

from pilotage.core.plan import Plan
from pilotage.core.routing import Address
from pilotage.core.turn import (
    CheckReport,
    Command,
    PrepareArtifact,
    Route,
    RunChecks,
    RunProgram,
    SetFlag,
    Start,
    Stop,
)
from pilotage.engine.asking import ask, believable
from pilotage.engine.hooks import start_hook
from pilotage.errors import Problem
from pilotage.ports import Reach


async def perform(command: Command, plan: Plan, reach: Reach) -> tuple[CheckReport | None, Problem | None]:
    """The report of a RunChecks, and what went wrong; (None, None) when the other side accepted it."""
    if isinstance(command, RunChecks):
        return await _run_checks(command, plan, reach), None
    trouble: list[Problem] = []
    target, router = f"the target {plan.target.kind}", f"the router {plan.router.kind}"
    match command:
        case PrepareArtifact():
            await ask(lambda: reach.target.prepare(plan.release(command.release)), target, trouble)
        case Start():
            release, numbers = plan.release(command.release), command.numbers
            await ask(lambda: reach.target.scale(release, numbers), target, trouble)
        case Stop():
            await ask(lambda: reach.target.stop(command.instances), target, trouble)
        case Route():
            await ask(lambda: reach.router.apply(command.routing), router, trouble)
        case RunProgram():
            await ask(lambda: start_hook(command, reach), "the runner of hooks", trouble)
        case SetFlag():
            flags = reach.flags
            assert flags is not None, "a plan with a flag names where it is"
            await ask(lambda: flags.apply(command.flag), "the source of flags", trouble)
        case _:
            assert_never(command)
    return None, trouble[0] if trouble else None


async def _run_checks(command: RunChecks, plan: Plan, reach: Reach) -> CheckReport:
    """Every check at every address that counts: the preview address, or each instance by itself."""
    preview = plan.router.preview
    addresses: list[Address] = (
        [preview] if command.at_preview and preview else [i.address for i in command.instances]
    )
    wrong: dict[str, str] = {}
    passed = 0
    for check in command.step.checks:
        answers = await asyncio.gather(*(_probe(reach, address, command, check.name) for address in addresses))
        bad = [answer for answer in answers if answer is not None]
        if bad:
            wrong[check.name] = bad[0]
        else:
            passed += 1
    return CheckReport(release=command.step.release, attempt=command.attempt, passed=passed, failures=wrong)


async def _probe(reach: Reach, address: Address, command: RunChecks, name: str) -> str | None:
    check = next(check for check in command.step.checks if check.name == name)
    trouble: list[Problem] = []
    wait = check.within.total_seconds()
    try:
        answer = await asyncio.wait_for(
            ask(lambda: reach.prober.probe(address, check), "the prober", trouble), wait + 1
        )
    except TimeoutError:
        return f"no answer within {wait:g} s"
    if answer is not None:
        believable((answer,), str, "the prober", trouble)
    return answer if not trouble else trouble[0].what
