"""What a rollout's verdicts were made of: taken out of the store, and made again to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pilotage.core import events as e
from pilotage.core.inputs import Inputs, nothing_heard
from pilotage.core.judging import JudgeSettings, Outcome, Snapshot, Verdict
from pilotage.core.retention import Pruned
from pilotage.core.state import State
from pilotage.errors import PilotageError, Problem
from pilotage.judge import Judge
from pilotage.ports import Store


@dataclass(frozen=True)
class Recorded:
    """Everything that the judge of one rollout heard, and the settings it had."""

    settings: JudgeSettings
    snapshots: tuple[Snapshot, ...]


async def recorded(store: Store, state: State) -> Recorded:
    """PilotageError when nothing was judged, or nothing is kept of it."""
    planned = state.plan.judge
    if planned is None:
        raise PilotageError(_not_judged(state))
    snapshots = await store.snapshots(state.id)
    if not snapshots:
        gone = await store.pruned(state.id)
        raise PilotageError(recording_gone(state, gone) if gone else _not_kept(state))
    inputs = await _latest_inputs(store, state)
    settings = planned if inputs is None else inputs.settings(planned)
    return Recorded(settings, tuple(snapshot for _, snapshot in snapshots))


async def _latest_inputs(store: Store, state: State) -> Inputs | None:
    """As the last verdict that was kept had them; before the first, as the judge's memory has them."""
    found = [one.inputs for one in decisions(await store.events(state.id)) if one.inputs is not None]
    if found:
        return found[-1]
    checkpoint = await store.last_checkpoint(state.id)
    if checkpoint is None or "inputs" not in checkpoint[1]:
        return None
    return Inputs.model_validate(checkpoint[1]["inputs"])


@dataclass(frozen=True)
class Decision:
    """A verdict that was kept. ``verdict`` is None where only its outcome is known: a step went on."""

    at: datetime
    outcome: Outcome
    verdict: Verdict | None
    inputs: Inputs | None


def decisions(events: Sequence[e.Event]) -> list[Decision]:
    """All verdicts that were kept, and the steps that went on because of one."""
    found = []
    for event in events:
        match event:
            case e.Judged(verdict=verdict):
                found.append(Decision(event.at, verdict.outcome, verdict, event.inputs))
            case e.StepFinished(inputs=Inputs() as inputs):
                found.append(Decision(event.at, Outcome.PASS, None, inputs))
            case _:
                pass
    return found


class Proof(StrEnum):
    """What making a verdict again has shown."""

    SAME = "same"
    """The same inputs, and the same verdict of them."""
    OTHER_INPUTS = "other-inputs"
    """The recording, or the settings, are not what the verdict was made of."""
    OTHER_VERDICT = "other-verdict"
    """The inputs are the same, but this version of the judge says something else of them."""
    INCOMPLETE = "incomplete"
    """The recording ends before the verdict."""
    NO_DIGEST = "no-digest"
    """It was kept by a version of Pilotage that kept no digests."""


@dataclass(frozen=True)
class Proven:
    decision: Decision
    proof: Proof
    now: Verdict | None = None
    """What the judge says of the recording now."""


async def verify(store: Store, state: State) -> list[Proven]:
    """Every kept verdict made again from the recording. PilotageError when there is nothing to make it of."""
    found = decisions(await store.events(state.id))
    heard = await recorded(store, state)
    assert state.plan.judge is not None
    again = _Again(state.plan.judge, heard.snapshots)
    return [again.prove(one) for one in found]


class _Again:
    """Hears the recording once more, from its beginning for each decision that lies behind."""

    def __init__(self, planned: JudgeSettings, snapshots: Sequence[Snapshot]) -> None:
        self.planned = planned
        self.snapshots = snapshots
        self.judge = Judge(planned)
        self.inputs = nothing_heard(planned)
        self.verdict = Verdict(outcome=Outcome.UNDECIDED)

    def prove(self, decision: Decision) -> Proven:
        inputs = decision.inputs
        if inputs is None:
            return Proven(decision, Proof.NO_DIGEST)
        if inputs.snapshots > len(self.snapshots) or inputs.snapshots < 1:
            return Proven(decision, Proof.INCOMPLETE)
        settings = inputs.settings(self.planned)
        if settings != self.judge.settings or inputs.snapshots < self.inputs.snapshots:
            self._restart(settings)
        for snapshot in self.snapshots[self.inputs.snapshots : inputs.snapshots]:
            self.verdict = self.judge.feed(snapshot)
            self.inputs = self.inputs.and_then(snapshot)
        if self.inputs != inputs:
            return Proven(decision, Proof.OTHER_INPUTS, self.verdict)
        said = decision.verdict
        same = self.verdict.outcome is decision.outcome if said is None else self.verdict == said
        return Proven(decision, Proof.SAME if same else Proof.OTHER_VERDICT, self.verdict)

    def _restart(self, settings: JudgeSettings) -> None:
        self.judge, self.inputs = Judge(settings), nothing_heard(settings)


def _not_judged(state: State) -> Problem:
    what = f"nothing was judged in {state.id}: its plan has no judge"
    return Problem(code="recording.none", what=what, mend="a first release and a restore are not judged")


def recording_gone(state: State, gone: Pruned) -> Problem:
    return Problem(
        code="recording.pruned",
        what=f"the recording of {state.id} is gone: it was pruned on {gone.at:%Y-%m-%d}",
        why=f"its {gone.snapshots} snapshots were older than the retention says",
        mend="its verdicts, and digests of what they were made of, are in its history; a backup may have it",
    )


def _not_kept(state: State) -> Problem:
    return Problem(
        code="recording.none",
        what=f"no telemetry of {state.id} is kept",
        why="no user has seen its new version, or its telemetry was lost",
        mend="`pilotage history` lists the others",
    )
