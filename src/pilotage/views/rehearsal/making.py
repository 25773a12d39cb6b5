"""From a rehearsal and its plan to what is shown of it."""

from __future__ import annotations

from datetime import timedelta

from pilotage.core.plan import Plan
from pilotage.core.steps import Expose
from pilotage.rehearsal.outcome import Case, Rehearsal, Stretch
from pilotage.views.foresight import ForesightView
from pilotage.views.rehearsal.model import CaseView, PersonView, RehearsalView, StepView
from pilotage.views.titles import alone, audience, title, version


def view_of(found: Rehearsal, plan: Plan, sees: ForesightView | None = None) -> RehearsalView:
    """``sees``: what the planner says of the judge at this traffic."""
    told, model = found.episode, found.model
    return RehearsalView(
        service=found.service,
        environment=found.environment,
        method=plan.method,
        old=plan.old.version if plan.old else None,
        new=version(plan, plan.new.id),
        digest=found.digest,
        begin=found.begin,
        seed=found.seed,
        assumed=model.told,
        requests_per_second=(min(model.rates), max(model.rates)),
        errors=model.errors,
        users=model.users,
        faults=tuple(one.words for one in found.faults),
        ending=told.ending,
        took=_whole(told.took),
        exposed_after=_maybe(told.exposed_at),
        turned_after=_maybe(told.turned_at),
        promoted_after=_maybe(told.promoted_at),
        why=told.why,
        steps=tuple(_step(plan, one) for one in told.stretches),
        moments=tuple(one.model_copy(update={"at": _whole(one.at)}) for one in told.moments),
        people=tuple(
            PersonView(
                number=one.index + 1,
                title=title(plan, plan.steps[one.index], alone=alone(plan, one.index)),
                since=_whole(one.since),
                until=_maybe(one.until),
            )
            for one in told.waits
        ),
        instances=told.instances,
        usual=told.usual,
        requests=told.requests,
        failed=told.failed,
        failed_because_of_it=round(told.extra, 1),
        users_exposed=round(told.users),
        good=found.good,
        fine=found.fine,
        cases=tuple(_case(one) for one in found.cases),
        sees=sees,
        looks=told.looks,
        sparse=_whole(told.sparse),
    )


def _step(plan: Plan, one: Stretch) -> StepView:
    steps = plan.way_back if one.back else plan.steps
    step = steps[one.index]
    exposes = [other for other in plan.steps if isinstance(other, Expose)]
    return StepView(
        number=one.index + 1,
        back=one.back,
        kind=step.kind,
        title=title(plan, step, alone=not one.back and alone(plan, one.index)),
        began=_whole(one.began),
        lasted=_whole(one.ended - one.began),
        share=one.share,
        of=audience(exposes[0]) if exposes else "requests",
        requests=one.requests,
        failed=one.failed,
        failed_because_of_it=round(one.extra, 1),
        users=round(one.users),
        instances=one.instances,
        note="" if one.note.startswith("sha256:") else one.note,
    )


def _case(one: Case) -> CaseView:
    return CaseView(
        name=", ".join(fault.words for fault in one.faults),
        caught=one.caught,
        after=one.after,
        failed_because_of_it=one.extra,
        users=one.users,
        requests=one.requests,
    )


def _whole(span: timedelta) -> timedelta:
    """No more exact than it is."""
    return timedelta(seconds=round(span.total_seconds(), 1))


def _maybe(span: timedelta | None) -> timedelta | None:
    return None if span is None else _whole(span)
