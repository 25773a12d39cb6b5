"""Parallel runs written down: one that is compared, one that awaits its signature, one whose answers differ."""

from __future__ import annotations

from datetime import timedelta

from pilotage.core import events as e
from pilotage.core.comparing import Difference, Finding, Reconciliation, Trait
from pilotage.core.environment import Glance
from pilotage.core.judging import Outcome
from pilotage.core.routing import RouterSeen
from views import scripted as s

MISSING = "about 2 310 more compared requests without a difference"
PLAN = s.plan("parallel-run", mirror="20%", at_least="10m", requests=1000)
NOISE = (
    Difference(
        endpoint="GET /orders/*",
        place="$.request",
        trait=Trait.VALUE,
        new=4_102,
        noise=4_102,
        finding=Finding.NOISE,
        examples=("text of 16 → text of 16",),
    ),
    Difference(
        endpoint="GET /orders/*", place="time", trait=Trait.SLOWER, new=3, noise=1, finding=Finding.NOISE
    ),
)
WRONG = Difference(
    endpoint="GET /orders/*",
    place="$.total",
    trait=Trait.TYPE,
    new=34,
    noise=0,
    finding=Finding.WRONG,
    against=1.0,
    examples=("number → text of 2",),
)


def report(outcome: Outcome, compared: int, different: int, *rows: Difference) -> Reconciliation:
    why = {
        Outcome.PASS: ("less than 0.1 % of the answers differ beyond noise: shown by 4102 answers",),
        Outcome.FAIL: ("GET /orders/*: $.total has another type in 34 answers (the old version by itself: 0)",),
        Outcome.UNDECIDED: (),
    }[outcome]
    return Reconciliation(
        began=s.START + timedelta(seconds=9),
        at=s.START + timedelta(seconds=609),
        copies=compared + 40,
        compared=compared,
        equal=compared - different,
        different=different,
        noisy=compared,
        left_out={"a stream of events": 31, "no room in the queue": 9},
        outcome=outcome,
        why=why,
        missing=MISSING if outcome is Outcome.UNDECIDED else "",
        at_most=3.6 / compared,
        differences=(*rows, *NOISE),
        old_seconds=(0.0107, 0.0435),
        new_seconds=(0.0118, 0.0479),
    )


EQUAL = report(Outcome.PASS, 4_102, 0)
TOO_FEW = report(Outcome.UNDECIDED, 1_240, 0)
DIFFERENT = report(Outcome.FAIL, 170, 34, WRONG)


def compared() -> s.Play:
    """Copies are being made."""
    play = s.Play(plan=PLAN).at(4).finish("sha256:1").at(4.1).finish("sha256:2").at(7).finish("2 healthy")
    play.at(8).add(e.Checked(at=play.now, release=s.NEW.id, passed=2)).finish("2 checks passed")
    return play.at(9).expose(0).at(310)


def reconciled(told: Reconciliation = EQUAL) -> s.Play:
    play = compared().at(609)
    return play.add(e.Reconciled(at=play.now, report=told, digest=told.digest)).at(700)


def different() -> s.Play:
    return reconciled(DIFFERENT).at(609).turned_back(e.Cause.DIFFERENT, *DIFFERENT.why).at(610)


def signed_off() -> s.Play:
    play = reconciled().at(4_000)
    play.add(e.SignedOff(at=play.now, by="grace", digest=EQUAL.digest, reason="read with bookkeeping"))
    return play.finish("4102 answers compared, 0 differ, signed off").at(4_001)


def glance(play: s.Play, told: Reconciliation | None) -> Glance:
    seen = s.glance(play)
    router = seen.router or RouterSeen(running=True)
    return seen.model_copy(update={"router": router.model_copy(update={"mirrored": told})})
