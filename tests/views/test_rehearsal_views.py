"""A rehearsal drawn: for the terminal, as a picture, as a page, as JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from factories import make_plan
from pilotage.core.plan import Plan
from pilotage.rehearsal.fault import parse_fault
from pilotage.rehearsal.model import BOUNDS, Latency, Service
from pilotage.rehearsal.outcome import Case, Ending, Episode, Moment, Rehearsal, Stretch, Waiting
from pilotage.rehearsal.spread import Odds, Spread
from pilotage.strategies.canary import Canary
from pilotage.views.ink import plain, width_of
from pilotage.views.rehearsal import draw, page, svg, view_of
from pilotage.views.rehearsal.model import RehearsalView

SECOND = timedelta(seconds=1)
SVG = "{http://www.w3.org/2000/svg}"


def service(**overrides) -> Service:
    latency = Latency()
    fields = {
        "rates": (60.0,) * 168,
        "errors": 0.005,
        "bounds": BOUNDS,
        "slow": tuple(latency.slower_than(bound) for bound in BOUNDS),
        "latency": latency,
        "users": 10_000,
        "starts": 5.0,
        "prepares": 30.0,
        "stops": 2.0,
        "answers": 1800.0,
        "measures": {},
        "told": ("requests as the model says", "users <b>as</b> the model says"),
    }
    return Service(**{**fields, **overrides})


def episode(plan: Plan, *, back: bool) -> Episode:
    steps = [(index, False) for index in range(7 if back else len(plan.steps))]
    steps += [(index, True) for index in range(len(plan.way_back) if back else 0)]
    stretches = [
        Stretch(
            index=index,
            back=gone_back,
            began=60 * number * SECOND,
            ended=60 * (number + 1) * SECOND,
            share=0 if index < 4 or gone_back else 100_000,
            requests=0 if index < 5 else 1234,
            failed=0 if index < 5 else 56,
            extra=0.0 if index < 5 else 40.0,
            users=0.0 if index < 5 else 900.4,
            instances=4,
        )
        for number, (index, gone_back) in enumerate(steps)
    ]
    took = stretches[-1].ended
    return Episode(
        seed=1,
        ending=Ending.ROLLED_BACK if back else Ending.SUCCEEDED,
        took=took,
        exposed_at=240 * SECOND,
        turned_at=420 * SECOND if back else None,
        promoted_at=None if back else took,
        why=("errors: new 5 %, old 1 %",) if back else (),
        stretches=tuple(stretches),
        moments=(Moment(at=300 * SECOND, what="gap 5m after 1m", bad=True),),
        waits=(Waiting(index=5, since=300 * SECOND, until=360 * SECOND),),
        requests=1234,
        failed=56,
        extra=40.0,
        users=900.4,
        instances=4,
        usual=2,
        looks=321,
        sparse=90 * SECOND,
    )


def view(*, back: bool = False) -> RehearsalView:
    plan = make_plan(Canary(steps=("10%", "50%")))
    spread = Spread(median=40, low=12, high=99)
    caught = Case(
        faults=(parse_fault("errors x5"),),
        caught=Odds.of(9, 10),
        after=Spread(median=65, low=20, high=180),
        extra=spread,
        failed=spread,
        users=spread,
        requests=spread,
    )
    never = caught.model_copy(
        update={"faults": (parse_fault("slower x2"),), "caught": Odds.of(0, 10), "after": None}
    )
    found = Rehearsal(
        service="shop",
        environment="production",
        digest=plan.digest,
        seed=1,
        begin=datetime(2026, 1, 5, 9, tzinfo=UTC),
        model=service(),
        faults=(parse_fault("gap 5m after 1m"),),
        episode=episode(plan, back=back),
        fine=Spread(median=600, low=590, high=610),
        good=Odds.of(3, 3),
        cases=(caught, never),
    )
    return view_of(found, plan)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("back", [False, True])
def test_no_line_is_wider_than_the_terminal(width, back):
    assert max(width_of(one) for one in draw(view(back=back), width)) <= width


def test_the_terminal_tells_everything_that_was_asked():
    text = plain(draw(view(back=True), 200))
    for told in (
        "1.0 → 2.0   canary, rehearsed as if begun Mon 2026-01-05 09:00 UTC",
        "60 requests/s, 0.50 % errors, 10 000 users",
        "Trouble   gap 5m after 1m",
        "way back",
        "2.0 is taken back after 7m",
        "1 234 requests of about 900 users reached it; 56 requests failed, about 40 of them because of it",
        "promoted after 10m (9m50s to 10m10s) (3 of 3 runs)",
        "2 instances more than now at the peak (4 of both sides)",
        "step 6 waits for a person after 5m, answered 1m later",
        "9 of 10 (60 to 98 %)",
        "1m5s (20s to 3m)",
        "never",
        "looked at 321 times",
        "every 1m30s at most",
        "seed 1",
    ):
        assert told in text, text


@pytest.mark.parametrize("back", [False, True])
def test_the_picture_is_sound_and_loads_nothing(back):
    text = svg(view(back=back))
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    for one in root.iter():
        assert one.tag.removeprefix(SVG) in {"svg", "title", "desc", "style", "rect", "text", "path", "circle"}
        assert not {name for name in one.attrib if "href" in name or name.startswith("on")}
    said = "".join(root.itertext())
    assert "errors x5" in said
    assert ("taken back" in said) is back or "chance to be taken back" in said
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for one in root.iter(f"{SVG}text"):
        assert 0 <= float(one.attrib["x"]) <= width
        assert 0 <= float(one.attrib["y"]) <= height


def test_the_page_has_the_picture_the_tables_and_no_script():
    text = page(view(back=True))
    assert "<script" not in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    assert "<b>as</b>" not in text
    for told in (
        "<svg",
        "Step by step",
        "If it is worse",
        "errors x5",
        "gap 5m after 1m",
        "default-src 'none'",
    ):
        assert told in text


def test_programs_get_the_same():
    shown = view()
    assert RehearsalView.model_validate_json(shown.model_dump_json()) == shown
