"""The version that is left is down: what is held, and what nothing may hold."""

from __future__ import annotations

from playbook import NEW, OLD, Story, plan

from pilotage.core import events as e
from pilotage.core.fleet import Phase
from pilotage.core.state import Status
from pilotage.strategies.canary import Canary
from pilotage.strategies.restore import Restore


def canary_without_its_old_version() -> Story:
    story = Story(plan(Canary(steps=("10%", "50%"), hold="10s", keep_warm="0s")))
    while not story.state.exposed_at:
        story.step()
    story.set_phase(OLD.id, Phase.CRASHED)
    return story.run("problem-raised")


def test_a_canary_holds_until_a_person_says_otherwise():
    story = canary_without_its_old_version()
    assert story.state.problem.code == "rollout.old-version-down"
    before = story.state.position
    story.wait(600)
    assert story.state.position == before
    story.send(e.Order.PROMOTE)
    story.run("step-finished").wait(600)
    assert story.state.position > before
    assert story.state.promoted is None


def test_promote_full_lets_it_go_on_to_the_end():
    story = canary_without_its_old_version()
    story.send(e.Order.PROMOTE_FULL)
    assert story.run().state.status is Status.SUCCEEDED


def test_a_restore_waits_for_nothing_of_the_version_that_it_leaves():
    """Guarantee 10: least of all when that one is dead."""
    story = Story(plan(Restore()))
    story.set_phase(OLD.id, Phase.CRASHED)
    story.run(seconds=120)
    assert (story.state.status, story.state.promoted) == (Status.SUCCEEDED, NEW.id)
    assert not story.of("problem-raised")
