"""The example's release as a case: 2.4 of the book shop in the place of 2.3, the same on every machine."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from factories import make_context, make_release
from pilotage.core.plan import Basis, Plan
from pilotage.core.readiness import Tick
from pilotage.dossier.commits import commit_of
from pilotage.dossier.policy import Policy
from pilotage.manifest.load import load
from pilotage.manifest.release_files import load_release
from pilotage.usecases.gathering import case_of, first_window
from pilotage.usecases.readying import assessed
from pilotage.views.documents.case import Case, History
from pilotage.views.plan import view_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "documents"
MANIFEST = load(EXAMPLE / "pilotage.yaml")
RELEASE = load_release(EXAMPLE / "release.yaml")
TICKED = datetime(2026, 12, 1, 18, 20, tzinfo=UTC)
COMMITS = (
    commit_of("a" * 40, "feat(checkout): one page"),
    commit_of("b" * 40, "fix: vouchers outlive the session"),
    commit_of("c" * 40, "feat(api)!: orders have a currency", "BREAKING CHANGE: clients must send a currency"),
    commit_of("d" * 40, "chore: newer linters"),
    commit_of("e" * 40, "Mend the footer"),
)


def make_release_plan(**overrides: Any) -> Plan:
    environment = MANIFEST.environment("production")
    old, new = (make_release(version, service="bookshop") for version in ("2.3", "2.4"))
    context = make_context(
        service="bookshop",
        new=new,
        instances=4,
        basis=overrides.pop("basis", Basis(live=old, instances=4)),
        judge=environment.judge_settings(),
        checks=environment.checks,
        **overrides,
    )
    return environment.method.compile(context)


@cache
def example() -> Case:
    plan = make_release_plan()
    start = first_window(RELEASE)
    assert start is not None
    ticks = [Tick(plan=plan.digest, step="backup", by="Kofi Mensah", at=TICKED, note="run complete")]
    found = assessed(plan, RELEASE, Policy(), ticks, start)
    assert found is not None
    case = case_of(
        plan,
        RELEASE,
        folder=EXAMPLE,
        facts=EXAMPLE / "facts.yaml",
        environment=MANIFEST.environment("production"),
        readiness=found.readiness,
        ticks=ticks,
        start=start,
    )
    return Case(**{**case.__dict__, "history": History("2.3", COMMITS)})


def bare(plan: Plan | None = None) -> Case:
    """Nobody has said anything."""
    plan = plan or make_release_plan()
    return Case(plan=plan, view=view_of(plan))
