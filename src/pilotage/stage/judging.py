"""The judge of a rehearsal: the real one, which takes a long time between two looks for what it is.

It also hears what happened between two looks, in several pieces, as if it had looked more often: what is small
against the limit shows sooner in many short blocks than in few long ones. A real judge takes a minute without
a look for a gap in the telemetry, in which counters may have begun anew, and learns nothing from it. On the
stage nothing is lost between two looks, so long pieces are taken as well; and the stakes that fall due in one
are placed together, as the planner does it. Where looks come each second nothing is different. All bets,
margins, caps and limits are the real judge's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from pilotage.core.judging import Arm, JudgeSettings, Snapshot, Verdict
from pilotage.judge import Judge
from pilotage.judge.comparison import Comparison
from pilotage.judge.foresight import Coarse
from pilotage.judge.measures import Counted
from pilotage.judge.wealth import Wealth
from pilotage.stage.looks import LONGEST

Between = Callable[[], list[tuple[float, Arm, Arm]]]
ROOM = 1.5
"""A look is late by what the world takes meanwhile."""


class Patient(Judge):
    """``between``: what happened since the last look, in pieces of (seconds ago, old arm, new arm)."""

    def __init__(self, settings: JudgeSettings, between: Between = list) -> None:
        super().__init__(settings)
        self._between = between
        self._eased = 0
        self._ease()

    def feed(self, snapshot: Snapshot | Mapping[str, Any]) -> Verdict:
        """With the pieces before it, if both sides are known."""
        assert isinstance(snapshot, Snapshot)
        pieces = self._between()
        if snapshot.control is not None and snapshot.canary is not None:
            for ago, old, new in pieces:
                self._feed(snapshot.model_copy(update={"t": snapshot.t - ago, "control": old, "canary": new}))
        return self._feed(snapshot)

    def _feed(self, snapshot: Snapshot) -> Verdict:
        verdict = super().feed(snapshot)
        if len(self._bench.weighed) != self._eased:  # latency is weighed when its bounds are chosen
            self._ease()
        return verdict

    def _ease(self) -> None:
        bench = self._bench
        self._eased = len(bench.weighed)
        for one in (bench.errors, bench.latency, *bench.extras):
            bridging = one.channel if isinstance(one, Counted) else one
            bridging.longest = max(bridging.longest, ROOM * LONGEST)
        for weighed in bench.weighed:
            if isinstance(weighed.one, Comparison):
                _ease(weighed.one)
        bench.guard.back, bench.guard.go = _coarse(bench.guard.back), _coarse(bench.guard.go)


def _ease(one: Comparison) -> None:
    one.back, one.bursts = _coarse(one.back), _coarse(one.bursts)
    one.go = None if one.go is None else _coarse(one.go)
    one.late = None if one.late is None else _coarse(one.late)


def _coarse(wealth: Wealth) -> Wealth:
    """The same wealth, for long steps; with what ``log_value`` has found."""
    if isinstance(wealth, Coarse):
        return wealth
    return Coarse(**{one.name: getattr(wealth, one.name) for one in fields(Wealth)})
