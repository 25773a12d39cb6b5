"""What has arrived: increments and cumulative counts come to the same."""

from __future__ import annotations

from math import inf, nan

from hypothesis import given
from hypothesis import strategies as st

from pilotage.adapters.telemetry.histograms import Classic, Exponential
from pilotage.adapters.telemetry.ledger import Labels, Ledger, Rules
from pilotage.adapters.telemetry.otlp.arrivals import MOST_SERIES, Arrivals
from pilotage.adapters.telemetry.otlp.points import Kind, Point, Value

A: Labels = frozenset({("__name__", "orders"), ("service.instance.id", "a")})


def anything(_: Labels) -> bool:
    return True


def point(kind: Kind, start: float | None, at: float, value: Value, labels: Labels = A) -> Point:
    return Point(labels, kind, start, at, value, ended=False)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.booleans(), st.booleans()), min_size=1, max_size=30),
    st.floats(-1000, 1000),
)
def test_increments_and_counts_come_to_the_same(steps: list[tuple[int, bool, bool]], skew: float) -> None:
    """Each step: how many came, whether the process began anew before, whether somebody looks after it. By the
    clock of a sender that is wrong."""
    kinds = (Kind.DELTA, Kind.CUMULATIVE)
    arrivals = {kind: Arrivals(stale=1000, gone=2000) for kind in kinds}
    ledgers = {kind: Ledger(Rules(stale=1000, gone=2000)) for kind in kinds}
    start, count = 0.0, 0
    for number, (came, anew, looked) in enumerate(steps):
        before, now = float(number), float(number + 1)
        start, count = (before, came) if anew else (start, count + came)
        points = {
            Kind.DELTA: point(Kind.DELTA, before + skew, now + skew, float(came)),
            Kind.CUMULATIVE: point(Kind.CUMULATIVE, start + skew, now + skew, float(count)),
        }
        for kind in kinds:
            arrivals[kind].take([points[kind]], now, now)
            if looked or number == len(steps) - 1:
                ledgers[kind].take(arrivals[kind].counts(anything), now)
    expected = float(sum(came for came, _, _ in steps))
    assert [ledger.total() for ledger in ledgers.values()] == [(expected,), (expected,)]


values = st.one_of(
    st.floats(),
    st.builds(Classic, st.dictionaries(st.floats(), st.floats(), max_size=4)),
    st.builds(
        Exponential, st.integers(-10, 20), st.dictionaries(st.integers(-500, 500), st.floats(0, 9), max_size=4)
    ),
)
times = st.one_of(st.none(), st.floats(0, 50), st.just(nan), st.just(inf))
rubbish = st.builds(
    Point,
    st.sampled_from([A, frozenset({("x", "y")})]),
    st.sampled_from(list(Kind)),
    times,
    st.floats(0, 50),
    values,
    st.booleans(),
)


@given(st.lists(rubbish, max_size=20))
def test_rubbish_never_raises(points: list[Point]) -> None:
    arrivals, ledger = Arrivals(stale=10, gone=20), Ledger(Rules(stale=10, gone=20))
    for number, one in enumerate(points):
        arrivals.take([one], float(number), float(number))
        ledger.take(arrivals.counts(anything), float(number))
        arrivals.histograms(anything)
        arrivals.levels(anything)
        arrivals.notes()
    total = ledger.total()
    assert total is None or 0 <= total[0] < 1e17


def test_memory_has_an_end_and_what_is_gone_is_forgotten() -> None:
    arrivals = Arrivals(stale=10, gone=20)
    many = (
        point(Kind.CUMULATIVE, 0, 1, 1.0, frozenset({("n", str(number))})) for number in range(MOST_SERIES + 5)
    )
    arrivals.take(many, 1, 1)
    assert len(arrivals.counts(anything)) == MOST_SERIES
    assert any("the rest is left out" in note for note in arrivals.notes())
    arrivals.take([point(Kind.CUMULATIVE, 0, 30, 1.0)], 30, 30)
    assert len(arrivals.counts(anything)) == 1
