"""Scripts about changes of a database in a rollout: where they stand, how they are taken back, and when not."""

from __future__ import annotations

import pytest
from playbook import NEW, OLD, Story, plan

from pilotage.core import events as e
from pilotage.core.database import BASE, Danger, DatabaseSpec, Phase, Revision, Survey
from pilotage.core.environment import Environment, Good, follow
from pilotage.core.hooks import Outcome, Reference
from pilotage.core.state import Status
from pilotage.core.steps import Check, Hook
from pilotage.errors import PilotageError, Place, Problem
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.canary import Canary
from pilotage.strategies.database import Settings, with_database
from pilotage.usecases.migrating import passable

SPEC = DatabaseSpec(tool="dbmate", folder="/srv/shop/migrations", url=Reference(env="DATABASE_URL"))
SETTINGS = Settings(spec=SPEC, backup="none")
METHOD = Canary(steps=("10%",), hold="1s", keep_warm="3s")
CHECKS = (Check(name="front page", path="/"),)


def revision(id: str, phase: Phase = Phase.EXPAND, *, reversible: bool = True, **fields) -> Revision:
    return Revision(id=id, phase=phase, file=f"/srv/{id}.sql", reversible=reversible, **fields)


EXPAND, MIGRATE = revision("2"), revision("3", Phase.MIGRATE)
CONTRACT = revision("4", Phase.CONTRACT, reversible=False)
CHAIN = (revision("1"), EXPAND, MIGRATE, CONTRACT)


def changed(
    *chain: Revision, at: str = "1", method=METHOD, settings: Settings = SETTINGS, first=False, **fields
):
    survey = Survey(revisions=chain, dangers=fields.pop("dangers", ()))
    return with_database(plan(method, checks=CHECKS, first=first), settings, at, survey, **fields)


def story(*chain: Revision, at: str = "1", **fields) -> Story:
    told = Story(changed(*chain, at=at, **fields), revision=at)
    for step in (*told.plan.steps, *told.plan.way_back):
        if isinstance(step, Hook) and step.migration is not None:
            told.acts[step.name] = step.migration.after
    return told


def kinds(made) -> list[str]:
    return [step.name if isinstance(step, Hook) else step.kind for step in made.steps]


def to_the_question(told: Story) -> Story:
    while not (told.state.warm and isinstance(told.state.step, Hook)):
        told.step(0.5)
    return told


@pytest.mark.parametrize("method", [METHOD, BlueGreen(bake="1s")], ids=lambda m: m.method)
def test_each_phase_has_its_place(method):
    order = kinds(changed(*CHAIN, method=method))
    assert order.index("expand-2") + 1 == order.index("scale")
    assert order.index("migrate-3") + 1 == order.index("promote")
    assert order[-2:] == ["retire", "contract-4"]


def test_a_first_release_makes_it_all_at_once():
    made = changed(*CHAIN, at=BASE, first=True)
    assert kinds(made)[1] == "create-4"
    assert story(*CHAIN, at=BASE, first=True).run().revision == "4"


def test_nothing_is_done_when_nothing_is_left():
    assert "run" not in [step.kind for step in changed(*CHAIN, at="4").steps]


def test_the_contraction_waits_for_a_person_and_then_there_is_no_way_back():
    told = to_the_question(story(*CHAIN))
    assert told.revision == "3"
    told.wait(300)
    assert told.revision == "3"
    told.stuck.add("contract-4")
    told.send(e.Order.PROMOTE)
    told.wait(5)
    told.send(e.Order.ROLLBACK)
    refused = told.run(until="refused").of("refused")[-1].problem
    assert refused.code == "rollout.past-return"
    assert NEW.version in refused.mend
    told.stuck.clear()
    told.run()
    assert (told.state.status, told.revision) == (Status.SUCCEEDED, "4")


@pytest.mark.parametrize("seconds", [1, 3, 6, 9, 12, 20])
def test_before_that_everything_is_taken_back_to_the_revision_before(seconds):
    told = story(*CHAIN).wait(seconds)
    told.send(e.Order.ROLLBACK)
    told.run()
    assert (told.state.status, told.revision) == (Status.ROLLED_BACK, "1")
    assert told.routing.share(OLD.id) == 1_000_000


def test_what_can_not_be_undone_stays_and_the_old_version_comes_back():
    told = to_the_question(story(CHAIN[0], revision("2", reversible=False), MIGRATE, CONTRACT))
    told.send(e.Order.ROLLBACK)
    told.run()
    assert (told.state.status, told.revision) == (Status.ROLLED_BACK, "3")


def test_a_contraction_that_can_be_undone_is_undone_before_the_old_version_serves():
    back = revision("4", Phase.CONTRACT)
    told = to_the_question(story(*CHAIN[:3], back))
    told.codes["contract-4"] = 1
    told.send(e.Order.PROMOTE)
    told.wait(10)
    assert told.state.problem.code == "hook.failed"
    told.send(e.Order.ROLLBACK)
    told.run()
    assert (told.state.status, told.revision) == (Status.ROLLED_BACK, "1")


def test_a_failed_contraction_that_changed_nothing_leaves_the_way_back_open():
    told = to_the_question(story(*CHAIN))
    told.codes["contract-4"] = 1
    told.send(e.Order.PROMOTE)
    told.wait(10)
    assert told.state.past_return is None
    told.send(e.Order.ROLLBACK)
    assert told.run().state.status is Status.ROLLED_BACK


