"""The old version is away for a while: known to be down, its arm is None."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pilotage.core.judging import Arm, JudgeSettings, Outcome, Snapshot, Verdict
from pilotage.judge import Judge

SETTINGS = JudgeSettings(
    warm_up=timedelta(0), minimum_requests=10, latency=False, error_excess=0.05, error_pass_excess=0.4
)


@pytest.mark.parametrize("meanwhile", [0.2, 1.0], ids=["same-share", "the-new-one-stands-in"])
def test_what_it_failed_while_it_was_away_is_not_learnt_from(meanwhile: float) -> None:
    """Every request that was tried on the dead one first is an error in its counters when it is back."""
    judge, requests, errors, new = Judge(SETTINGS), 0.0, 0.0, 0.0
    verdicts: list[Verdict] = []
    for second in range(-10, 60):
        down = 10 <= second < 20
        requests += 80
        errors += 80 if down else 0
        new += 20 if second >= 0 else 0
        snapshot = Snapshot(
            t=float(second),
            weight=0.0 if second < 0 else meanwhile if down else 0.2,
            control=None if down else Arm(requests=requests, errors=errors),
            canary=Arm(requests=new, errors=0.0),
        )
        verdicts.append(judge.feed(snapshot))
    assert not [words for verdict in verdicts for words in verdict.why if "itself fails" in words]
    assert verdicts[-1].outcome is Outcome.PASS
    assert Outcome.FAIL not in {verdict.outcome for verdict in verdicts}
