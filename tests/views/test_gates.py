"""Windows and starts as people read them: in the plan, in status and in why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from factories import make_plan
from pilotage.core import events as e
from pilotage.core.state import begin
from pilotage.core.steps import Gate
from pilotage.core.windows import parse_start, parse_window
from pilotage.strategies.canary import Canary
from pilotage.strategies.gates import scheduled
from pilotage.views import plan as plan_view
from pilotage.views import why
from pilotage.views.rollout.coming import coming

SUNDAY = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)
WINDOWS = (parse_window("Mon-Thu 09:00-16:00 Europe/Berlin"),)


def made(start=None, *windows):
    return scheduled(make_plan(Canary()), start and parse_start(start), windows or WINDOWS)


def at_the_gate():
    plan = made()
    created = e.Created(at=SUNDAY, by="ada", plan=plan, digest=plan.digest)
    gate = next(place for place, step in enumerate(plan.steps) if isinstance(step, Gate))
    return begin("shop-prod-1", created).model_copy(update={"position": gate}), created


def test_the_plan_tells_when_its_window_opens():
    view = plan_view.view_of(made(), now=SUNDAY)
    opens = "opens Mon 2026-11-30 09:00 Europe/Berlin (in 12h)"
    assert view.windows == f"Mon-Thu 09:00-16:00 Europe/Berlin: {opens}; going back waits for none"
    assert "Wait for Mon-Thu 09:00-16:00 Europe/Berlin" in plan_view.as_text(view)


def test_a_window_is_looked_for_after_the_start():
    told = plan_view.view_of(made("2026-12-01T18:00 Europe/Berlin"), now=SUNDAY).windows
    assert told.startswith("not before Tue 2026-12-01 18:00 Europe/Berlin: opens")
    assert "opens Wed 2026-12-02 09:00 Europe/Berlin (in 2d12h)" in told


def test_a_start_in_the_past_is_warned_of():
    warnings = plan_view.view_of(made("2026-11-01T18:00 UTC"), now=SUNDAY).warnings
    assert "The start Sun 2026-11-01 18:00 UTC is in the past: it begins at once." in warnings


def test_a_window_that_is_open_is_told_so():
    assert ": open now;" in plan_view.view_of(made(), now=SUNDAY + timedelta(hours=14)).windows


def test_what_it_waits_for_is_told_live():
    state, created = at_the_gate()
    words = "waits for the window, opens Mon 2026-11-30 09:00 Europe/Berlin (in 11h)"
    following = coming(state, SUNDAY + timedelta(hours=1))
    assert following is not None
    assert following.what.startswith(words)
    answer = why.view_of(state, [created], None, SUNDAY + timedelta(hours=1))
    assert answer.decided[0].lower().startswith(words.lower())