def test_after_an_irreversible_change_a_sick_version_is_held_and_not_taken_back():
    """There is nothing to go back to: a person is told, and may let it go on."""
    told = story(CHAIN[0], revision("2", Phase.MIGRATE, reversible=False, irreversible=True))
    told.stuck.add("migrate-2")
    while told.state.past_return is None:
        told.step(0.5)
    told.sick.add(NEW.id)
    from pilotage.core.fleet import Phase as Fleet

    told.set_phase(NEW.id, Fleet.CRASHED)
    told.wait(60)
    assert told.state.status is Status.RUNNING
    assert told.state.problem.code == "rollout.past-return"


@pytest.mark.parametrize(
    ("revision_then", "atomic", "runs"), [("3", True, 1), ("2", True, 2), ("2", False, 1), ("9", True, 1)]
)
def test_of_a_change_that_nobody_saw_end_the_database_is_asked(revision_then, atomic, runs):
    told = story(CHAIN[0], EXPAND, replace_atomic(MIGRATE, atomic=atomic))
    told.stuck.add("migrate-3")
    while "run:migrate-3:1" not in told.did:
        told.step(0.5)
    told.lose("migrate-3")
    told.revision = revision_then
    told.stuck.clear()
    told.wait(60)
    assert len([key for key in told.did if key.startswith("run:migrate-3:")]) == runs
    ended = told.state.attempt("migrate-3").outcome
    known = revision_then == "3" or (atomic and revision_then == "2")
    assert ended is (Outcome.DONE if known else Outcome.UNKNOWN)


def replace_atomic(one: Revision, *, atomic: bool) -> Revision:
    return one.model_copy(update={"atomic": atomic})


def test_a_database_that_somebody_else_has_changed_is_left_alone():
    told = story(*CHAIN)
    told.revision = "9"
    told.wait(30)
    assert told.did == []
    assert told.state.problem.code == "database.drift"


def test_a_database_that_does_not_answer_holds():
    told = story(*CHAIN)
    told.revision = None
    told.wait(60)
    assert told.did == []
    assert told.state.status is Status.RUNNING


def codes(*chain: Revision, at: str = "1", **fields) -> list[str]:
    with pytest.raises(PilotageError) as caught:
        changed(*chain, at=at, **fields)
    return [problem.code for problem in caught.value.problems]


def test_what_would_leave_no_way_back_is_refused_at_the_plan():
    assert codes(CHAIN[0], revision("2", Phase.CONTRACT), revision("3")) == ["database.order"]
    assert codes(*CHAIN, at="7") == ["database.unknown-revision"]
    no_backup = SETTINGS.model_copy(update={"backup": None})
    assert codes(*CHAIN, settings=no_backup) == ["database.no-backup"]
    drop = Problem(
        code="database.destructive.drop-column", what="drops", where=Place(file="/srv/2.sql", line=3)
    )
    dangers = (
        Danger(revision="2", refused=True, problem=drop),
        Danger(revision="1", refused=True, problem=drop),
    )
    assert codes(*CHAIN, dangers=dangers) == ["database.destructive.drop-column"]


def test_what_the_live_version_owes_comes_first_and_only_hinders_those_before_it():
    made = changed(*CHAIN, revision("5"), at="3", owed=("4",))
    assert kinds(made)[2:5] == ["contract-4", "expand-5", "scale"]
    owed = next(step for step in made.steps if isinstance(step, Hook))
    assert (owed.breaks, owed.approval) == (OLD.id, True)
    told = story(*CHAIN, revision("5"), at="3", owed=("4",))
    while not isinstance(told.state.step, Hook):
        told.step()
    told.send(e.Order.PROMOTE)
    told.run(until="exposed").wait(2)
    told.send(e.Order.ROLLBACK)
    told.run()
    assert (told.state.status, told.revision) == (Status.ROLLED_BACK, "4")


def environment_after(told: Story) -> Environment:
    live = Good(release=OLD, instances=2, rollout="shop-prod-0", at=told.history[0].at)
    known = Environment(service="shop", name="prod", lineage=(live,))
    return follow(known, told.state.id, told.plan, told.history)


def test_a_restore_past_the_contraction_is_refused_with_the_version_that_is_safe():
    told = to_the_question(story(*CHAIN))
    assert environment_after(told).barrier_before(OLD.id) is None
    told.send(e.Order.PROMOTE)
    told.run()
    known = environment_after(told)
    restore = plan(METHOD).model_copy(update={"new": OLD, "method": "restore"})
    with pytest.raises(PilotageError) as caught:
        passable(restore, known)
    assert caught.value.problems[0].code == "rollback.past-return"
    assert NEW.version in caught.value.problems[0].why


def test_a_restore_past_a_contraction_that_can_be_undone_undoes_it_first():
    told = to_the_question(story(*CHAIN[:3], revision("4", Phase.CONTRACT)))
    told.send(e.Order.PROMOTE)
    told.run()
    assert told.revision == "4"
    restore = plan(METHOD).model_copy(update={"new": OLD, "method": "restore"})
    first = passable(restore, environment_after(told)).steps[0]
    assert isinstance(first, Hook)
    assert first.migration.after == "3"
