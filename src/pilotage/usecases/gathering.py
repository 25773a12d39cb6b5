"""Everything that documents are written from, brought together; nothing in it depends on when that is done."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pilotage.core.plan import Plan
from pilotage.core.readiness import Readiness, Tick, ticked
from pilotage.manifest.model import Environment
from pilotage.manifest.release_files import Release
from pilotage.usecases.documenting import history
from pilotage.views.advice import AdviceView
from pilotage.views.documents.case import Case
from pilotage.views.plan import view_of


def first_window(release: Release | None) -> datetime | None:
    """When it may begin at the earliest; None: no window is given."""
    windows = release.value.windows if release else ()
    return min((window.start for window in windows), default=None)


def case_of(
    plan: Plan,
    release: Release | None,
    *,
    folder: Path,
    facts: Path | None,
    environment: Environment | None,
    readiness: Readiness | None,
    ticks: Iterable[Tick],
    start: datetime | None,
) -> Case:
    """``folder``: where the release file is. A readiness for no known start would be one for now: left out."""
    file = release.value if release and release.value.speaks_of(plan.environment) else None
    return Case(
        plan=plan,
        view=view_of(plan),
        file=file,
        advice=_advice(plan, facts, environment) if facts else None,
        readiness=readiness if start else None,
        ticks=ticked(tuple(ticks)),
        start=start,
        history=history(file, plan, folder),
    )


def _advice(plan: Plan, facts: Path, environment: Environment | None) -> AdviceView:
    from pilotage.advisor.facts import Answer
    from pilotage.manifest.advice_files import load_facts, shipped_table
    from pilotage.usecases.advising import advice, seen
    from pilotage.views.advice import view_of as advice_view

    table = shipped_table()
    said = {name: Answer(one, f"{facts.name} says") for name, one in load_facts(facts, table).items()}
    found = seen(environment, "pilotage.yaml", None) if environment else {}
    return advice_view(advice(table, said, found), f"{plan.service} in {plan.environment}")
