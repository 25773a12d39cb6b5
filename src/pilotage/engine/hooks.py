"""Looks at the hooks of a rollout, and begins them, through the runner and the database."""

from __future__ import annotations

from dataclasses import dataclass, field

from pilotage.core.database import DatabaseSpec
from pilotage.core.hooks import Phase, Sighting
from pilotage.core.running import hooks_of, open_hooks
from pilotage.core.state import State, run_key
from pilotage.core.steps import Hook
from pilotage.core.turn import RunProgram
from pilotage.engine.asking import ask, ask_for, believable
from pilotage.errors import Problem
from pilotage.ports import HookError, Reach


@dataclass
class HooksSeen:
    """What one look found of the hooks that were begun and of the current step's."""

    sightings: dict[str, Sighting] = field(default_factory=dict)
    checked: dict[str, bool] = field(default_factory=dict)
    revision: str | None = None


async def look_at_hooks(state: State, reach: Reach, trouble: list[Problem]) -> HooksSeen:
    """Only what decide will ask for: nothing while no step runs anything."""
    seen, step = HooksSeen(), state.step
    current = (step,) if isinstance(step, Hook) else ()
    wanted = {hook.name: hook for hook in (*open_hooks(state), *current)}
    if not wanted:
        return seen
    for hook in wanted.values():
        sighting = await _sight(state, hook, reach, trouble)
        if sighting is not None:
            seen.sightings[hook.name] = sighting
            await _check(state, hook, sighting, reach, seen, trouble)
    database = state.plan.database
    if database is not None and any(hook.migration is not None for hook in wanted.values()):
        seen.revision = await _revision(database.spec, reach, trouble)
    return seen


async def _sight(state: State, hook: Hook, reach: Reach, trouble: list[Problem]) -> Sighting | None:
    runner, key = reach.runner, key_of(state, hook)
    if runner is None:
        trouble.append(_absent("runner"))
        return None
    return await ask_for(Sighting, lambda: runner.sight(key), "the runner of hooks", trouble)


async def _revision(spec: DatabaseSpec, reach: Reach, trouble: list[Problem]) -> str | None:
    database = reach.database
    if database is None:
        trouble.append(_absent("database"))
        return None
    return await ask_for(str, lambda: database.revision(spec), "the database", trouble)


async def _check(
    state: State, hook: Hook, sighting: Sighting, reach: Reach, seen: HooksSeen, trouble: list[Problem]
) -> None:
    """Asks a hook's own check, when it was begun and nobody knows how it ended."""
    lost = sighting.phase is Phase.LOST or (sighting.phase is Phase.NEVER and state.begun(hook))
    runner, program = reach.runner, hook.check
    if not lost or program is None or runner is None:
        return
    name = f"the check of {hook.name}"
    answer = await ask(lambda: runner.check(program), name, trouble)
    if answer is not None and believable((answer,), bool, name, trouble):
        seen.checked[hook.name] = answer


def key_of(state: State, hook: Hook) -> str:
    """What the runner knows the current attempt by: unique over all rollouts of an environment."""
    return f"{state.id}/{run_key(hook.name, state.attempt(hook.name).attempt)}"


async def start_hook(command: RunProgram, reach: Reach) -> None:
    if reach.runner is None:
        raise HookError(_absent("runner"))
    await reach.runner.start(command.key, command.program)


async def hook_logs(state: State, reach: Reach, lines: int) -> list[tuple[str, str]]:
    """(hook, its last lines) of every attempt at a hook, in the order of the plan."""
    if reach.runner is None:
        return []
    found = []
    for hook in hooks_of(state):
        for attempt in range(1, state.attempt(hook.name).attempt + 1):
            if run_key(hook.name, attempt) in state.intents:
                name = hook.name if attempt == 1 else f"{hook.name} (attempt {attempt})"
                log = await reach.runner.log(f"{state.id}/{run_key(hook.name, attempt)}", lines)
                found.append((name, log))
    return found


def _absent(what: str) -> Problem:
    return Problem(code=f"hook.no-{what}", what=f"this environment has no {what} for its hooks")
