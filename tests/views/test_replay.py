"""A replay told for people: what changed, and how it ended."""

from __future__ import annotations

from math import inf

from pilotage.core.judging import Measure, Outcome, Snapshot, Verdict
from pilotage.views.ink import plain
from pilotage.views.replay import Replay, as_data


def at(t: float, weight: float = 0.1) -> Snapshot:
    return Snapshot(t=t, weight=weight, control=None, canary=None)


def wanting(more: int) -> Verdict:
    measure = Measure(name="errors", old=0.01, new=0.02, missing=f"about {more} more requests", for_=0.5)
    return Verdict(outcome=Outcome.UNDECIDED, why=(f"errors: about {more} more requests",), measures=(measure,))


def test_figures_alone_are_no_change() -> None:
    told = Replay()
    assert told.heard(at(1), wanting(3400))
    assert not told.heard(at(2), wanting(3300))
    assert told.heard(at(3, 0.25), wanting(3300))
    assert told.heard(at(4, 0.25), Verdict(outcome=Outcome.PASS, why=("errors: fine",)))


def test_the_whole_of_it() -> None:
    told = Replay(width=80)
    rows = told.heard(at(1), wanting(3400))
    rows += told.heard(at(2), Verdict(outcome=Outcome.PASS, why=("fine",), last=True))
    rows += told.ended()
    assert plain(rows) == (
        "      1 s   10 %  hold        errors: about 3400 more requests\n"
        "      2 s   10 %  promote     fine\n"
        "\n"
        "  fine\n"
        "\n"
        "2 snapshots from 1 s to 2 s: fine, to be promoted at 2 s.\n"
    )


def test_a_pass_at_a_small_share_is_leave_to_go_on() -> None:
    told = Replay()
    assert "may go on" in plain(told.heard(at(1), Verdict(outcome=Outcome.PASS, why=("fine",))))
    assert plain(told.ended()).endswith("1 snapshot from 1 s to 1 s: not decided.\n")


def test_programs_get_null_for_what_has_no_bound() -> None:
    verdict = Verdict(outcome=Outcome.UNDECIDED, measures=(Measure(name="errors", high=inf),))
    assert as_data(at(inf), verdict)["t"] is None
    assert as_data(at(1), verdict)["measures"][0]["high"] is None
    assert as_data(at(1), Verdict(outcome=Outcome.PASS, last=True))["verdict"] == "promote"
