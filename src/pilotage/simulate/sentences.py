"""Events as sentences of a story."""

from __future__ import annotations

from pilotage.core import events as e


def sentence(rollout: str, event: e.Event) -> str | None:
    """What an event means for the story; None for what only fills it."""
    match event:
        case e.Created():
            behind = f", behind {event.queued_behind}" if event.queued_behind else ""
            return f"{rollout} is created: {event.plan.new.version} by {event.plan.method}{behind}"
        case e.Started():
            return f"{rollout} begins"
        case e.StepFinished():
            return (
                f"{rollout}: step {event.index}{' of the way back' if event.back else ''} holds ({event.note})"
            )
        case e.Intended():
            return f"{rollout} is about to {event.told}"
        case e.Failed():
            return f"{rollout}: {event.key} failed: {event.problem.what}"
        case e.TurnedBack():
            return f"{rollout} turns back, {event.cause.value}: {event.why[0] if event.why else ''}"
        case e.Promoted():
            return f"{rollout} promotes {event.release}"
        case e.Finished():
            return f"{rollout} ends: {event.ending.value} {event.why}".rstrip()
        case _:
            return None
