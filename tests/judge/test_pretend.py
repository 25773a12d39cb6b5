"""Pretend releases: nothing is lost or made up when a history is cut in two, and what is planted is there."""

from __future__ import annotations

from math import sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.core.judging import Arm, JudgeSettings, Kind, MeasureSettings, Snapshot, Worse
from pilotage.judge.pretend import Counts, Fields, Moment, Ramp, Regression, binomial, history, release, thinned
from pilotage.judge.worsen import error_rate, more_errors, outage, planting, slower

RAMP = Ramp((0.1, 0.5), 10.0)
FIELDS = Fields(("orders",), ("cpu",))


def arm(second: int, **more: object) -> Arm:
    return Arm(
        requests=100 * second,
        errors=2 * second,
        latency_bucket=(60 * second, 90 * second, 100 * second),
        orders=7 * second,
        cpu=0.5,
        **more,
    )


def looks(instances: int, seconds: int = 41) -> list[Snapshot]:
    found = []
    for second in range(seconds):
        shards = tuple(arm(second) for _ in range(instances)) if instances > 1 else None
        found.append(Snapshot(t=float(second), weight=0.0, control=arm(second, shards=shards), canary=None))
    return found


def moments(instances: int) -> list[Moment]:
    return list(history(looks(instances), FIELDS))


def test_a_history_is_what_happened_between_the_looks() -> None:
    found = moments(2)
    assert len(found) == 40
    assert found[0] == Moment(1.0, 1.0, (Counts(100, 2, (60, 30, 10), {"orders": 7}, {"cpu": 0.5}),) * 2)


def test_looks_that_can_not_be_read_are_bridged_and_restarts_are_no_loss() -> None:
    seen = looks(1)
    seen[10] = seen[10].model_copy(update={"control": None})
    seen[11] = seen[11].model_copy(update={"control": Arm(requests=5, errors=9)})
    seen[20:] = [one.model_copy(update={"control": arm(int(one.t) - 19)}) for one in seen[20:]]
    found = list(history(seen, FIELDS))
    assert sum(one.parts[0].requests for one in found) == 40 * 100
    assert sum(one.parts[0].counted["orders"] for one in found) == 40 * 7
    assert sum(one.seconds for one in found) == 40
    assert max(one.seconds for one in found) == 3


def test_counters_that_began_anew_are_not_subtracted() -> None:
    seen = [one.model_copy(update={"epoch": "b" if one.t >= 20 else "a"}) for one in looks(1)]
    assert [one.t for one in history(seen, FIELDS)] == [float(t) for t in range(1, 41) if t != 20]


@pytest.mark.parametrize("instances", [1, 2, 3, 4])
def test_a_pretend_release_ramps_up_and_is_a_release_to_the_judge(instances: int) -> None:
    found = list(release(moments(instances), 20.0, RAMP, Random(1)))
    assert [one.t for one in found] == [float(t) for t in range(-19, 21)]
    assert [one.weight for one in found] == [0.0] * 20 + [0.1] * 10 + [0.5] * 10
    assert all((one.canary is None) is (one.t <= 0) for one in found)
    last = found[-1]
    assert last.control is not None
    assert last.canary is not None
    for side in (last.control, last.canary):
        assert side.errors <= side.requests
        assert list(side.latency_bucket) == sorted(side.latency_bucket)
        assert side.model_extra["cpu"] == 0.5
    assert len(last.control.shards or ()) == {1: 0, 2: 0, 3: 2, 4: 2}[instances]


def test_requests_that_are_dealt_are_neither_lost_nor_made_up() -> None:
    last = list(release(moments(1), 20.0, RAMP, Random(1)))[-1]
    assert last.control.requests + last.canary.requests == 4000
    assert last.control.errors + last.canary.errors == 80
    assert last.control.model_extra["orders"] + last.canary.model_extra["orders"] == 280


@pytest.mark.parametrize("instances", [1, 2, 3, 5])
def test_the_new_version_gets_its_share(instances: int) -> None:
    """Also where the halves are not of one size: else it would look as if it swallowed requests."""
    found = list(release(moments(instances), 10.0, Ramp((0.25,), 30.0), Random(2)))
    begun = next(one for one in found if one.t == 0.0)
    new, old = found[-1].canary.requests, found[-1].control.requests - begun.control.requests
    assert new / (new + old) == pytest.approx(0.25, abs=0.03)


