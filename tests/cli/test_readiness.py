"""Readiness on the fake App: what stops a release, what is only told, and what is kept."""

from __future__ import annotations

import json

import pytest

from cli.conftest import Command
from cli.fake import FakeApp
from pilotage.core.readiness import Item, Readiness, Standing, Weight
from pilotage.errors import ExitCode, Problem
from pilotage.usecases.readying import Assessed
from views import scripted as s

NOT_TRAINED = Item(
    subject="training",
    what="Support know the checkout",
    standing=Standing.OPEN,
    owner="Tom",
    why="not done yet",
)
PROBLEM = Problem(code="readiness.training", what="not ready: support know the checkout", why="owner: Tom")


def found(weight: Weight) -> Assessed:
    readiness = Readiness(at=s.Play().now, items=(NOT_TRAINED.model_copy(update={"weight": weight}),))
    blocks = weight is Weight.BLOCK
    return Assessed(readiness, (PROBLEM,) if blocks else (), () if blocks else (PROBLEM,))


def test_what_blocks_stops_a_release_before_anything_is_asked(cli: Command, app: FakeApp) -> None:
    app.ready = found(Weight.BLOCK)
    ended = cli("release", "0.65.5")
    assert ended.code == ExitCode.BLOCKED
    assert "error readiness.training: not ready: support know the checkout" in ended.err
    assert ended.out == ""
    assert app.done == ["plan 0.65.5 to None"]


def test_what_warns_is_told_and_the_release_goes_on(cli: Command, app: FakeApp) -> None:
    app.ready = found(Weight.WARN)
    ended = cli("release", "0.65.5")
    assert ended.code == ExitCode.DONE
    assert "warning readiness.training" in ended.err
    assert app.done[-1] == "release 0.65.5"


def test_a_rollback_does_not_ask(cli: Command, app: FakeApp) -> None:
    app.ready = found(Weight.BLOCK)
    cli("rollback")
    assert app.done == ["rollback None"]


def test_a_plan_tells_what_would_stop_it(cli: Command, app: FakeApp) -> None:
    app.ready = found(Weight.BLOCK)
    ended = cli("plan", "0.65.5")
    assert ended.code == ExitCode.DONE
    assert "readiness.training" in ended.err
    assert cli("plan", "0.65.5", "--json").err == ""


@pytest.mark.parametrize(("weight", "code"), [(Weight.BLOCK, ExitCode.BLOCKED), (Weight.WARN, ExitCode.DONE)])
def test_the_table_ends_as_a_start_would(cli: Command, app: FakeApp, weight: Weight, code: ExitCode) -> None:
    app.ready = found(weight)
    ended = cli("readiness", "0.65.5")
    assert ended.code == code
    assert "training  Support know the checkout  Tom" in ended.out
    shown = json.loads(cli("readiness", "0.65.5", "--json").out)
    assert shown["ready"] is (code == ExitCode.DONE)
    assert shown["readiness"]["items"][0]["owner"] == "Tom"


def test_nothing_is_asked(cli: Command, app: FakeApp) -> None:
    assert "Nothing is asked" in cli("readiness").out
    assert json.loads(cli("readiness", "--json").out) is None
    assert app.done == ["plan of None to None", "plan of None to None"]


def test_a_moment_that_is_none(cli: Command, app: FakeApp) -> None:
    ended = cli("readiness", "--at", "tomorrow")
    assert ended.code == ExitCode.USAGE
    assert "2026-12-01T21:00+01:00" in ended.err
    assert app.done == []


def test_a_tick_says_who_and_of_which_plan(cli: Command, app: FakeApp) -> None:
    ended = cli("tick", "backup", "--by", "Kofi", "--note", "run 7")
    assert app.done[-1] == "tick backup by Kofi run 7"
    assert ended.out == f"backup is ticked off, by Kofi, for the plan {app.play.plan.digest}.\n"
    assert "not done after all" in cli("tick", "backup", "--undo").out
    assert json.loads(cli("tick", "backup", "--json").out)["step"] == "backup"
