"""What is told of many rollouts: false rollbacks, times, information, and the gates."""

from __future__ import annotations

from math import sqrt
from statistics import median
from typing import Any

import numpy as np
from benchmarks.judge.bound import information
from benchmarks.judge.ours import Played
from benchmarks.judge.scenarios import BOUNDARY, WORSE
from benchmarks.judge.truth import Truth

from pilotage.core.judging import JudgeSettings

ALPHA, BETA = 0.01, 0.05
RATIOS = {"x2 from the start": 1.4, "x5 from the start": 1.6}
"""The gates of the information ratio."""
OUTAGE = 5.0
OUTAGES = tuple(f"outage from {onset} s{rest}" for onset in (450, 1200) for rest in ("", ", 1000 rps"))
MANY = 12
ALWAYS = {truth.name for truth in WORSE if truth.onset == 0 and truth.leak == 1.0}
"""Bad from the start."""
DEAREST = 250.0
"""Microseconds a look."""

Row = dict[str, Any]


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a fraction (Wilson 1927)."""
    p, z = hits / n, 1.96
    middle, half = p + z * z / 2 / n, z * sqrt(p * (1 - p) / n + z * z / 4 / n / n)
    return max(0.0, (middle - half) / (1 + z * z / n)), (middle + half) / (1 + z * z / n)


def row(truth: Truth, played: list[Played]) -> Row:
    """One scenario under one rule."""
    # Taken back before anything was wrong is no catch.
    rolled = [one.rolled for one in played if one.rolled is not None]
    early = [t for t in rolled if not truth.healthy and t <= truth.onset]
    found: Row = {"rollouts": len(played), "healthy": truth.healthy}
    if truth.healthy:
        low, high = wilson(len(rolled), len(played))
        found |= {"rolled_back": len(rolled), "low": round(low, 5), "high": round(high, 5)}
    else:
        caught = sorted(t for t in rolled if t > truth.onset)
        found |= {"caught": len(caught), "early": len(early), "times": _spread(truth, caught)}
        found |= _ratios(truth, caught, len(played) - len(early))
    left = [one.leave for one in played if one.leave is not None]
    last = [one.promoted for one in played if one.promoted is not None]
    found |= {
        "beyond": truth.beyond,
        "left": len(left),
        "promoted": len(last),
        "promoted_median": median(last) if last else None,
        "blame": _blame(played),
    }
    spent = [look for one in played for look in one.spent]
    if spent:
        found |= {"microseconds": round(1e6 * sum(spent) / len(spent), 1), "least": _least(spent)}
        found["measures"] = max(one.measures for one in played)
    return found


def _spread(truth: Truth, caught: list[float]) -> list[float]:
    """Seconds from the onset: the least, 10, 25, 50, 75, 90 % of those that were caught, and the most."""
    if not caught:
        return []
    return [round(float(one)) for one in np.percentile(caught, (0, 10, 25, 50, 75, 90, 100)) - truth.onset]


def _least(spent: list[float]) -> float:
    """Microseconds a look in the cheapest hundred in a row: what it costs when nobody else wants the core."""
    means = [sum(spent[i : i + 100]) / 100 for i in range(0, max(len(spent) - 99, 0), 100)]
    return round(1e6 * min(means, default=sum(spent) / len(spent)), 1)


def _ratios(truth: Truth, caught: list[float], of: int) -> Row:
    """Medians count what was not caught as never: with half of it missed there is none."""
    if 2 * len(caught) <= of or not caught:
        return {"median": None}
    middle = (
        caught[(of - 1) // 2] if of % 2 else (caught[of // 2 - 1] + caught[min(of // 2, len(caught) - 1)]) / 2
    )
    found: Row = {"median": middle - truth.onset, "most": caught[-1] - truth.onset}
    if np.any(truth.new_errors(truth.seconds) > truth.old_errors(truth.seconds)):
        kept, at = JudgeSettings(), np.array([middle])
        found["ratio"] = round(float(information(truth, at, ALPHA)[0]), 2)
        margin = information(truth, at, ALPHA, kept.error_ratio, kept.error_excess)
        found["ratio_to_margin"] = round(float(margin[0]), 2)
    return found


def _blame(played: list[Played]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in played:
        for name in one.blame:
            found[name] = found.get(name, 0) + 1
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def told(name: str, found: Row) -> str:
    """A line for the terminal."""
    n = found["rollouts"]
    if found["healthy"]:
        line = f"taken back {found['rolled_back']:4d}/{n} ({found['low']:.1%} … {found['high']:.1%})"
        line += f"  let go on {found['left']}, promoted {found['promoted']}" if "microseconds" in found else ""
    else:
        line = f"caught {found['caught']:4d}/{n}"
        if found["median"] is not None:
            line += f"  median {found['median']:6.0f} s, most {found['most']:.0f} s"
        if "ratio" in found:
            line += f"  ratio {found['ratio']:.2f} ({found['ratio_to_margin']:.2f} to the margin)"
        if found["early"]:
            line += f"  EARLY {found['early']}"
        if found["left"]:
            line += f"  let go on {found['left']}, promoted {found['promoted']}"
    cost = f"  {found['microseconds']:.0f} µs" if "microseconds" in found else ""
    blame = " ".join(f"{key}:{count}" for key, count in list(found["blame"].items())[:3])
    return f"{name:44s} {line}{cost}  {blame}"


def gates(rows: dict[str, Row]) -> dict[str, tuple[bool, str]]:
    """Issue 3's gates, as far as what was played says anything about them: (passed, what was seen)."""
    healthy = {name: one for name, one in rows.items() if one["healthy"]}
    worse = {name: one for name, one in rows.items() if not one["healthy"]}
    found = {
        "no healthy scenario whose interval lies above 1 %": _none(
            healthy, "rolled_back", [name for name, one in healthy.items() if one["low"] > ALPHA]
        ),
        "none taken back before it was bad": _none(
            worse, "early", [n for n, one in worse.items() if wilson(one["early"], one["rollouts"])[0] > ALPHA]
        ),
        "every regression caught": _none(
            worse, "caught", [n for n, one in worse.items() if one["caught"] + one["early"] < one["rollouts"]]
        ),
        **_going_on({name: one for name, one in worse.items() if "microseconds" in one}),
        **_speed(worse),
    }
    dear = [one["microseconds"] for one in rows.values() if one.get("measures", 0) >= MANY]
    if dear:
        seen = f"median {median(dear):.0f}, least {min(one.get('least', DEAREST) for one in rows.values()):.0f}"
        found[f"a look at {MANY} measures under {DEAREST:.0f} µs"] = median(dear) < DEAREST, seen
    return {name: gate for name, gate in found.items() if gate is not None}


