"""The screen of ``judge verify``."""

from __future__ import annotations

from dataclasses import dataclass

from pilotage.core.inputs import Inputs
from pilotage.core.judging import Outcome, Verdict
from pilotage.views import proof as view

from . import scripted as s


@dataclass
class Decided:
    at = s.START
    outcome: Outcome
    inputs: Inputs | None


@dataclass
class Proven:
    decision: Decided
    proof: str
    now: Verdict | None = None


INPUTS = Inputs(snapshots=1234, digest="sha256:0123456789abcdef")
STATE = s.fold(s.ID, s.succeeded().events)


def test_all_proven() -> None:
    shown = view.view_of(STATE, [Proven(Decided(Outcome.PASS, INPUTS), "same")])
    assert shown.proven
    assert view.as_text(shown) == (
        "14:00:00  pass  1 234 snapshots  0123456789ab  the same inputs, the same verdict\n"
        "\n"
        "1 verdict of catalogue-production-7: all proven.\n"
    )


def test_what_is_not_proven_says_why() -> None:
    now = Verdict(outcome=Outcome.UNDECIDED, why=("errors: not known yet",))
    found = [
        Proven(Decided(Outcome.PASS, INPUTS), "other-verdict", now),
        Proven(Decided(Outcome.FAIL, INPUTS), "other-inputs", now),
        Proven(Decided(Outcome.FAIL, None), "no-digest"),
        Proven(Decided(Outcome.FAIL, INPUTS), "incomplete"),
    ]
    shown = view.view_of(STATE, found)
    assert not shown.proven
    text = view.as_text(shown)
    assert "\n  now: errors: not known yet\n" in text
    assert text.count("errors: not known yet") == 1
    assert text.endswith("4 verdicts of catalogue-production-7: 0 proven.\n")


def test_nothing_decided() -> None:
    shown = view.view_of(STATE, [])
    assert view.as_text(shown) == "The judge of catalogue-production-7 has decided nothing yet.\n"
