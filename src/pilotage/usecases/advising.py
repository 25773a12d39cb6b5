"""Advice for a release: what people say of it, what the manifest and the record show, and the rules."""

from __future__ import annotations

from collections.abc import Mapping

from pilotage.advisor import Advice, Table, advise, settle
from pilotage.advisor.facts import Answer
from pilotage.core.evidence import Statement
from pilotage.core.traffic import Traffic
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.manifest.model import Environment
from pilotage.manifest.suggest import did_you_mean
from pilotage.strategies.registry import METHODS


def seen(
    environment: Environment, file: str, recorded: Traffic | None, evidence: Statement | None = None
) -> dict[str, Answer]:
    """What need not be asked. ``file``: what the manifest is called; ``recorded``: what telemetry showed;
    ``evidence``: that the way back of a big-bang was rehearsed, for no other method's is dangerous.

    Every router sends shares to versions, and every judge hears each version by itself: a method without
    that could not be run from this manifest.
    """
    said = f"{file} says"
    found = {
        "instances": Answer(environment.instances, said),
        "routing": Answer("shares", said),
        "telemetry": Answer("by-version", said),
    }
    traffic = environment.expected() or recorded
    if traffic is not None:
        source = said if environment.expected() else f"recorded traffic ({traffic.source}) says"
        found["traffic"] = Answer(int(traffic.requests * 60), source)
    if evidence is not None:
        told = f"a rehearsal in {evidence.environment} on {evidence.at:%Y-%m-%d} has shown it"
        found["rollback"] = Answer("rehearsed", told)
    return found


def advice(table: Table, said: Mapping[str, Answer], found: Mapping[str, Answer]) -> Advice:
    """``said`` goes over ``found``: people know more of a release than its manifest."""
    return advise(table, settle(table, {**found, **said}), METHODS)


def writable(made: Advice, wanted: str | None) -> str:
    """The method to put into a manifest: the one that is wanted, else the first.

    PilotageError when it is refused, or this version does not run it.
    """
    if wanted is not None and wanted not in {rank.method for rank in made.ranks}:
        known = ", ".join(rank.method for rank in made.ranks)
        raise _refused(
            f"`{wanted}` is not a method", did_you_mean(wanted, known.split(", ")) or known, usage=True
        )
    rank = made.rank(wanted) if wanted is not None else made.first
    best = next((one.method for one in made.ranks if one.runs and not one.refused), None)
    other = (
        f"--method {best} writes the best that it runs" if best else "change the facts that refuse the others"
    )
    if rank is None:
        raise _refused("with these facts no method is safe", "see what would end each refusal")
    if rank.refused:
        why = next(reason.because for reason in rank.reasons if reason.refuses)
        raise _refused(f"{rank.method} is refused: {why}", other)
    if not rank.runs:
        raise _refused(f"{rank.method} is not run by this version of Pilotage", other)
    return rank.method


def _refused(what: str, mend: str, *, usage: bool = False) -> PilotageError:
    code = ExitCode.USAGE if usage else ExitCode.BLOCKED
    return PilotageError(Problem(code="advice.not-written", what=what, mend=mend), exit_code=code)
