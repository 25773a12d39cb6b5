"""Histories written by earlier versions are read for ever and make the same state.

Each file in histories/ is one rollout: an event a line, and the state they made (without the plan) as the last
line. Files are added with each version that adds an event or a field, and never changed:
``PILOTAGE_KEEP_HISTORIES=NAME pytest tests/core/test_histories.py`` writes those of today as NAME-*.jsonl.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from playbook import FAIL, NEW, Story, plan

from pilotage.core import events as e
from pilotage.core.flags import FlagRule
from pilotage.core.fleet import Phase
from pilotage.core.hooks import Program
from pilotage.core.state import fold
from pilotage.core.steps import Check
from pilotage.errors import Problem
from pilotage.flags import flagd
from pilotage.strategies.big_bang import BigBang
from pilotage.strategies.blue_green import BlueGreen
from pilotage.strategies.canary import Canary
from pilotage.strategies.feature_flag import FeatureFlag
from pilotage.strategies.hooks import Moment, command, woven
from pilotage.strategies.parallel_run import ParallelRun
from pilotage.strategies.rolling import Rolling

FOLDER = Path(__file__).parent / "histories"
FILES = sorted(FOLDER.glob("*.jsonl"))
CHECKS = (Check(name="front page", path="/"),)
CANARY = Canary(steps=("10%", "50%"), hold="5s", keep_warm="10s")


def good() -> Story:
    return Story(plan(CANARY, checks=CHECKS)).run()


def judged_worse() -> Story:
    story = Story(plan(CANARY))
    while not story.state.exposed_at:
        story.step()
    story.verdict = FAIL
    return story.run()


def troubled() -> Story:
    story = Story(plan(CANARY, warm=True, checks=CHECKS))
    story.broken = Problem(code="test.broken", what="broken on purpose")
    story.wait(4)
    story.broken = None
    for order in (e.Order.PAUSE, e.Order.RESUME, e.Order.RESUME):
        story.send(order)
        story.wait(2)
    while not story.state.exposed_at:
        story.step()
    story.wait(1)
    story.routing = story.before
    story.wait(2)
    story.set_phase(NEW.id, Phase.CRASHED)
    story.wait(2)
    story.set_phase(NEW.id, Phase.HEALTHY)
    story.send(e.Order.PROMOTE_FULL)
    story.wait(1)
    story.blind = True
    story.wait(2)
    story.blind = False
    return story.run()


def hooks() -> Story:
    """One that nobody saw end and a person has run again; one that fails, and is taken back."""
    placed = [
        command(
            moment.value,
            moment,
            Program(commands=(("run", moment.value),), folder="/srv/shop"),
            undo=Program(commands=(("undo",),), folder="/srv/shop"),
        )
        for moment in (Moment.BEFORE_USERS, Moment.BEFORE_PROMOTION)
    ]
    story = Story(woven(plan(CANARY, checks=CHECKS), placed), stuck={"before-users"})
    story.codes["before-promotion"] = 3
    while not story.did:
        story.step()
    story.wait(2)
    story.lose("before-users")
    story.wait(2)
    story.stuck.clear()
    story.send(e.Order.HOOK_AGAIN)


def feature_taken_back() -> Story:
    story = Story(plan(FeatureFlag(flag="new-checkout", hold="5s")))
    while not story.state.flag_share:
        story.step()
    story.flags["new-checkout"] = flagd.compiled(FlagRule(key="new-checkout", share=1_000_000))
    story.wait(2)
    story.verdict = FAIL
    return story.run()


def signed_off() -> Story:
    story = Story(plan(ParallelRun(at_least="2s"))).run("reconciled")
    story.send(e.Order.SIGN_OFF, reason=story.state.reconciled.digest)
    return story.run()


STORIES = {
    "hooks": hooks,
    "feature-taken-back": feature_taken_back,
    "signed-off": signed_off,
    "good": good,
    "judged-worse": judged_worse,
    "troubled": troubled,
    "blue-green": lambda: Story(plan(BlueGreen(bake=timedelta(seconds=5)))).run(),
    "rolling": lambda: Story(plan(Rolling(hold=timedelta(seconds=1)), instances=3)).run(),
    "big-bang": lambda: Story(plan(BigBang(), checks=CHECKS)).run(),
    "first-fails": lambda: Story(plan(CANARY, first=True, checks=CHECKS), sick={NEW.id}).run(),
}


@pytest.mark.skipif("PILOTAGE_KEEP_HISTORIES" not in os.environ, reason="writes the histories of today")
def test_keep_the_histories_of_today():
    for name, story in STORIES.items():
        told = story()
        lines = [event.model_dump_json() for event in told.history]
        lines.append(told.state.model_dump_json(exclude={"plan"}))
        path = FOLDER / f"{os.environ['PILOTAGE_KEEP_HISTORIES']}-{name}.jsonl"
        assert not path.exists(), "a kept history is never changed"
        FOLDER.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_kept_history_makes_the_state_it_made(path):
    *lines, kept = path.read_text().splitlines()
    events = [e.EVENT.validate_json(line) for line in lines]
    made = json.loads(fold("shop-prod-1", events).model_dump_json(exclude={"plan"}))
    assert {key: made[key] for key in json.loads(kept)} == json.loads(kept)


def test_the_kept_histories_hold_every_kind_of_event():
    kept = {json.loads(line).get("kind") for path in FILES for line in path.read_text().splitlines()}
    every = {option.model_fields["kind"].default for option in e._Event.__subclasses__()}
    assert every - kept == {"started"}, "Started is that of a queued rollout"
