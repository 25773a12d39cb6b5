"""What is asked before a start: one case a file, and beside it how everything stands (NAME.txt).

A case has ``file`` (a release file), and may have ``start``, ``lasts``, ``judged``, ``goes_back``, ``ticks``
(ids) and ``policy``. After a deliberate change: PILOTAGE_REWRITE=1 pytest tests/dossier, and read what changed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from pilotage.core.notation import parse_duration
from pilotage.core.readiness import Tick
from pilotage.dossier.file import ReleaseFile, faults
from pilotage.dossier.policy import Policy
from pilotage.dossier.readiness import NEEDED, Planned, assess
from pilotage.dossier.words import parse_moment

CASES = sorted((Path(__file__).parent / "readiness_cases").glob("*.yaml"))
START = "2026-12-01T21:00+01:00"


def planned(case: dict[str, Any]) -> Planned:
    start = parse_moment(case.get("start", START))
    return Planned(
        version=case.get("version", "2.4"),
        judged=case.get("judged", True),
        goes_back=case.get("goes_back", True),
        start=start,
        end=start + parse_duration(case.get("lasts", "2h")),
        ticks={id: Tick(plan="sha256:x", step=id, by="ada", at=start) for id in case.get("ticks", [])},
    )


def told(path: Path) -> str:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    given = {
        "version": "2.4",
        **({} if case.get("bare") else {name: [] for name in NEEDED.keys() - {"support", "recovery"}}),
    }
    file = ReleaseFile.model_validate({**given, **case["file"]})
    assert list(faults(file)) == []
    readiness, _ = assess(file, Policy.model_validate(case.get("policy", {})), planned(case))
    rows = [
        f"{item.standing.value:<8}{item.weight.value:<7}{item.subject}: {item.what}"
        + (f" ({item.why})" if item.why else "")
        + (f" [{item.owner or 'nobody'}{f', {item.due}' if item.due else ''}]")
        for item in readiness.items
    ]
    return "\n".join([*rows, "ready" if readiness.ready else "not ready"]) + "\n"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_how_it_stands(path: Path) -> None:
    expected, text = path.with_suffix(".txt"), told(path)
    if os.environ.get("PILOTAGE_REWRITE"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_cases_are_named_by_how_they_end(path: Path) -> None:
    assert told(path).endswith("\nready\n") is path.stem.startswith("ok-")


def test_every_part_of_the_policy_is_asked_for_somewhere() -> None:
    whole = "".join(told(path) for path in CASES)
    for name in Policy.model_fields:
        assert f" {name}: " in whole.replace("block  ", "block ").replace("warn   ", "warn ").replace(
            "ignore ", "ignore "
        ), name
