"""How a setting of the judge would have done: pretend releases judged, counted, and told with intervals.

Pure: the same history, settings and random numbers give the same report.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

from pilotage.core.judging import JudgeSettings, Outcome, Snapshot
from pilotage.judge.judge import Judge
from pilotage.judge.pretend import Chance, Moment, Ramp, Regression, release

NORMAL_95 = 1.959963984540054
"""Quantile of the normal distribution for a two-sided interval of 95 %."""


@dataclass(frozen=True)
class Rate:
    """``count`` of ``of``, and the 95 % interval of the rate behind it."""

    count: int
    of: int
    low: float
    high: float


def rate(count: int, of: int) -> Rate:
    """Wilson's score interval (E. B. Wilson, 1927): honest for few cases and for none."""
    if of <= 0:
        return Rate(0, 0, 0.0, 1.0)
    p, z2 = count / of, NORMAL_95**2
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = NORMAL_95 / (1 + z2 / of) * sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    return Rate(count, of, 0.0 if count == 0 else middle - half, 1.0 if count == of else middle + half)


@dataclass(frozen=True)
class Judged:
    """One release as the judge saw it. Seconds since the new version first got traffic.

    ``permitted``: for each share, the seconds at it until the new version might first go on.
    """

    failed: float | None
    blame: tuple[str, ...]
    permitted: tuple[tuple[float, float], ...]
    promoted: float | None
    shares: tuple[float, ...]
    looks: int


def judged(snapshots: Iterable[Snapshot], settings: JudgeSettings) -> Judged:
    """To the end, or to the verdict that takes back."""
    judge = Judge(settings)
    permitted: dict[float, float] = {}
    began: dict[float, float] = {}
    promoted, looks = None, 0
    for snapshot in snapshots:
        looks += 1
        verdict = judge.feed(snapshot)
        if snapshot.weight > 0.0:
            began.setdefault(snapshot.weight, snapshot.t)
        if verdict.outcome is Outcome.FAIL:
            return Judged(snapshot.t, verdict.blame, tuple(permitted.items()), promoted, tuple(began), looks)
        if verdict.outcome is Outcome.PASS:
            permitted.setdefault(snapshot.weight, snapshot.t - began[snapshot.weight])
            promoted = snapshot.t if verdict.last and promoted is None else promoted
    return Judged(None, (), tuple(permitted.items()), promoted, tuple(began), looks)


@dataclass(frozen=True)
class Case:
    """What became of pretend releases of one kind; the first is the healthy one, without a regression."""

    name: str
    regression: bool
    taken_back: Rate
    seconds: tuple[float, ...]
    """Until each was taken back, from the onset of what was wrong; sorted."""
    blamed: tuple[tuple[str, int], ...]
    """Measures and how often they decided, the most often first."""


@dataclass(frozen=True)
class Permission:
    """At one share: how many healthy releases might go on, and after how long."""

    share: float
    given: Rate
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Windows:
    """Where pretend releases begin in a history."""

    moments: Sequence[Moment]
    starts: tuple[float, ...]

    @property
    def by_instances(self) -> bool:
        """Whether one half of the instances plays the new version."""
        return bool(self.moments) and all(len(one.parts) >= 2 for one in self.moments)


def windows(moments: Sequence[Moment], ramp: Ramp, before: float) -> Windows:
    """As many releases as fit one after the other, each with at least ``before`` seconds of history."""
    if not moments:
        return Windows(moments, ())
    first, last = moments[0].t - moments[0].seconds + before, moments[-1].t
    count = max(0, int((last - first) / ramp.length + 1e-9))
    return Windows(moments, tuple(first + ramp.length * i for i in range(count)))


def tried(
    places: Sequence[Windows],
    case: Regression | None,
    settings: JudgeSettings,
    ramp: Ramp,
    before: float,
    rng: Chance,
) -> Iterator[Judged]:
    """One release after the other, in the order of the histories."""
    for place in places:
        for start in place.starts:
            first = bisect_left(place.moments, start - before, key=_time)
            last = bisect_right(place.moments, start + ramp.length, key=_time)
            yield judged(release(place.moments[first:last], start, ramp, rng, case), settings)


def _time(moment: Moment) -> float:
    return moment.t


def case_of(name: str, regression: Regression | None, results: Sequence[Judged]) -> Case:
    onset = regression.onset if regression else 0.0
    failed = [one for one in results if one.failed is not None and one.failed > onset]
    early = 0 if regression is None else sum(one.failed is not None for one in results) - len(failed)
    blamed = Counter(name for one in failed for name in one.blame)
    return Case(
        name,
        regression is not None,
        rate(len(failed), len(results) - early),
        tuple(sorted([one.failed - onset for one in failed if one.failed is not None])),
        tuple(sorted(blamed.items(), key=lambda item: (-item[1], item[0]))),
    )


def permissions(results: Sequence[Judged]) -> tuple[Permission, ...]:
    """Of healthy releases, by share."""
    shares = sorted({share for one in results for share in one.shares})
    found = []
    for share in shares:
        reached = [one for one in results if share in one.shares]
        seconds = sorted([dict(one.permitted)[share] for one in reached if share in dict(one.permitted)])
        found.append(Permission(share, rate(len(seconds), len(reached)), tuple(seconds)))
    return tuple(found)


def quantile(ordered: Sequence[float], part: float) -> float | None:
    """Of sorted values; the nearest rank."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, max(0, int(part * len(ordered))))]
