"""A real rehearsal's rules: where it may be done, what counts as before, what is measured."""

from __future__ import annotations

from typing import Any

import pytest

from pilotage.core import events as e
from pilotage.core.routing import ByRequest
from pilotage.core.state import Status
from pilotage.errors import PilotageError
from pilotage.strategies.restore import Restore
from pilotage.strategies.rolling import Rolling
from pilotage.usecases.practising import (
    Scene,
    check_plan,
    check_scene,
    differences,
    ended_wrong,
    looks_real,
    measured,
)

from factories import at, make_context, make_environment, make_plan, make_state  # isort: skip

PLAN = make_plan(Rolling())
assert PLAN.old is not None
OLD, NEW = PLAN.old.id, PLAN.new.id
WELL = Scene(
    live=OLD,
    shares={OLD: 1_000_000},
    key=ByRequest(),
    pins=(),
    shown=True,
    instances={OLD: PLAN.basis.instances},
)


@pytest.mark.parametrize(
    ("name", "real"),
    [
        ("production", True),
        ("prod-eu", True),
        ("eu.Prod2", True),
        ("live", True),
        ("staging", False),
        ("preproduction", False),
        ("deliver", False),
        ("products", False),
    ],
)
def test_where_real_users_are(name: str, real: bool) -> None:
    assert looks_real(name) is real


@pytest.mark.parametrize(
    ("environment", "others", "known", "plan", "code"),
    [
        ("production", ("staging",), {}, PLAN, "rehearsal.production"),
        ("local", (), {}, PLAN, "rehearsal.production"),
        ("staging", ("production",), {"holder": "shop-1"}, PLAN, "rehearsal.busy"),
        (
            "staging",
            ("production",),
            {},
            Rolling().compile(make_context(basis={"live": None})),
            "rehearsal.first",
        ),
        ("staging", ("production",), {}, PLAN, None),
    ],
)
def test_what_is_refused(environment: str, others: tuple[str, ...], known: Any, plan: Any, code: Any) -> None:
    asked, there = plan.model_copy(update={"environment": environment}), make_environment(**known)
    if code is None:
        check_plan(asked, there, others, in_production=False)
        return
    with pytest.raises(PilotageError) as refused:
        check_plan(asked, there, others, in_production=False)
    assert refused.value.problems[0].code == code
    if code == "rehearsal.production":
        check_plan(asked, there, others, in_production=True)


@pytest.mark.parametrize(
    "change",
    [
        {"live": NEW},
        {"shares": {OLD: 500_000, NEW: 500_000}},
        {"shown": False},
        {"instances": {OLD: PLAN.basis.instances, NEW: 1}},
        {"instances": {OLD: PLAN.basis.instances - 1}},
    ],
)
def test_whatever_is_not_as_before_is_told(change: dict[str, Any]) -> None:
    assert differences(WELL, WELL, PLAN) == []
    assert len(differences(WELL, WELL.model_copy(update=change), PLAN)) == 1


def test_nothing_is_rehearsed_where_it_is_not_well() -> None:
    check_scene(WELL, PLAN)
    for change in ({"shown": False}, {"instances": {OLD: 0}}, {"instances": {**WELL.instances, NEW: 0}}):
        with pytest.raises(PilotageError) as refused:
            check_scene(WELL.model_copy(update=change), PLAN)
        assert refused.value.problems[0].code == "rehearsal.unwell"


def test_what_is_measured_begins_with_the_order() -> None:
    events = [
        e.Exposed(at=at(1), shares={OLD: 1_000_000}, revision="a"),
        e.Exposed(at=at(2), shares={NEW: 1_000_000}, revision="b"),
        e.Exposed(at=at(11), shares={OLD: 500_000, NEW: 500_000}, revision="c"),
        e.Exposed(at=at(12.5), shares={OLD: 1_000_000}, revision="a"),
        e.Finished(at=at(14), ending=e.Ending.ROLLED_BACK),
    ]
    assert measured(events, NEW, at(10)) == (2.5, 4.0)
    assert measured(events, NEW, None) == (None, None)
    assert measured(events[:3], NEW, at(10)) == (None, None)


@pytest.mark.parametrize(
    ("plan", "status", "wrong"),
    [
        (PLAN, Status.ROLLED_BACK, False),
        (PLAN, Status.SUCCEEDED, True),
        (PLAN, Status.ROLLING_BACK, True),
        (Restore().compile(make_context()), Status.SUCCEEDED, False),
        (Restore().compile(make_context()), Status.ROLLED_BACK, True),
    ],
)
def test_a_way_back_must_have_come_to_its_end(plan: Any, status: Status, wrong: bool) -> None:
    state = make_state(plan=plan).model_copy(update={"status": status})
    assert bool(ended_wrong(state)) is wrong
