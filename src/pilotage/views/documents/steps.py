"""The runbook's steps, in order: what people do, and what Pilotage does by itself meanwhile."""

from __future__ import annotations

from datetime import timedelta

from pilotage.core.plan import Plan
from pilotage.core.values import Frozen
from pilotage.dossier.file import ReleaseFile
from pilotage.dossier.terms import Phase
from pilotage.views.plan import PlanView, earliest, view_of

RELEASE_LEAD = "release lead"


class RunStep(Frozen):
    id: str
    when: Phase
    what: str
    who: str = ""
    """Empty: Pilotage does it."""
    expect: str = ""
    after: timedelta | None = None
    """After the start, at the earliest; None: before it, or whenever it is needed."""
    takes: timedelta | None = None

    @property
    def by_people(self) -> bool:
        return bool(self.who)


def steps_of(plan: Plan, file: ReleaseFile | None) -> tuple[RunStep, ...]:
    """Before, during, after, and on the way back; the ids of people's steps can be ticked off."""
    lead = (file.owner if file else None) or RELEASE_LEAD
    view = view_of(plan)
    return (
        *_before(plan, file, lead),
        *_during(plan, view, file, lead),
        *_after(plan, view, file, lead),
        *_back(plan, view, file, lead),
    )


def _given(file: ReleaseFile | None, when: Phase, after: timedelta | None = None) -> list[RunStep]:
    return [
        RunStep(
            id=one.id,
            when=when,
            what=one.what,
            who=one.owner,
            expect=one.expect or "",
            after=after,
            takes=one.takes,
        )
        for one in (file.runbook if file else ())
        if one.when is when
    ]


def _before(plan: Plan, file: ReleaseFile | None, lead: str) -> list[RunStep]:
    where = f"--to {plan.environment}"
    own = [
        ("confirm-plan", f"Make the plan once more: `pilotage plan {plan.new.version} {where}`",
         f"its digest begins with {plan.digest[:19]}"),
        ("confirm-service", f"Look that the service is well: `pilotage status {where}` and `pilotage doctor`",
         f"{plan.old.version if plan.old else 'nothing'} serves, and no rollout is under way"),
    ]  # fmt: skip
    last = [
        ("confirm-ready", f"Look that nothing is open: `pilotage readiness {where}`", "Ready"),
        ("say-go", "Ask everybody who must agree, and say go", "nobody objects"),
    ]
    made = [RunStep(id=id, when=Phase.BEFORE, what=what, who=lead, expect=expect) for id, what, expect in own]
    end = [RunStep(id=id, when=Phase.BEFORE, what=what, who=lead, expect=expect) for id, what, expect in last]
    return [*made, *_given(file, Phase.BEFORE), *end]


def _during(plan: Plan, view: PlanView, file: ReleaseFile | None, lead: str) -> list[RunStep]:
    begin = RunStep(
        id="begin", when=Phase.DURING, what=f"Begin: `pilotage release {plan.new.version} --to "
            f"{plan.environment}`",
        who=lead, expect=f"the digest that it shows begins with {plan.digest[:19]}", after=timedelta(0),
    )  # fmt: skip
    found = [begin]
    for step, after in zip(view.steps, earliest(view), strict=True):
        stops = f"stops: {step.stops}" if step.stops else ""
        found.append(
            RunStep(id=f"step-{step.number}", when=Phase.DURING, what=step.title, expect=stops, after=after)
        )
    watch = RunStep(
        id="watch", when=Phase.DURING, what="Watch it until it is promoted: `pilotage watch --to "
            f"{plan.environment}`",
        who=lead, expect=f"{plan.new.version} is promoted, or was taken back and `pilotage why` says why",
        after=timedelta(0),
    )  # fmt: skip
    return [*found, *_given(file, Phase.DURING, timedelta(0)), watch]


def _after(plan: Plan, view: PlanView, file: ReleaseFile | None, lead: str) -> list[RunStep]:
    success = (file.criteria.success if file else ()) or ()
    agreed = [
        RunStep(
            id=f"success-{number}", when=Phase.AFTER, what=f"Look whether it is so: {text}", who=lead,
            after=view.promoted_after,
        )
        for number, text in enumerate(success, 1)
    ]  # fmt: skip
    end = RunStep(
        id="close", when=Phase.AFTER, what="Tell everybody that it is done, and close the change", who=lead,
        after=view.promoted_after + view.keep_warm,
    )  # fmt: skip
    return [*_given(file, Phase.AFTER, view.promoted_after), *agreed, end]


def _back(plan: Plan, view: PlanView, file: ReleaseFile | None, lead: str) -> list[RunStep]:
    command = f"`pilotage rollback {plan.environment}`"
    say = RunStep(
        id="back", when=Phase.BACK, who=lead, expect="it shows the way back and walks it; nothing can stop it",
        what=f"Take it back with one command: {command}",
    )  # fmt: skip
    by_itself = [
        RunStep(id=f"back-{step.number}", when=Phase.BACK, what=step.title, expect="confirmed before the next")
        for step in view.way_back
    ]
    seen = RunStep(
        id="confirm-back", when=Phase.BACK, who=lead, what="Look that users are served: `pilotage "
            f"status --to {plan.environment}`",
        expect=f"{plan.old.version} serves everybody" if plan.old else "nobody is served by it any more",
    )  # fmt: skip
    return [say, *by_itself, seen, *_given(file, Phase.BACK)]