def test_the_same_chance_gives_the_same_release() -> None:
    first, again = (list(release(moments(1), 20.0, RAMP, Random(3))) for _ in range(2))
    assert first == again
    assert first != list(release(moments(1), 20.0, RAMP, Random(4)))


@given(st.integers(0, 400), st.floats(0, 1), st.integers(0, 2**32))
def test_thinning_keeps_between_none_and_all(number: int, part: float, seed: int) -> None:
    kept = binomial(float(number), part, Random(seed))
    assert 0 <= kept <= number
    assert kept == int(kept)


@pytest.mark.parametrize(("number", "part"), [(5, 0.3), (40, 0.1), (40, 0.9), (1000, 0.37), (100_000, 0.002)])
def test_thinning_is_binomial(number: int, part: float) -> None:
    """Mean and variance within four standard errors, of 4000 draws."""
    rng, draws = Random(7), 4000
    found = [binomial(float(number), part, rng) for _ in range(draws)]
    mean, expected = sum(found) / draws, number * part
    variance = number * part * (1 - part)
    assert abs(mean - expected) < 4 * sqrt(variance / draws)
    spread = sum((one - mean) ** 2 for one in found) / (draws - 1)
    assert abs(spread / variance - 1) < 4 * sqrt((2 + 1 / variance) / draws)


def test_a_fraction_of_a_request_is_kept_on_average() -> None:
    rng = Random(1)
    found = [binomial(2.5, 0.4, rng) for _ in range(20_000)]
    assert sum(found) / len(found) == pytest.approx(1.0, abs=0.03)
    assert binomial(2.5, 1.0, rng) == 2.5


COUNTS = Counts(1000, 10, (600, 300, 100), {"orders": 50}, {"cpu": 0.5})


def test_what_is_made_worse() -> None:
    rng = Random(1)
    assert outage(COUNTS, rng).errors == 1000
    assert slower(1)(COUNTS, rng).answers == (0, 600, 400)
    assert slower(2)(COUNTS, rng).answers == (0, 0, 1000)
    assert slower(3)(COUNTS, rng) == COUNTS
    more = [more_errors(0.01 * 4 / 0.99)(COUNTS, rng).errors for _ in range(400)]
    assert sum(more) / 400 == pytest.approx(50, rel=0.05)


def test_it_is_worse_from_its_onset_on() -> None:
    found = list(release(moments(2), 20.0, RAMP, Random(1), Regression("outage", outage, 12.0)))
    before = next(one for one in found if one.t == 12.0)
    assert before.canary.errors < before.canary.requests / 2
    since = found[-1].canary.requests - before.canary.requests
    assert found[-1].canary.errors - before.canary.errors == since


def test_everything_that_is_watched_is_made_worse() -> None:
    settings = JudgeSettings(
        measures={
            "sales": MeasureSettings(kind=Kind.COUNT, of="orders", worse=Worse.LESS),
            "work": MeasureSettings(kind=Kind.MEAN, of="orders"),
            "cpu": MeasureSettings(kind=Kind.GAUGE),
            "mails": MeasureSettings(kind=Kind.RATE),
        }
    )
    found = planting(moments(1), settings, RAMP)
    assert [one.name for one in found.regressions] == [
        "errors x2", "errors x5", "outage half way", "slower by 1 bucket", "sales halved", "work x1.5",
        "cpu x1.5",
    ]  # fmt: skip
    assert found.missing == ("mails: nothing is known of it",)
    sales, work, cpu = (one.change(COUNTS, Random(1)) for one in found.regressions[4:])
    assert 10 < sales.counted["orders"] < 40
    assert work.counted["orders"] == 75
    assert cpu.levels["cpu"] == 0.75


def test_what_can_not_be_made_worse_is_said() -> None:
    clean = [Moment(1.0, 1.0, (Counts(100, 0),))]
    assert error_rate(clean) == 0.0
    assert planting(clean, JudgeSettings(), RAMP).missing == (
        "errors x2: no request failed",
        "errors x5: no request failed",
        "slower: no latency is known",
    )
    failing = [Moment(1.0, 1.0, (Counts(100, 30),))]
    assert planting(failing, JudgeSettings(latency=False), RAMP).missing == (
        "errors x5: too many fail already",
    )


def test_thinned_belongs_together() -> None:
    kept = thinned(COUNTS, 0.5, Random(1))
    assert kept.errors <= kept.requests < 1000
    assert kept.levels == COUNTS.levels
    assert thinned(COUNTS, 1.0, Random(1)) == COUNTS
    assert thinned(COUNTS, 0.0, Random(1)).requests == 0
