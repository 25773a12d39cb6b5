"""One file a case: facts, and beside them the ranking with its reasons.

A changed table is looked at, then kept: PILOTAGE_KEEP_ADVICE=1 pytest tests/advisor/test_advisor_cases.py
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pilotage.advisor import Advice, advise, settle
from pilotage.advisor.advice import Rank
from pilotage.advisor.changes import Changes
from pilotage.advisor.facts import Answer
from pilotage.manifest.advice_files import load_facts, shipped_table

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
TABLE = shipped_table()

FIRST = {
    "branches": "phased",
    "branches-regulated": "pilot",
    "flags-without-a-router": "feature-flag",
    "internal-tool": "rolling",
    "pay-slips": "parallel-run",
    "warehouse-at-night": "big-bang",
    "warehouse-never-rehearsed": None,
    "warehouse-without-recovery": None,
    "web-shop": "canary",
    "web-shop-behind-a-switch": "blue-green",
    "web-shop-with-flags": "canary",
}
"""What somebody who knows the field expects, whatever the points are."""


def advice_of(path: Path) -> Advice:
    said = {name: Answer(value, "said") for name, value in load_facts(path, TABLE).items()}
    return advise(TABLE, settle(TABLE, said), {"canary", "blue-green"})


def written(advice: Advice) -> str:
    return "".join(_ranked(rank) for rank in advice.ranks) + "".join(
        f"{danger.code}: {', '.join(fact.fact for fact in danger.facts)}\n" for danger in advice.dangers
    )


def _ranked(rank: Rank) -> str:
    rows = [f"{rank.method} {'refused' if rank.refused else rank.points}"]
    for reason in rank.reasons:
        points = "refused" if reason.refuses else f"{reason.points:+}"
        rows.append(f"  {points} {', '.join(f'{f.fact}={f.choice}' for f in reason.facts)}: {reason.because}")
    rows += [f"  first if {_told(rank.first_if)}", f"  possible by {_told(rank.made_possible)}"]
    return "".join(f"{row}\n" for row in [*rows, *[f"  allowed if {_told(rank.allowed_if)}"] * rank.refused])


def _told(changes: Changes | None) -> str:
    if changes is None:
        return "-"
    return ", ".join(f"{one.fact}={one.after}" for one in changes) or "it is"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_ranking_and_reasons(path: Path) -> None:
    advice = advice_of(path)
    kept = path.with_suffix(".txt")
    if os.environ.get("PILOTAGE_KEEP_ADVICE"):
        kept.write_text(written(advice), encoding="utf-8")
    assert written(advice) == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FIRST)
def test_what_the_field_expects(name: str) -> None:
    first = advice_of(Path(__file__).parent / "cases" / f"{name}.yaml").first
    assert (first.method if first else None) == FIRST[name]


def test_canary_would_be_first_with_telemetry() -> None:
    canary = advice_of(Path(__file__).parent / "cases" / "pay-slips.yaml").rank("canary")
    assert canary.made_possible is not None
    assert [(one.fact, one.after) for one in canary.made_possible] == [("telemetry", "by-version")]


def test_only_what_is_given_runs() -> None:
    ranks = advice_of(CASES[0]).ranks
    assert {rank.method for rank in ranks if rank.runs} == {"canary", "blue-green"}


def test_no_case_is_kept_that_nobody_reads() -> None:
    texts = (Path(__file__).parent / "cases").glob("*.txt")
    assert {path.stem for path in texts} == {path.stem for path in CASES}