def _none(rows: dict[str, Row], key: str, bad: list[str]) -> tuple[bool, str] | None:
    if not rows:
        return None
    return not bad, "; ".join(f"{name} ({rows[name][key]}/{rows[name]['rollouts']})" for name in bad)


def _going_on(worse: dict[str, Row]) -> dict[str, tuple[bool, str] | None]:
    """Only ours lets a version go on: the other rules have no say in it."""
    beyond = {name: one for name, one in worse.items() if one["beyond"]}
    # What was well until just now may have earned its leave: nobody can know at once.
    always = {name: one for name, one in beyond.items() if name in ALWAYS}
    last = [name for name, one in beyond.items() if one["promoted"]]
    next_step = [name for name, one in always.items() if one["left"]]
    found = {
        "no false promotion": _none(beyond, "promoted", last),
        "none that was bad all along let go on": _none(always, "left", next_step),
    }
    if BOUNDARY in worse:
        left, of = worse[BOUNDARY]["left"], worse[BOUNDARY]["rollouts"]
        name = f"at the pass margins let go on in at most {100 * BETA:.0f} %"
        found[name] = wilson(left, of)[0] <= BETA, f"{left}/{of}"
    return found


def _speed(worse: dict[str, Row]) -> dict[str, tuple[bool, str] | None]:
    found: dict[str, tuple[bool, str] | None] = {}
    outages = {name: one for name, one in worse.items() if name in OUTAGES}
    slow = [name for name, one in outages.items() if one["median"] is None or one["median"] > OUTAGE]
    if outages:
        seen = "; ".join(f"{name}: {outages[name]['median']}" for name in slow)
        found[f"an outage in the middle found within {OUTAGE:.0f} s"] = not slow, seen
    for name, most in RATIOS.items():
        if name in worse:
            ratio = worse[name].get("ratio")
            found[f"{name} within {most} times the bound"] = ratio is not None and ratio <= most, f"{ratio}"
    return found
