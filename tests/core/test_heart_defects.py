"""Defects of the heart that the simulation found (docs/simulation.md), as scripts."""

from __future__ import annotations

from datetime import timedelta

from playbook import NEW, OLD, WARM, Story, plan

from pilotage.core import events as e
from pilotage.core.state import Status
from pilotage.strategies.canary import Canary
from pilotage.strategies.rolling import Rolling


def test_a_warm_side_that_is_being_cleared_away_is_not_left_behind_by_a_way_back():
    """The old warm side is handed to the next release; that one turns back before it has retired it."""
    story = Story(plan(Canary(), warm=True))
    story.step()
    story.send(e.Order.ROLLBACK)
    story.run()
    assert story.state.status is Status.ROLLED_BACK
    left = {instance.release for instance in story.instances.values() if instance.exists}
    assert WARM.id not in left
    assert left == {OLD.id}


def test_nothing_is_promoted_while_the_world_can_not_be_seen():
    """The hold is over and the target does not answer: what would be recorded as served is not known."""
    story = Story(plan(Rolling(batch=2, hold=timedelta(seconds=5))))
    story.run(until="exposed")
    while story.state.step.kind != "pause":
        story.step()
    story.blind = True
    story.wait(30)
    assert story.of("promoted") == []
    story.blind = False
    story.run()
    [promoted] = story.of("promoted")
    [backend] = [b for b in promoted.routing.backends if b.release == NEW.id]
    assert len(backend.endpoints) == 2
