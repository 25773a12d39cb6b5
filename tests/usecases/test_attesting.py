"""What a big-bang needs before it begins, and which rehearsals count."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pilotage.core.evidence import Statement, artifact_digest, proven
from pilotage.core.plan import Plan
from pilotage.core.release import Requirement
from pilotage.dossier.file import ReleaseFile
from pilotage.strategies.big_bang import BigBang
from pilotage.strategies.restore import Restore
from pilotage.strategies.rolling import Rolling
from pilotage.usecases.attesting import lacking

from factories import NOW, make_context, make_plan, make_release, make_statement  # isort: skip

LATER = NOW + timedelta(days=1)
RECOVERY = {"owner": "ada", "procedure": ["bring yesterday's copy back"]}
NAMED = ReleaseFile.model_validate({"version": "2.0", "recovery": RECOVERY})
BARE = ReleaseFile(version="2.0")
FAILED = make_statement(at=LATER, failures=("two instances are missing",))


@pytest.mark.parametrize(
    ("statements", "counts"),
    [
        ((), False),
        ((make_statement(),), True),
        ((make_statement(new="1.9", release="another"),), True),
        ((make_statement(method="rolling"),), False),
        ((make_statement(valid_until=LATER + timedelta(seconds=1)),), True),
        ((make_statement(valid_until=LATER),), False),
        ((make_statement(failures=("x",)),), False),
        ((make_statement(), FAILED), False),
        ((FAILED, make_statement()), False),
        ((FAILED, make_statement(at=LATER + timedelta(seconds=1))), True),
        ((make_statement(), make_statement(method="rolling", at=LATER, failures=("x",))), True),
    ],
)
def test_the_last_of_the_same_method_must_have_passed_and_still_hold(
    statements: tuple[Statement, ...], counts: bool
) -> None:
    assert (proven(statements, "big-bang", LATER) is not None) is counts
    problem = lacking(make_plan(BigBang()), statements, NAMED, LATER)
    assert (problem is None) is counts
    assert problem is None or problem.code == "release.unproven"


@pytest.mark.parametrize(
    ("plan", "lacks"),
    [
        (make_plan(BigBang()), True),
        (make_plan(BigBang(accept_risk="the till is closed on Sunday")), False),
        (make_plan(Rolling()), False),
        (Restore().compile(make_context()), False),
        (BigBang().compile(make_context(basis={"live": None})), False),
    ],
    ids=["big-bang", "accepted", "rolling", "a-way-back", "the-first"],
)
def test_only_a_big_bang_over_something_that_runs_is_asked(plan: Plan, lacks: bool) -> None:
    assert (lacking(plan, (), None, LATER) is not None) is lacks


def test_both_are_told_at_once_with_their_mends() -> None:
    problem = lacking(make_plan(BigBang()), (FAILED,), BARE, LATER)
    assert problem is not None
    assert "failed: two instances are missing" in str(problem.why)
    assert "no release file says how its data come back" in str(problem.why)
    assert problem.mend == (
        "rehearse it: `pilotage rehearse 2.0 --really --in staging` and write `recovery` into release.yaml; "
        "or say in its strategy why not: `accept_risk: REASON`"
    )


def test_a_release_file_of_other_environments_names_nothing() -> None:
    elsewhere = NAMED.model_copy(update={"environments": ("elsewhere",)})
    problem = lacking(make_plan(BigBang()), (make_statement(),), elsewhere, LATER)
    assert problem is not None
    assert problem.why == "no release file says how its data come back"


def test_an_accepted_risk_is_part_of_the_plan_and_its_digest() -> None:
    bare, risky = make_plan(BigBang()), make_plan(BigBang(accept_risk="no users on Sunday"))
    assert risky.accepted_risk == "no users on Sunday"
    assert bare.digest != risky.digest
    assert "accepted_risk" not in bare.model_dump()


def test_an_artifact_has_one_digest_on_every_machine() -> None:
    here = make_release(artifact=Requirement(requirements=("shop==2.0",)))
    assert artifact_digest(here) == artifact_digest(here.model_copy(update={"version": "3"}))
    assert artifact_digest(here).startswith("sha256:")
