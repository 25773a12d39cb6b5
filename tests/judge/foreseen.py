"""The measurement behind the table in docs/judge-planning.md: foreseen against played with the real judge.

Not a test, run by hand, about ten minutes:

python -m judge.foreseen [rollouts per cell] [cell …]        (from the directory tests)
"""

from __future__ import annotations

import sys
from math import inf, log
from typing import NamedTuple

from pilotage.core.judging import JudgeSettings
from pilotage.core.traffic import Traffic
from pilotage.judge import Judge
from pilotage.judge.bounds import best_gain
from pilotage.judge.evidence import Margin
from pilotage.judge.foresight import LONGEST, Path, Stage, Truth

from .streams import BOUNDS, Scene, lognormal_cdf, play, steady, stream

PLAIN = JudgeSettings(latency=False)
SHORT = 600.0
"""Seconds that are played of what is foreseen never to end."""
WIDE = JudgeSettings(latency=False, error_pass_excess=0.005)
LATENCY = JudgeSettings(latency_bounds=BOUNDS)


class Cell(NamedTuple):
    """Traffic (requests a second, base rate), share, and what is wrong (ratio of errors, of slowness)."""

    rps: float
    base: float
    share: float
    ratio: float
    slower: float = 1.0
    settings: JudgeSettings = PLAIN

    def traffic(self) -> Traffic:
        slow = tuple([1.0 - lognormal_cdf(bound, 0.04, 0.6) for bound in BOUNDS])
        known = {"slow": slow, "bounds": BOUNDS} if self.settings.latency else {}
        return Traffic(requests=self.rps, errors=self.base, **known)

    def new(self) -> float:
        return min(1.0, self.base * self.ratio)

    def scene(self) -> Scene:
        latency = self.settings.latency
        return Scene(
            rps=steady(self.rps),
            old=steady(self.base),
            new=steady(self.new()),
            median_old=steady(0.04) if latency else None,
            median_new=steady(0.04 * self.slower) if latency else None,
            ramp=((0.0, self.share),),
        )


WORSE = {
    "x2, 100/s, 0.5 %, share 10 %": Cell(100, 0.005, 0.1, 2),
    "x2, 100/s, 0.5 %, share 50 %": Cell(100, 0.005, 0.5, 2),
    "x5, 100/s, 0.5 %, share 10 %": Cell(100, 0.005, 0.1, 5),
    "x10, 100/s, 0.5 %, share 5 %": Cell(100, 0.005, 0.05, 10),
    "x2, 1000/s, 0.5 %, share 5 %": Cell(1000, 0.005, 0.05, 2),
    "x1.5, 1000/s, 0.5 %, share 25 %": Cell(1000, 0.005, 0.25, 1.5),
    "x5, 1000/s, 0.1 %, share 1 %": Cell(1000, 0.001, 0.01, 5),
    "x10, 1000/s, 0.01 %, share 10 %": Cell(1000, 0.0001, 0.1, 10),
    "x5, 10/s, 2 %, share 50 %": Cell(10, 0.02, 0.5, 5),
    "x2, 100/s, 10 %, share 10 %": Cell(100, 0.1, 0.1, 2),
    "outage, 100/s, 0.5 %, share 10 %": Cell(100, 0.005, 0.1, 200),
    "outage, 1/s, 1 %, share 50 %": Cell(1, 0.01, 0.5, 100),
    "twice as slow, 100/s, share 10 %": Cell(100, 0.005, 0.1, 1, 2, LATENCY),
    "three times as slow, 100/s, share 10 %": Cell(100, 0.005, 0.1, 1, 3, LATENCY),
}
FINE = {
    "as good, 100/s, 0.5 %, share 10 %": Cell(100, 0.005, 0.1, 1),
    "as good, 100/s, 0.5 %, share 50 %": Cell(100, 0.005, 0.5, 1),
    "as good, 1000/s, 0.5 %, share 5 %": Cell(1000, 0.005, 0.05, 1),
    "as good, 100/s, 0.01 %, share 25 %": Cell(100, 0.0001, 0.25, 1),
    "as good, 100/s, 0.5 %, share 10 %, pass excess 0.5 %": Cell(100, 0.005, 0.1, 1, 1, WIDE),
    "no errors, 100/s, 0.5 %, share 10 %": Cell(100, 0.005, 0.1, 0),
    "no errors, 100/s, old none either, share 10 %": Cell(100, 0.0, 0.1, 0),
    "no errors, 10/s, old none either, share 50 %, pass excess 0.5 %": Cell(10, 0.0, 0.5, 0, 1, WIDE),
    "as good, latency too, 100/s, share 10 %": Cell(100, 0.005, 0.1, 1, 1, LATENCY),
}


def foreseen(cell: Cell) -> tuple[float | None, float | None]:
    truth = Truth(cell.new(), cell.slower)
    end = Path(cell.settings, cell.traffic()).stage(Stage(1, cell.share), truth, LONGEST)
    return end.back, end.go


def played(cell: Cell, rollouts: int, until: float, *, back: bool) -> list[float]:
    """Seconds until it was taken back (or first let go on), sorted; inf: not by then."""
    found = []
    for seed in range(rollouts):
        judge = Judge(cell.settings)
        if back:
            failed = play(judge, stream(cell.scene(), seed, until)).failed
            found.append(inf if failed is None else failed)
        else:
            found.append(first_pass(judge, cell.scene(), seed, until))
    return sorted(found)


def overhead(cell: Cell, median: float) -> float:
    """Nats that were needed beyond ln 1/alpha, by the best bet's expected gain."""
    margin = Margin(cell.settings.error_ratio, cell.settings.error_excess)
    gain = best_gain(cell.new(), cell.base, cell.share / (1.0 - cell.share), margin)
    judged = median - cell.settings.warm_up.total_seconds()
    return judged * cell.rps * cell.share * gain - log(1.0 / cell.settings.false_rollback)


def first_pass(judge: Judge, scene: Scene, seed: int, until: float) -> float:
    for snapshot in stream(scene, seed, until):
        if judge.feed(snapshot).outcome.value == "pass":
            return snapshot.t
    return inf


def row(name: str, cell: Cell, rollouts: int, *, back: bool) -> str:
    expected = foreseen(cell)[0 if back else 1]
    if expected is None:
        times = played(cell, rollouts, SHORT, back=back)
        told = sum(time < inf for time in times)
        return f"| {name} | never | {told} of {rollouts} within {SHORT:.0f} s | | |"
    times = played(cell, rollouts, max(4.0 * expected, 240.0), back=back)
    median, most = times[len(times) // 2], times[int(0.9 * len(times))]
    more = f" {overhead(cell, median):.1f} |" if back and cell.slower == 1.0 else ""
    return f"| {name} | {expected:.0f} | {median:.0f} | {expected / median:.2f} | {most:.0f} |{more}"


def main() -> None:
    rollouts = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    wanted = sys.argv[2:]
    tables: tuple[tuple[dict[str, Cell], bool], ...] = ((WORSE, True), (FINE, False))
    for cells, back in tables:
        for name, cell in cells.items():
            if not wanted or any(part in name for part in wanted):
                print(row(name, cell, rollouts, back=back), flush=True)


if __name__ == "__main__":
    main()
