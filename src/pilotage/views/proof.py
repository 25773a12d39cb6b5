"""Whether the verdicts of a rollout are what the judge says of its recording: one line a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, tzinfo
from typing import Protocol

from pilotage.core.inputs import Inputs
from pilotage.core.judging import Outcome, Verdict
from pilotage.core.state import State
from pilotage.core.values import Frozen, Instant
from pilotage.views.figures import clock, counted
from pilotage.views.ink import EMPTY, Line, Tone, line, plain, span, table, wrap


class _Decided(Protocol):
    @property
    def at(self) -> Instant: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def inputs(self) -> Inputs | None: ...


class _Proven(Protocol):
    @property
    def decision(self) -> _Decided: ...
    @property
    def proof(self) -> str: ...
    @property
    def now(self) -> Verdict | None: ...


class ProofView(Frozen):
    at: Instant
    outcome: Outcome
    snapshots: int | None
    digest: str | None
    proof: str
    """``same``, ``other-inputs``, ``other-verdict``, ``incomplete`` or ``no-digest``."""
    now: Outcome | None
    """What the judge says of the recording now."""
    why: tuple[str, ...] = ()


class ProofsView(Frozen):
    rollout: str
    verdicts: tuple[ProofView, ...]
    proven: bool
    """All of them are the same."""


def view_of(state: State, found: Iterable[_Proven]) -> ProofsView:
    views = tuple(_view(one) for one in found)
    return ProofsView(rollout=state.id, verdicts=views, proven=all(one.proof == "same" for one in views))


def _view(one: _Proven) -> ProofView:
    inputs = one.decision.inputs
    return ProofView(
        at=one.decision.at,
        outcome=one.decision.outcome,
        snapshots=inputs.snapshots if inputs else None,
        digest=inputs.digest if inputs else None,
        proof=one.proof,
        now=one.now.outcome if one.now else None,
        why=one.now.why if one.now and one.proof == "other-verdict" else (),
    )


_TOLD = {
    "same": ("the same inputs, the same verdict", Tone.GOOD),
    "other-inputs": ("the recording or the settings are not what it was made of", Tone.BAD),
    "other-verdict": ("the same inputs, but the judge of this version says something else", Tone.BAD),
    "incomplete": ("the recording ends before it", Tone.BAD),
    "no-digest": ("kept without a digest, by an earlier version of Pilotage", Tone.WARN),
}


def as_text(view: ProofsView, width: int = 100, zone: tzinfo = UTC) -> str:
    return plain(draw(view, width, zone=zone))


def draw(view: ProofsView, width: int = 100, *, zone: tzinfo = UTC) -> list[Line]:
    if not view.verdicts:
        return [line(f"The judge of {view.rollout} has decided nothing yet.")]
    rows = []
    for one in view.verdicts:
        words, tone = _TOLD[one.proof]
        rows.append(
            [
                span(clock(one.at, zone), Tone.DIM),
                span(one.outcome.value, Tone.STRONG),
                span(counted(one.snapshots, "snapshot") if one.snapshots is not None else "", Tone.PLAIN),
                span(one.digest.removeprefix("sha256:")[:12] if one.digest else "", Tone.DIM),
                span(words, tone),
            ]
        )
    told = [why for one in view.verdicts for why in one.why]
    return [
        *table(rows, width, right=frozenset({2}), indent=0),
        *[row for why in told for row in wrap(line("  now: ", why), width, 4)],
        EMPTY,
        line(_sentence(view)),
    ]


def _sentence(view: ProofsView) -> str:
    good = sum(one.proof == "same" for one in view.verdicts)
    whole = counted(len(view.verdicts), "verdict")
    return (
        f"{whole} of {view.rollout}: all proven."
        if view.proven
        else f"{whole} of {view.rollout}: {good} proven."
    )
