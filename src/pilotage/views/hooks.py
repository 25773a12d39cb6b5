"""Hooks in sentences: what they wait for, what came of them, what stops a rollout at them."""

from __future__ import annotations

from typing import assert_never

from pilotage.core import events as e
from pilotage.core.hooks import Outcome
from pilotage.core.notation import show_duration
from pilotage.core.plan import Plan
from pilotage.core.state import State
from pilotage.core.steps import Hook
from pilotage.views.ink import Tone


def hook_named(plan: Plan, name: str) -> str:
    """Its title; its name when the plan does not know it."""
    steps = (step for step in (*plan.steps, *plan.way_back) if isinstance(step, Hook) and step.name == name)
    return next((step.title for step in steps), name)


def hook_told(plan: Plan, event: e.HookEnded | e.HookAgain) -> tuple[str, Tone]:
    """What came of one, for the timeline."""
    name = hook_named(plan, event.hook)
    if isinstance(event, e.HookAgain):
        return _because(f"{name}: once more, attempt {event.attempt}", event.reason), Tone.WARN
    where = f", the database is at {event.revision}" if event.revision is not None else ""
    match event.outcome:
        case Outcome.DONE:
            return _because(f"{name}: done{where}", event.detail), Tone.GOOD
        case Outcome.FAILED:
            return _because(f"{name}: failed{where}", event.detail), Tone.BAD
        case Outcome.UNKNOWN:
            return _because(f"{name}: nobody knows{where}", event.detail), Tone.WARN
        case _:
            assert_never(event.outcome)


def hook_waits(state: State, step: Hook) -> tuple[str, bool]:
    """What a rollout waits for at this step, and whether that is a person."""
    outcome = state.attempt(step.name).outcome
    words = step.title[:1].lower() + step.title[1:]
    if outcome in (Outcome.UNKNOWN, Outcome.FAILED):
        return "waits for a person: `pilotage settle --done`, or `pilotage settle --again`", True
    if state.begun(step):
        return f"runs: {words}, at most {show_duration(step.program.timeout)}", False
    if step.approval and not state.continued:
        return f"waits for a person to let it {words}: `pilotage promote`", True
    return f"is about to {words}", False


def hook_stops(plan: Plan, step: Hook) -> str:
    """What stops a rollout at it, and what is done then."""
    fails = f"it fails, or takes longer than {show_duration(step.program.timeout)}"
    if step.approval:
        fails = f"nobody says `pilotage promote`: waits; {fails}"
    if step in plan.steps[_after_promotion(plan) :]:
        return f"{fails}: waits for a person"
    return fails


def database_told(plan: Plan) -> str:
    """Where the database is, what is done to it and when, and what of it is taken back."""
    database = plan.database
    if database is None or plan.method == "restore":
        return ""
    if not database.revisions:
        return f"{database.spec.tool}, at {database.revision}: nothing is to be done"
    hooks = [step for step in plan.steps if isinstance(step, Hook) and step.migration is not None]
    told = [
        f"{plan.steps.index(hook) + 1}: {', '.join(hook.migration.revisions)}"
        for hook in hooks
        if hook.migration
    ]
    undone = any(isinstance(step, Hook) and step.migration is not None for step in plan.way_back)
    back = "the way back undoes it" if undone else "the way back leaves it: the old version can live with it"
    return f"{database.spec.tool}, at {database.revision}; at step {'; '.join(told)}; {back}"


def no_return_told(plan: Plan) -> str:
    """The first step after which the old version cannot come back."""
    for number, step in enumerate(plan.steps, 1):
        if (
            isinstance(step, Hook)
            and step.breaks == plan.new.id
            and not step.reversible
            and plan.old is not None
        ):
            return f"from step {number} on {plan.old.version} can not come back: {step.title}"
    return ""


def _after_promotion(plan: Plan) -> int:
    places = [i for i, step in enumerate(plan.steps) if step.kind == "promote"]
    return places[-1] if places else len(plan.steps)


def _because(what: str, why: str) -> str:
    return f"{what}: {why}" if why else what
