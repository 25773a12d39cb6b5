"""Rehearsing as a library call: cases are counted, figures come from whoever knows them first."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from factories import make_context, make_plan
from pilotage.core.flags import FlagSeen
from pilotage.core.judging import Arm, JudgeSettings, Kind, MeasureSettings, Snapshot
from pilotage.core.plan import FlagsSpec
from pilotage.core.traffic import Traffic
from pilotage.core.windows import parse_window
from pilotage.errors import PilotageError
from pilotage.rehearsal.fault import parse_fault
from pilotage.rehearsal.model import ServiceModel
from pilotage.strategies.canary import Canary
from pilotage.strategies.feature_flag import FeatureFlag
from pilotage.strategies.gates import scheduled
from pilotage.usecases.expecting import _add, _Hours, settled
from pilotage.usecases.rehearsing import Script, coming_monday, drawn, rehearsed

BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)
QUICK = Canary(steps=("50%",), hold=timedelta(minutes=5))
KNOWN = Traffic(requests=40, errors=0.02, slow=(0.5, 0.1), bounds=(0.1, 1.0), source="as shop-7 had it")
SAID = Traffic(requests=70, errors=0.01, source="as `expect` says")


def summed(plan, processes, **script):
    model = settled(ServiceModel(requests="60/s", errors="0.5%"), None, None, {}, plan.judge)
    return asyncio.run(rehearsed(plan, model, Script(begin=BEGIN, **script), processes=processes))


def test_cases_are_counted_alike_by_one_process_and_by_several():
    script = {"runs": 2, "worse": ((parse_fault("errors x20"),), (parse_fault("outage after 1m"),))}
    found = summed(make_plan(QUICK), 0, **script)
    assert summed(make_plan(QUICK), 2, **script) == found
    for case in found.rehearsal.cases:
        assert (case.caught.hits, case.caught.runs) == (2, 2)
        assert case.after is not None
        assert 0 < case.after.median < 300
        assert case.extra.median > 0
    assert (found.rehearsal.good.hits, found.rehearsal.good.runs) == (3, 3)
    assert found.foreseen is not None


def test_a_single_run_with_a_fault_tells_nothing_of_good_versions():
    found = summed(make_plan(QUICK), 0, runs=0, worse=(), faults=(parse_fault("outage"),)).rehearsal
    assert (found.good.runs, found.fine, found.cases) == (0, None, ())
    assert found.episode.caught


def test_a_release_by_feature_flag_is_refused():
    flags = FlagsSpec(kind="flagd")
    basis = make_context().basis.model_copy(update={"flag": FlagSeen(key="new-basket")})
    with pytest.raises(PilotageError, match="can not be rehearsed"):
        summed(make_plan(FeatureFlag(flag="new-basket"), basis=basis, flags=flags), 0)


@pytest.mark.parametrize(
    ("said", "manifest", "known", "rate", "errors", "told"),
    [
        (ServiceModel(requests="5/s", errors="3%"), SAID, KNOWN, 5, 0.03, "requests as the model says"),
        (ServiceModel(), SAID, KNOWN, 70, 0.01, "requests as `expect` says"),
        (ServiceModel(), None, KNOWN, 40, 0.02, "requests as shop-7 had it"),
        (ServiceModel(), None, None, 50, 0.001, "50 requests a second at all hours, because nothing is known"),
    ],
)
def test_each_figure_comes_from_the_first_that_knows_it(said, manifest, known, rate, errors, told):
    found = settled(said, manifest, known, {}, None)
    assert (found.rates[0], found.errors, found.told[0]) == (rate, errors, told)
    assert found.bounds == (KNOWN.bounds if known else found.bounds)


def test_recorded_hours_of_the_week_are_kept_apart():
    found = settled(ServiceModel(), None, KNOWN, {9: 100.0, 10: 120.0}, None)
    assert (found.rates[8], found.rates[9], found.rates[10]) == (40, 100, 120)
    assert "2 of 168 hours of a week seen" in found.told[0]


def test_hours_are_those_in_which_the_looks_were():
    hours, looks = (
        _Hours(),
        [Snapshot(t=t, weight=0, control=Arm(requests=t * 7), canary=None) for t in range(0, 7200, 60)],
    )
    for before, now in pairwise(looks):
        _add(hours, BEGIN, (before.t, before.control.requests), (now.t, now.control.requests))
    assert hours.rates() == {9: pytest.approx(7), 10: pytest.approx(7)}


def test_declared_measures_are_never_left_out():
    judge = JudgeSettings(measures={"orders": MeasureSettings(kind=Kind.COUNT)})
    found = settled(ServiceModel(), None, None, {}, judge)
    assert found.measures == {"orders": 0.01}
    assert "orders: 0.01, because nothing is known" in found.told


def test_chance_is_the_same_for_one_seed_and_monday_is_monday():
    assert drawn(8) == drawn(8)
    assert len({drawn(seed) for seed in range(20)}) > 5
    for day in range(7):
        found = coming_monday(BEGIN + timedelta(days=day))
        assert (found.weekday(), found.hour) == (0, 9)
        assert found > BEGIN


def test_a_rehearsal_waits_for_windows():
    plan = scheduled(make_plan(QUICK), None, (parse_window("daily 12:00-13:00 UTC"),))
    found = summed(plan, 0, runs=0, worse=()).rehearsal
    assert timedelta(hours=3) < (found.episode.promoted_at or timedelta(0)) < timedelta(hours=3, minutes=30)
