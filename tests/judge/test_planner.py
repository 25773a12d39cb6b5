"""The planner: its forecasts hang together, agree with the real judge, and its mends mend."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotage.core.judging import Arm, JudgeSettings, Kind, MeasureSettings, Role, Snapshot, Worse
from pilotage.core.notation import parse_duration, parse_fraction
from pilotage.core.traffic import Traffic
from pilotage.judge import Judge
from pilotage.judge.foresight import LONGEST, Path, Stage, Truth, slower_than
from pilotage.judge.mends import nice, troubles, up
from pilotage.judge.planner import Ending, Forecast, Regression, foresee, permission, stages
from pilotage.judge.recorded import traffic_of
from views import scripted as s

from .foreseen import FINE, WORSE, Cell, foreseen, played
from .streams import play, poisson

PLAIN = JudgeSettings(latency=False)
RAMP = (Stage(6, 0.05, 120.0), Stage(8, 0.25, 120.0), Stage(10, 0.5, 120.0))

rates = st.floats(20.0, 3000.0)
"""With fewer requests a block has to wait for those of the old version: a larger share makes it longer."""
bases = st.sampled_from([0.0, 0.0001, 0.001, 0.005, 0.02, 0.1])
shares = st.floats(0.01, 0.5)
ratios = st.floats(2.0, 50.0)


def back(rps: float, base: float, share: float, new: float) -> float:
    end = Path(PLAIN, Traffic(requests=rps, errors=base)).stage(Stage(1, share), Truth(min(1.0, new)))
    return LONGEST if end.back is None else end.back


def go(rps: float, base: float, share: float, new: float, **changed: Any) -> float:
    judged = PLAIN.model_copy(update=changed)
    end = Path(judged, Traffic(requests=rps, errors=base)).stage(Stage(1, share), Truth(new))
    return LONGEST if end.go is None else end.go


@settings(max_examples=30, deadline=None)
@given(rates, bases, shares, ratios, st.floats(1.0, 5.0))
def test_more_of_anything_is_found_sooner(
    rps: float, base: float, share: float, ratio: float, more: float
) -> None:
    new = base * ratio + 0.01
    found = back(rps, base, share, new)
    assert found > 0.0
    assert back(rps * more, base, share, new) <= found * 1.1 + 2.0
    assert back(rps, base, min(0.5, share * more), new) <= found * 1.1 + 2.0
    assert back(rps, base, share, new * more) <= found * 1.1 + 2.0


@settings(max_examples=30, deadline=None)
@given(rates, bases, shares, st.floats(1.0, 5.0))
def test_more_traffic_and_wider_margins_let_go_on_sooner(
    rps: float, base: float, share: float, more: float
) -> None:
    found = go(rps, base, share, base)
    assert found >= 60.0
    assert go(rps * more, base, share, base) <= found * 1.1 + 2.0
    assert go(rps, base, min(0.5, share * more), base) <= found * 1.1 + 2.0
    assert go(rps, base, share, base, error_pass_excess=0.0005 * more) <= found * 1.01 + 1.0
    assert go(rps, base, share, 0.0) <= found * 1.01 + 1.0


@settings(max_examples=15, deadline=None)
@given(rates, bases, st.sampled_from([None, 300.0, 3600.0]), st.sampled_from([None, timedelta(hours=2)]))
def test_what_is_told_hangs_together(
    rps: float, base: float, most: float | None, horizon: timedelta | None
) -> None:
    judged = JudgeSettings(latency=False, horizon=horizon)
    found = foresee(
        judged, tuple([one._replace(at_most=most) for one in RAMP]), Traffic(requests=rps, errors=base)
    )
    assert found is not None
    for outlook in found.outlooks:
        for sight in outlook.sights:
            assert (sight.after is None) is (sight.ending is Ending.NEVER)
            assert (sight.failed is not None) is (sight.ending in (Ending.BACK, Ending.LATE))
            assert sight.failed is None or sight.failed >= 0.0
            late = outlook.limit is not None and sight.after is not None and sight.after > outlook.limit
            assert late is (sight.ending is Ending.LATE) or sight.ending is Ending.GOES_ON
        assert (
            outlook.like_old is None or outlook.no_errors is None or outlook.no_errors <= outlook.like_old * 1.1
        )
    assert (found.whole is None) is not all(outlook.decides for outlook in found.outlooks)
    assert {one.step for one in troubles(judged, RAMP, found, found.traffic)} >= {
        outlook.step for outlook in found.outlooks if not outlook.decides
    }


def test_without_an_old_error_no_ratio_makes_a_difference() -> None:
    names = [one.regression.name for one in foresight(errors=0.0).outlooks[0].sights]
    assert names == ["1 % more errors", "outage"]


def foresight(*, judged: JudgeSettings = PLAIN, **traffic: Any) -> Forecast:
    found = foresee(judged, RAMP, Traffic(**({"requests": 100.0, "errors": 0.005} | traffic)))
    assert found is not None
    return found


def test_the_harm_is_much_the_same_at_every_traffic_and_share() -> None:
    """The harm law: (ln 1/alpha + overhead)(r - 1)/(r ln r - r + 1) failed requests, whoever sends them."""
    failed = [
        (rps * share * 0.02) * back(rps, 0.005, share, 0.025) - rps * share * 0.02 * 60.0
        for rps, share in ((20.0, 0.05), (100.0, 0.1), (400.0, 0.1), (400.0, 0.2))
    ]
    assert max(failed) < 2.0 * min(failed)
    assert 5.0 < min(failed) < 20.0


def test_what_may_pass_is_told_and_not_taken_for_found() -> None:
    sights = {one.regression.name: one for one in foresight(requests=1000.0, errors=0.0002).outlooks[0].sights}
    assert sights["errors x1.5"].ending is Ending.GOES_ON
    assert sights["errors x10"].ending is Ending.BACK


def test_bursts_make_it_wait() -> None:
    calm, bursting = foresight(), foresight(bursts=6.0)
    for one, other in zip(calm.outlooks[0].sights, bursting.outlooks[0].sights, strict=True):
        assert one.after is None or other.after is None or other.after >= one.after
    assert bursting.outlooks[0].like_old > 3 * calm.outlooks[0].like_old


def test_slowness_is_read_between_the_bounds() -> None:
    bounds, slow = (0.1, 0.2, 0.4), (0.5, 0.2, 0.05)
    assert slower_than(slow, bounds, 1, 1.0) == 0.2
    assert slower_than(slow, bounds, 1, 2.0) == pytest.approx(0.5)
    assert slower_than(slow, bounds, 2, 2.0) == pytest.approx(0.2)
    assert slower_than(slow, bounds, 0, 1e9) == pytest.approx(1.0)
    assert 0.2 < slower_than(slow, bounds, 1, 1.5) < 0.5


def test_slow_answers_are_foreseen_when_the_bounds_are_known() -> None:
    bounds = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
    slow = (0.99, 0.95, 0.8, 0.35, 0.06, 0.001, 0.0, 0.0, 0.0, 0.0)
    found = foresight(judged=JudgeSettings(), slow=slow, bounds=bounds).outlooks[0].sights
    assert [one.ending for one in found if one.regression.name == "five times as slow"] == [Ending.BACK]
    assert all(one.regression.slower == 1.0 for one in foresight().outlooks[0].sights)


@pytest.mark.parametrize("most", [600.0, None])
@pytest.mark.parametrize(("rps", "base"), [(20.0, 0.0), (5.0, 0.001), (0.5, 0.01)])
def test_a_mend_mends(rps: float, base: float, most: float | None) -> None:
    judged = tuple([one._replace(at_most=most) for one in RAMP])
    traffic = Traffic(requests=rps, errors=base)
    found = foresee(PLAIN, judged, traffic)
    assert found is not None
    for trouble in troubles(PLAIN, judged, found, traffic):
        place = next(i for i, one in enumerate(judged) if one.number == trouble.step)
        allowed = 86_400.0 if most is None else most
        assert trouble.mends
        for mend in trouble.mends:
            needed, limit = tried(mend, judged, traffic, place, allowed)
            assert needed is not None, mend
            assert needed <= limit, mend


def tried(
    mend: str, judged: tuple[Stage, ...], traffic: Traffic, place: int, allowed: float
) -> tuple[float | None, float]:
    """What a step needs once a mend is carried out, and what it then has."""
    changed, stages = PLAIN, judged
    for part in mend.replace("`", "").split(" and "):
        key, value = part.rsplit(" ", 2)[-2:] if ":" in part else ("share", part.split()[3])
        match key:
            case "share":
                stages = (*judged[:place], judged[place]._replace(share=float(value) / 100))
            case "at_most:":
                allowed = parse_duration(value).total_seconds()
            case "minimum_requests:":
                changed = changed.model_copy(update={"minimum_requests": int(value)})
            case _:
                excess = parse_fraction(value.strip("}"))
                changed = changed.model_copy(update={"error_pass_excess": excess})
    return permission(changed, stages, traffic, place), allowed


@pytest.mark.parametrize("mend", [0.00021, 0.0123, 0.5])
def test_margins_are_rounded_up(mend: float) -> None:
    assert mend <= parse_fraction(up(mend)) <= 1.1 * mend


@given(st.floats(0.5, 1e7))
def test_times_are_rounded_up(seconds: float) -> None:
    assert seconds <= nice(seconds).total_seconds() <= max(2.6 * seconds, 1.0)


def test_the_stages_of_a_plan() -> None:
    found = stages(s.plan(steps=["10%", "50%"], hold="2m", at_most="10m"))
    assert [(one.share, one.at_least, one.at_most) for one in found] == [
        (0.1, 120.0, 600.0),
        (0.5, 120.0, 600.0),
    ]
    assert stages(s.plan("big-bang")) == ()
    assert [one.share for one in stages(s.plan("blue-green", bake="5m"))] == [1.0]


@pytest.mark.parametrize(
    ("cell", "back"),
    [
        (WORSE["x5, 1000/s, 0.1 %, share 1 %"], True),
        (WORSE["x2, 1000/s, 0.5 %, share 5 %"], True),
        (WORSE["x10, 1000/s, 0.01 %, share 10 %"], True),
        (FINE["no errors, 100/s, 0.5 %, share 10 %"], False),
        (FINE["as good, 1000/s, 0.5 %, share 5 %"], False),
    ],
)
def test_the_real_judge_does_what_was_foreseen(cell: Cell, back: bool) -> None:
    expected = foreseen(cell)[0 if back else 1]
    assert expected is not None
    median = played(cell, 9, 4.0 * expected + 120.0, back=back)[4]
    assert 0.6 * expected < median < 1.67 * expected


SOLD = JudgeSettings(
    latency=False,
    measures={"orders": MeasureSettings(kind=Kind.COUNT, worse=Worse.LESS, role=Role.MUST)},
)


def selling(rate: float, seed: int) -> Iterator[Snapshot]:
    """400 requests a second, a quarter on the new version; 5 % of the old one's are orders."""
    rng, counts = Random(seed), [0, 0, 0, 0]
    for t in range(-120, 900):
        weight = 0.25 if t > 0 else 0.0
        old, new = poisson(rng, 400.0 * (1.0 - weight)), poisson(rng, 400.0 * weight)
        more = (old, poisson(rng, old * 0.05), new, poisson(rng, new * rate))
        counts = [a + b for a, b in zip(counts, more, strict=True)]
        n0, x0, n1, x1 = counts
        control = Arm.model_validate({"requests": n0, "errors": 0, "orders": x0})
        canary = Arm.model_validate({"requests": n1, "errors": 0, "orders": x1}) if weight else None
        yield Snapshot(t=t, weight=weight, control=control, canary=canary)


def test_declared_counts_are_foreseen_when_they_were_recorded() -> None:
    traffic = traffic_of(selling(0.05, 7), SOLD)
    assert traffic is not None
    assert traffic.measures["orders"] == pytest.approx(0.05, rel=0.05)
    found = foresee(SOLD, (Stage(1, 0.25),), traffic)
    assert found is not None
    sights = {one.regression.name: one for one in found.outlooks[0].sights}
    half = sights["half the orders"]
    assert half.ending is Ending.BACK
    assert half.after is not None
    times = sorted(play(Judge(SOLD), selling(0.025, seed)).failed or 900.0 for seed in range(5))
    assert 0.6 * half.after.total_seconds() < times[2] < 1.67 * half.after.total_seconds()


def test_declared_counts_that_were_never_recorded_are_left_out() -> None:
    names = [one.regression.name for one in foresight(judged=SOLD).outlooks[0].sights]
    assert "half the orders" not in names
    assert foresight(judged=SOLD).outlooks[0].like_old is not None


def test_a_regression_says_what_it_is() -> None:
    traffic = Traffic(requests=1.0, errors=0.4)
    assert Regression(name="x", ratio=5).truth(traffic).errors == 1.0
    assert not Regression(name="x", ratio=1).applies(traffic)
