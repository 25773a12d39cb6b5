"""Charts: whole pictures and screens as files, and what must be true of every one of them.

A changed picture is looked at, then kept: PILOTAGE_KEEP_SCREENS=1 pytest tests/views/test_charts.py
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from math import isfinite
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.core.judging import Arm, JudgeSettings, Kind, Measure, Outcome, Role, Snapshot, Verdict
from pilotage.views.chart import Chart, Point, Step, Turn, charts_of, draw, svg
from pilotage.views.chart.paper import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Time
from pilotage.views.chart.scales import scale_of, steps, time_ticks
from pilotage.views.chart.telling import summary
from pilotage.views.chart.thinning import split, thinned
from pilotage.views.ink import cells, in_ascii, plain
from views.courses import COURSES, KEPT, course, judged, recorded
from views.test_properties import NASTY

CHARTS = Path(__file__).parent / "charts"
DOCS = Path(__file__).parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("width", [44, 80, 120])
@pytest.mark.parametrize("name", COURSES)
def test_screen(name: str, width: int) -> None:
    drawn = plain(draw(COURSES[name](), width))
    kept = CHARTS / f"{name}.{width}.txt"
    if os.environ.get("PILOTAGE_KEEP_SCREENS"):
        kept.write_text(drawn, encoding="utf-8")
    assert drawn == kept.read_text(encoding="utf-8")
    assert max(map(cells, drawn.splitlines())) <= width


@pytest.mark.parametrize("name", ["absolute", "gap", "point", "unbounded"])
def test_picture(name: str) -> None:
    drawn = svg(COURSES[name]())
    kept = CHARTS / f"{name}.svg"
    if os.environ.get("PILOTAGE_KEEP_SCREENS"):
        kept.write_text(drawn, encoding="utf-8")
    assert drawn == kept.read_text(encoding="utf-8")


def test_the_picture_in_the_docs_is_of_the_recorded_rollout() -> None:
    """PILOTAGE_JUDGE_AGAIN=1 as well: of what the judge of today says of it."""
    if os.environ.get("PILOTAGE_JUDGE_AGAIN"):
        KEPT.write_text(judged()[0].model_dump_json(exclude_defaults=True) + "\n", encoding="utf-8")
    kept = DOCS / "images" / "judge-chart.svg"
    drawn = svg(recorded())
    if os.environ.get("PILOTAGE_KEEP_SCREENS"):
        kept.write_text(drawn, encoding="utf-8")
    assert drawn == kept.read_text(encoding="utf-8")


def test_the_recorded_rollout_was_let_go_on_and_then_taken_back() -> None:
    charts = {chart.measure: chart for chart in judged()}
    errors = charts["errors"]
    decided = [(turn.outcome, turn.blamed) for turn in errors.turns if turn.outcome is not Outcome.UNDECIDED]
    assert decided[-1] == (Outcome.FAIL, True)
    assert set(decided[:-1]) == {(Outcome.PASS, True)}
    assert errors.turns[-1].t == errors.end
    assert [step.share for step in errors.steps] == [0.1, 0.25, 0.5]
    assert len(charts) > 1
    assert not any(chart.turns[-1].blamed for name, chart in charts.items() if name != "errors")


@pytest.mark.parametrize("name", COURSES)
def test_every_picture_is_sound_and_says_what_it_shows(name: str) -> None:
    _sound(svg(COURSES[name](), id="one"), "one")


@pytest.mark.parametrize("name", COURSES)
def test_ascii_takes_the_same_room(name: str) -> None:
    for row in plain(draw(COURSES[name](), 100)).splitlines():
        assert len(in_ascii(row)) == cells(row)
        assert "?" not in in_ascii(row)


def _sound(text: str, id: str) -> ET.Element:
    root = ET.fromstring(text)
    assert root.get("role") == "img"
    named = {one.get("id"): (one.text or "") for one in root if one.get("id")}
    title, desc = (root.get("aria-labelledby") or "").split()
    assert (title, desc) == (f"{id}-title", f"{id}-desc")
    assert named[title].strip()
    assert named[desc].strip()
    assert not {one.tag for one in root.iter()} - {
        SVG + tag for tag in ("svg", "title", "desc", "style", "rect", "path", "text", "circle")
    }
    names = {name for one in root.iter() for name in one.attrib}
    assert not {name for name in names if name.startswith("on") or "href" in name}
    for path in root.iter(SVG + "path"):
        for x, y in _spots(path.get("d") or ""):
            assert isfinite(x + y)
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
    return root


def _spots(steps: str) -> list[tuple[float, float]]:
    numbers = [float(one) for one in re.findall(r"-?[\d.]+|nan|inf", steps)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


# Gaps


def test_no_line_crosses_a_gap() -> None:
    chart = COURSES["gap"]()
    (since, until), time = chart.gaps[0], Time(chart.start, chart.end)
    assert (since, until) == (119, 180)
    for path in ET.fromstring(svg(chart)).iter(SVG + "path"):
        if path.get("class") in ("line", "band", "edge", "limit", "fine"):
            xs = [x for x, y in _spots(path.get("d") or "") if y <= BOTTOM]
            whole = not xs or max(xs) - min(xs) < 1 or (min(xs) <= LEFT and max(xs) >= RIGHT)
            assert whole or max(xs) <= time.x(since) + 0.1 or min(xs) >= time.x(until) - 0.1


def test_a_look_without_telemetry_is_a_gap_though_the_verdict_repeats_its_figures() -> None:
    verdict = Verdict(
        outcome=Outcome.UNDECIDED,
        measures=(
            Measure(name="errors", old=0.01, new=0.02),
            Measure(name="latency p95", old=0.05, new=0.06),
            Measure(name="cpu", kind=Kind.GAUGE, old=2, new=3),
        ),
    )
    settings = JudgeSettings.model_validate({"measures": {"cpu": {"kind": "gauge"}}})

    def arm(t: int) -> Arm:
        known = {"cpu": 1.0} if t < 40 or t >= 60 else {"cpu": None}
        buckets = (1.0, 2.0) if t < 20 or t >= 30 else None
        return Arm(requests=t, errors=0, latency_bucket=buckets, **known)

    looks = [
        (Snapshot(t=t, weight=0.1, control=arm(t) if not 70 <= t < 80 else None, canary=arm(t)), verdict)
        for t in range(100)
    ]
    gaps = {chart.measure: chart.gaps for chart in charts_of(settings, looks)}
    assert gaps == {
        "errors": ((69, 80),),
        "latency p95": ((19, 30), (69, 80)),
        "cpu": ((39, 60), (69, 80)),
    }


def test_silence_is_a_gap_and_one_late_look_is_none() -> None:
    points = [Point(t=t, share=0.1) for t in (0, 1, 2, 5.5, 6.5, 20, 21)]
    stretches = split(points, 0, 21, pause=4)
    assert [[point.t for point in stretch] for stretch in stretches] == [[0, 1, 2, 5.5, 6.5], [20, 21]]


def test_looks_before_any_user_out_of_order_or_absurd_are_not_drawn() -> None:
    arm = Arm(requests=1, errors=0)
    verdict = Verdict(outcome=Outcome.UNDECIDED, measures=(Measure(name="errors", old=0.1, new=0.1),))
    times = [-5.0, 0.0, 1.0, 0.5, float("nan"), 2.0]
    looks = [(Snapshot(t=t, weight=0.1, control=arm, canary=arm), verdict) for t in times]
    looks.append((Snapshot(t=3, weight=7, control=arm, canary=arm), verdict))
    (chart,) = charts_of(JudgeSettings(), looks)
    assert [point.t for point in chart.points] == [0, 1, 2]


def test_the_limit_has_its_excess_in_it_and_less_is_worse_below() -> None:
    arm = Arm(requests=1, errors=0, orders=1)
    settings = JudgeSettings.model_validate(
        {
            "measures": {
                "orders": {"kind": "rate", "worse": "less", "ratio": 1.25, "pass_ratio": 2, "role": "must"}
            }
        }
    )
    measures = (
        Measure(name="errors", old=0.001, new=0.1, limit=1.1),
        Measure(name="orders", kind=Kind.RATE, old=5, new=4, limit=1.25),
    )
    look = Snapshot(t=1, weight=0.1, control=arm, canary=arm)
    charts = charts_of(settings, [(look, Verdict(outcome=Outcome.UNDECIDED, measures=measures))])
    errors, less = (next(chart.points) for chart in charts)
    assert (errors.worse, errors.fine) == pytest.approx((1.2, 2.0))
    assert (less.worse, less.fine) == pytest.approx((0.8, 0.5))
    assert charts[1].less


# Thinning


FIGURES = st.none() | st.floats(0, 1e6)
POINTS = st.builds(
    Point,
    t=st.just(0.0),
    share=st.sampled_from([0.1, 0.5]),
    old=FIGURES,
    new=FIGURES,
    low=FIGURES,
    high=FIGURES,
    against=st.floats(0, 1),
    for_=st.floats(0, 1),
)


@given(st.lists(POINTS, min_size=1, max_size=200), st.integers(1, 9))
def test_thinning_loses_no_extreme_and_makes_nothing_up(found: list[Point], columns: int) -> None:
    points = [one.model_copy(update={"t": float(t)}) for t, one in enumerate(found)]
    kept = thinned(points, 0, len(points), columns)
    turned = sum(before.share != after.share for before, after in pairwise(points))
    assert len(kept) <= 14 * columns + 2 * turned
    places = [points.index(one) for one in kept]
    assert places == sorted(set(places))
    assert {0, len(points) - 1} <= set(places)
    for figure in ("new", "ratio", "against", "for_"):
        values = [value for one in points if (value := getattr(one, figure)) is not None]
        if values:
            left = [value for one in kept if (value := getattr(one, figure)) is not None]
            assert (min(left), max(left)) == (min(values), max(values))
    assert any(one.high is None for one in kept) == any(one.high is None for one in points)


def test_hours_become_few_and_the_one_bad_second_stays() -> None:
    chart = COURSES["hours"]()
    points = list(chart.points)
    assert len(points) < 3_000
    assert max(point.ratio or 0 for point in points) > 5
    assert len(svg(chart)) < 250_000


# Whatever it is


@st.composite
def charts(draw_: st.DrawFn) -> Chart:
    start = draw_(st.floats(0, 1e5))
    times = sorted(draw_(st.lists(st.floats(0, 1e5), min_size=1, max_size=30, unique=True)))
    points = [
        draw_(st.none() | POINTS.map(lambda p, t=start + t: p.model_copy(update={"t": t}))) for t in times
    ]
    end = start + times[-1]
    return Chart(
        measure=draw_(NASTY),
        kind=draw_(st.sampled_from(Kind)),
        role=draw_(st.sampled_from(Role)),
        less=draw_(st.booleans()),
        ceiling=draw_(st.none() | st.floats(0, 1)),
        old_version=draw_(NASTY),
        new_version=draw_(NASTY),
        where=draw_(NASTY),
        start=start,
        end=end,
        stretches=tuple(map(tuple, split(points, start, end, 4))),
        steps=tuple(Step(t=start + t, share=0.1 * i % 1) for i, t in enumerate(times[:4])),
        turns=tuple(Turn(t=start + t, outcome=draw_(st.sampled_from(Outcome))) for t in times[-2:]),
    )


@given(charts(), st.integers(40, 160))
def test_whatever_it_is_it_is_drawn_within_its_place(chart: Chart, width: int) -> None:
    _sound(svg(chart), "chart")
    drawn = plain(draw(chart, width))
    assert max(map(cells, drawn.splitlines())) <= width
    assert summary(chart)
    assert Chart.model_validate_json(chart.model_dump_json()) == chart


@given(charts())
def test_an_axis_holds_what_it_promises(chart: Chart) -> None:
    scale = scale_of(chart)
    ticks = scale.ticks()
    assert all(scale.low * 0.999 <= tick <= scale.high * 1.001 for tick in ticks)
    assert len(ticks) <= 7
    if chart.ceiling is None:
        assert scale.inside(1.0)
    else:
        assert scale.inside(chart.ceiling)


def test_ticks_are_round() -> None:
    assert steps(0.0, 0.094, 6) == [0, 0.02, 0.04, 0.06, 0.08]
    assert time_ticks(1, 300, 7) == [60, 120, 180, 240, 300]
    assert time_ticks(0, 0, 7) == [0]


def test_a_single_instant_stands_in_the_middle() -> None:
    assert Time(5, 5).x(5) == (LEFT + RIGHT) / 2
    assert TOP < BOTTOM


def test_nothing_known_is_said() -> None:
    empty = course(lambda t: None, range(1, 5))
    assert summary(empty) == "Nothing is known of it."
    assert "Nothing is known of it." in plain(draw(empty))
