"""What could not be used of the telemetry is told to whoever watches, and by why."""

from __future__ import annotations

import pytest

from pilotage.views import rollout, why
from pilotage.views.ink import plain

from . import scripted as s

NOTES = ("shop: orders of the new version is negative: left out",)


@pytest.mark.parametrize("notes", [NOTES, ()])
def test_notes_of_the_last_look_are_told(notes: tuple[str, ...]) -> None:
    play = s.exposed_at_ten().at(60)
    glance = s.glance(play, s.UNSURE).model_copy(update={"notes": notes})
    watched = plain(rollout.draw(rollout.view_of(play.state, play.events, glance, play.now), 120))
    asked = why.as_text(why.view_of(play.state, play.events, glance, play.now), 120)
    assert ("Left out: shop: orders of the new version is negative" in watched) is bool(notes)
    assert ("Of the telemetry was left out: shop: orders of the new version is negative" in asked) is bool(
        notes
    )
