"""What a plan needs to have shown before: a big-bang is refused without a rehearsed way back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pilotage.core.evidence import Statement, newest, proven
from pilotage.core.plan import Plan
from pilotage.dossier.file import ReleaseFile
from pilotage.errors import ExitCode, PilotageError, Problem
from pilotage.ports import Store

BIG_BANG = "big-bang"


async def check_evidence(store: Store, plan: Plan, file: ReleaseFile | None, now: datetime) -> None:
    """PilotageError when something is lacking. Never asked of a way back."""
    problem = lacking(plan, await store.statements(plan.service), file, now)
    if problem is not None:
        raise PilotageError(problem, exit_code=ExitCode.BLOCKED)


def lacking(
    plan: Plan, statements: Iterable[Statement], file: ReleaseFile | None, now: datetime
) -> Problem | None:
    """What a big-bang over a running version needs: a rehearsal of the same service and method that has passed
    and still holds, and a procedure to recover data. None: nothing is lacking, or the risk is accepted."""
    if plan.method != BIG_BANG or plan.old is None or plan.accepted_risk:
        return None
    known = tuple(statements)
    lacks, mends = [], []
    if proven(known, plan.method, now) is None:
        lacks.append(_unproven(newest(known, plan.method), plan))
        mends.append(f"rehearse it: `pilotage rehearse {plan.new.version} --really --in staging`")
    if file is None or not file.speaks_of(plan.environment) or file.recovery is None:
        lacks.append("no release file says how its data come back")
        mends.append("write `recovery` into release.yaml")
    if not lacks:
        return None
    return Problem(
        code="release.unproven",
        what="a big-bang is not begun before its way back was shown to work",
        why="; ".join(lacks),
        mend=f"{' and '.join(mends)}; or say in its strategy why not: `accept_risk: REASON`",
    )


def _unproven(last: Statement | None, plan: Plan) -> str:
    if last is None:
        return f"the way back of {plan.service} by {plan.method} was never rehearsed"
    if not last.passed:
        return f"its last rehearsal, on {last.at:%Y-%m-%d} in {last.environment}, failed: {last.failures[0]}"
    return f"its last rehearsal, in {last.environment}, held until {last.valid_until:%Y-%m-%d}"
