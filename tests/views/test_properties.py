"""Whatever happened, in whatever order it was seen: a view is made, drawn within its screen, and read back."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from pilotage.core import events as e
from pilotage.core.environment import Glance
from pilotage.core.fleet import Phase
from pilotage.core.judging import Kind, Measure, Outcome, Role, Verdict
from pilotage.core.state import fold
from pilotage.errors import Problem
from pilotage.views import history, rollout, status, story, why
from pilotage.views.ink import cells, plain
from pilotage.views.rollout import RolloutView
from pilotage.views.why import WhyView
from views import scripted as s

NASTY = st.text(max_size=60) | st.sampled_from(
    ["", "\x1b[31mred\x1b[0m", "two\nlines", "幅の広い", "a\tb", "\u202eturned", "e\u0301" * 40, "x" * 300]
)
FRACTION = st.none() | st.floats(0, 1)
RATIO = st.none() | st.floats(0, 1e6)
MEASURES = st.builds(
    Measure,
    name=st.sampled_from(["errors", "latency p95", "error limit"]),
    kind=st.sampled_from(Kind),
    role=st.sampled_from(Role),
    old=FRACTION,
    new=FRACTION,
    low=RATIO,
    high=RATIO,
    limit=RATIO,
    ceiling=FRACTION,
    against=st.floats(0, 1),
    for_=st.floats(0, 1),
    missing=NASTY,
)
VERDICTS = st.builds(
    Verdict,
    outcome=st.sampled_from(Outcome),
    why=st.lists(NASTY, max_size=3).map(tuple),
    blame=st.sampled_from([(), ("errors",), ("unheard of",)]),
    missing=st.lists(NASTY, max_size=2).map(tuple),
    last=st.booleans(),
    measures=st.lists(MEASURES, max_size=3).map(tuple),
    requests_new=st.integers(0, 10**9),
)
PROBLEMS = st.builds(
    Problem,
    code=st.just("a.b"),
    what=st.just("odd") | NASTY.filter(bool),
    why=st.none() | NASTY,
    mend=st.none() | NASTY,
)
RELEASES = st.sampled_from([s.OLD.id, s.NEW.id])


def at(event: type, **fields: st.SearchStrategy[object]) -> st.SearchStrategy[e.Event]:
    return st.builds(event, at=st.just(s.START + timedelta(seconds=100)), by=NASTY, **fields)


NOISE: st.SearchStrategy[e.Event] = st.one_of(
    at(e.Paused, reason=NASTY),
    at(e.Resumed),
    at(e.Continued, full=st.booleans(), reason=NASTY),
    at(e.Judged, verdict=VERDICTS),
    at(e.ProblemRaised, problem=PROBLEMS),
    at(e.ProblemCleared, code=NASTY),
    at(e.Failed, key=NASTY, problem=PROBLEMS),
    at(e.Intended, key=NASTY, value=NASTY, told=NASTY),
    at(e.Refused, message=NASTY, problem=PROBLEMS),
    at(e.DriftSeen, wanted=NASTY, seen=st.none() | NASTY),
    at(e.HealthLost, release=RELEASES, detail=NASTY),
    at(e.HealthRegained, release=RELEASES),
    at(e.Exposed, shares=st.dictionaries(RELEASES, st.integers(0, 1_000_000)), revision=NASTY),
    at(e.DrainStarted, instances=st.lists(NASTY, max_size=3).map(tuple)),
    at(e.DrainEnded, instances=st.lists(NASTY, max_size=3).map(tuple), left=st.integers(0, 9)),
    at(e.TurnedBack, cause=st.sampled_from(e.Cause), why=st.lists(NASTY, max_size=2).map(tuple)),
)
PLAYS = [s.succeeded(), s.rolled_back(), s.Play(queued_behind="catalogue-production-6")]
METHODS = ["canary", "blue-green", "rolling", "big-bang"]


@st.composite
def histories(draw: st.DrawFn) -> list[e.Event]:
    """A prefix of a play, with anything else strewn in."""
    events = draw(st.sampled_from(PLAYS)).events
    kept = list(events[: draw(st.integers(1, len(events)))])
    for event in draw(st.lists(NOISE, max_size=4)):
        turned = any(isinstance(one, e.TurnedBack) for one in kept)
        if not (turned and isinstance(event, e.TurnedBack)):
            kept.insert(draw(st.integers(1, len(kept))), event)
    if any(isinstance(one, e.TurnedBack) for one in kept):
        return [one for one in kept if not (isinstance(one, e.StepFinished) and one.index > 3 and one.back)]
    return kept


GLANCES = st.none() | st.builds(
    lambda verdict, detail: s.glance(RUNNING, verdict).model_copy(
        update={"instances": (s.instance(s.NEW, 1, Phase.CRASHED, detail=detail),)}
    ),
    st.none() | VERDICTS,
    NASTY,
)
RUNNING = s.exposed_at_ten().at(75)


@given(histories(), GLANCES, st.integers(40, 200), st.none() | st.integers(10, 60), st.integers(-100, 10**6))
def test_a_rollout_is_always_drawn(
    events: list[e.Event], glance: Glance | None, width: int, height: int | None, seconds: int
) -> None:
    state, now = fold(s.ID, events), s.START + timedelta(seconds=seconds)
    view = rollout.view_of(state, events, glance, now)
    lines = rollout.draw(view, width, height)
    assert all(cells(row) <= width for row in plain(lines).splitlines())
    assert height is None or len(lines) <= height
    assert RolloutView.model_validate_json(view.model_dump_json()) == view


@given(histories(), GLANCES, st.integers(40, 200))
def test_reasons_are_always_told(events: list[e.Event], glance: Glance | None, width: int) -> None:
    state = fold(s.ID, events)
    view = why.view_of(state, events, glance)
    assert view.decided
    assert all(cells(row) <= width for row in why.as_text(view, width).splitlines())
    assert WhyView.model_validate_json(view.model_dump_json()) == view


@given(histories(), st.integers(40, 200))
def test_lists_are_always_drawn(events: list[e.Event], width: int) -> None:
    state = fold(s.ID, events)
    text = history.as_text(history.view_of([state], s.START), width)
    known = status.Environment(service="catalogue", name="production", holder=state.id)
    text += status.as_text(status.view_of(known, [state], s.START), width)
    assert all(cells(row) <= width for row in text.splitlines())


@given(histories())
def test_no_control_character_reaches_a_terminal(events: list[e.Event]) -> None:
    drawn = rollout.as_text(rollout.view_of(fold(s.ID, events), events, None, s.START))
    assert all(row.isprintable() for row in drawn.splitlines())


@given(histories())
def test_every_event_is_told_once(events: list[e.Event]) -> None:
    told = story.tell(s.CANARY, events)
    assert [one.number for one in told] == list(range(1, len(events) + 1))
    assert all(one.text for one in told)
