"""What goes wrong, in words: read and written again it is the same."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotage.rehearsal.fault import TIMELESS, Fault, FaultKind, From, parse_fault
from pilotage.rehearsal.misfortune import MOST, drawn_faults

WRITTEN = {
    "errors x5": Fault(kind=FaultKind.ERRORS, factor=5),
    "errors +1% after 2h": Fault(kind=FaultKind.MORE, part=0.01, moment=timedelta(hours=2)),
    "outage at 1h30m": Fault(kind=FaultKind.OUTAGE, moment=timedelta(minutes=90), since=From.BEGIN),
    "slower x1.5": Fault(kind=FaultKind.SLOWER, factor=1.5),
    "crash of new": Fault(kind=FaultKind.CRASH),
    "crash of old at 10m": Fault(
        kind=FaultKind.CRASH, old=True, moment=timedelta(minutes=10), since=From.BEGIN
    ),
    "crash loop after 3d": Fault(kind=FaultKind.LOOP, moment=timedelta(days=3)),
    "gap 5m after 1h": Fault(kind=FaultKind.GAP, lasts=timedelta(minutes=5), moment=timedelta(hours=1)),
    "slow start x10": Fault(kind=FaultKind.SLOW_START, factor=10),
    "late 2h": Fault(kind=FaultKind.LATE, lasts=timedelta(hours=2)),
}


@pytest.mark.parametrize("words", WRITTEN)
def test_words_mean_what_they_say_and_are_written_again(words):
    assert parse_fault(words) == WRITTEN[words]
    assert WRITTEN[words].words == words


@pytest.mark.parametrize(
    "words", ["", "errors", "errors 5", "errors x", "gap", "gap soon", "crash of both", "x5"]
)
def test_other_words_are_refused_with_all_forms(words):
    with pytest.raises(ValueError, match="is no fault: write errors x5"):
        parse_fault(words)


@given(st.integers(0, 2**32))
def test_drawn_faults_are_few_and_can_be_written_down(seed):
    found = drawn_faults(Random(seed))
    assert len(found) <= MOST
    for fault in found:
        again = parse_fault(fault.words)
        assert again.kind is fault.kind
        if fault.kind not in TIMELESS:
            assert (again.since, again.moment) == (fault.since, fault.moment)
