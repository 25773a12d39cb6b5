"""The deployment strategy: what is released why, by which method, for which reasons, at what cost."""

from __future__ import annotations

from collections.abc import Sequence

from pilotage.core.release import Archive, Directory, Requirement
from pilotage.views.advice import AdviceView, ChangeView, FactView, RankView, signed
from pilotage.views.documents.case import Case, Sheet, names, short
from pilotage.views.documents.model import Document
from pilotage.views.documents.pictures import exposure, told_exposure
from pilotage.views.readiness import standing


def strategy(case: Case) -> Document:
    sheet = Sheet(case, "deployment-strategy", "Deployment strategy")
    _what(sheet)
    _method(sheet)
    _rationale(sheet)
    _goals(sheet)
    _bounds(sheet)
    _readiness(sheet)
    return sheet.done()


def _what(sheet: Sheet) -> None:
    case = sheet.case
    sheet.heading("In short")
    if case.release.summary:
        sheet.say(case.release.summary)
    else:
        sheet.lacks("what the release brings", "add `summary:` to the release file")
    new, old = case.plan.new.version, case.old
    least = short(case.view.promoted_after)
    told = (
        f"{new} replaces {old} in {case.plan.environment} with the method {case.plan.method}; until "
        f"it is promoted it takes at least {least}."
    )
    if case.view.keep_warm:
        told += (
            f" After that {old} stays ready for {short(case.view.keep_warm)}, so that a way back "
            "takes an instant."
        )
    sheet.say(told)
    if case.view.warnings:
        sheet.note("To be known", case.view.warnings, "warning")


def _method(sheet: Sheet) -> None:
    case = sheet.case
    sheet.heading("The method")
    rank = _rank(case.advice, case.plan.method)
    if rank is not None:
        sheet.say(f"{case.plan.method}: {rank.means}.")
    sheet.figure("exposure", f"Exposure of {case.plan.new.version}", told_exposure(case), exposure(case))
    artifact = case.plan.new.artifact
    match artifact:
        case Requirement():
            what = f"Python packages: `{names(artifact.requirements)}`"
        case Directory():
            what = f"a folder with the sha256 `{artifact.sha256}`"
        case Archive():
            what = f"an archive with the sha256 `{artifact.sha256}`"
    sheet.say(
        f"What is deployed is one unit, built once and known by its content: {what}. Its id is "
        f"`{case.plan.new.id}`."
    )


def _rank(advice: AdviceView | None, method: str) -> RankView | None:
    return next((one for one in advice.ranks if one.method == method), None) if advice else None


def _rationale(sheet: Sheet) -> None:
    case, advice = sheet.case, sheet.case.advice
    sheet.heading("Why this method")
    rank = _rank(advice, case.plan.method)
    if advice is None or rank is None:
        sheet.lacks(
            "why this method and no other",
            "answer `pilotage advise --save facts.yaml`, then `pilotage documents --facts facts.yaml`",
        )
        return
    place = "first" if advice.first == rank.method else f"in place {rank.place}"
    sheet.say(
        f"For the facts of this release the adviser's table of rules puts {rank.method} {place} of "
        f"{len(advice.ranks)}, with {signed(rank.points)} points."
    )
    if rank.refused:
        sheet.note(
            "The adviser refuses this method", [one.because for one in rank.reasons if one.refuses], "warning"
        )
    sheet.table(
        ("What decided", "Because it is so that", "Points"),
        [
            (one.because, _facts(one.facts), "refuses" if one.refuses else signed(one.points))
            for one in rank.reasons
        ],
        (5, 5, 1),
    )
    sheet.heading("Other methods", 3)
    others = [one for one in advice.ranks if one.method != rank.method]
    sheet.table(
        ("Method", "Points", "Would be first if", "Costs"),
        [
            (one.method, "refused" if one.refused else signed(one.points), _first_if(one), _costs(one))
            for one in others
        ],
        (2, 1, 4, 5),
    )
    sheet.say(f"What {rank.method} costs: {_costs(rank)}.")
    if advice.changed_to and advice.changed_by:
        sheet.say(
            "The smallest change of facts that would put another method first: "
            f"{_changes(advice.changed_by)}; then {advice.changed_to}."
        )
    assumed = [fact.fact.replace("_", " ") for fact in advice.facts if not fact.source]
    sheet.note("Not known, and so assumed on the cautious side", assumed, "warning")
    pitfalls = [f"{one.what}: {one.mend}" for one in advice.dangers]
    sheet.note("Known pitfalls that are there", pitfalls, "warning")
    if not pitfalls:
        sheet.say("None of the six known pitfalls of releases is there with these facts.")


def _facts(facts: Sequence[FactView]) -> str:
    return "; ".join(
        f"{fact.fact.replace('_', ' ')}: {fact.value}" + ("" if fact.source else " (assumed)") for fact in facts
    )


def _changes(changes: Sequence[ChangeView]) -> str:
    return " and ".join(f"{one.fact.replace('_', ' ')} {one.after} (not {one.before})" for one in changes)


def _first_if(rank: RankView) -> str:
    if rank.allowed_if:
        return f"it were allowed: {_changes(rank.allowed_if)}"
    return _changes(rank.first_if) if rank.first_if else "no small change of facts"


def _costs(rank: RankView) -> str:
    return f"time: {rank.costs.time}; capacity: {rank.costs.capacity}; people: {rank.costs.people}"


def _goals(sheet: Sheet) -> None:
    file = sheet.case.release
    sheet.heading("Goals and when it is done")
    if sheet.needs("goals", "why the release is made"):
        sheet.list(file.goals)
    if sheet.needs("objectives", "what it is to reach"):
        sheet.table(
            ("Objective", "Measured by", "Target", "Owner"),
            [(one.what, one.measure, one.target, one.owner) for one in file.objectives],
            (4, 4, 4, 2),
        )
    for key, title, what in (
        ("definition_of_done", "Definition of done", "when the release is done"),
        ("non_functional", "Non-functional requirements", "requirements that are no functions"),
    ):
        sheet.heading(title, 3)
        if sheet.needs(key, what):
            sheet.table(
                ("What must be so", "Stands", "Evidence", "By", "Due"),
                [
                    (one.what, one.status.value, one.evidence, one.by or one.owner, one.decided or one.due)
                    for one in getattr(file, key)
                ],
                (5, 2, 4, 2, 2),
            )
    sheet.heading("Promised service levels", 3)
    if sheet.needs("slas", "what was promised to users"):
        sheet.table(
            ("About", "Promised", "To"), [(one.name, one.target, one.customer) for one in file.slas], (3, 3, 4)
        )


def _bounds(sheet: Sheet) -> None:
    file = sheet.case.release
    sheet.heading("What binds it")
    if file.change is not None:
        on = (
            f", approved by {file.change.approved_by or 'somebody'} on {file.change.approved_on}"
            if file.change.approved_on
            else ", not approved yet"
        )
        record = f" (record {file.change.record})" if file.change.record else ""
        sheet.say(f"It is a {file.change.kind.value} change{record}{on}. {file.change.policy}")
    else:
        sheet.lacks("the change policy", "add `change:` to the release file")
    sheet.table(
        ("Data", "May be in", "Are in", "Confirmed", "Owner"),
        [
            (one.data, names(one.allowed), names(one.kept_in), one.confirmed, one.owner)
            for one in file.residency
        ],
        (3, 3, 3, 2, 2),
    )
    sheet.table(
        ("Rule", "Kept by", "Stands", "Owner"),
        [(one.rule, one.how, one.status.value, one.owner) for one in file.compliance],
        (3, 5, 2, 2),
    )
    if sheet.needs("vendors", "what of others it needs"):
        sheet.table(
            ("Vendor", "Product", "Holds until", "Version", "Owner"),
            [
                (
                    one.name,
                    one.product,
                    f"{one.valid_until} ({one.kind.value})",
                    _version(one.uses, one.allows),
                    one.owner,
                )
                for one in file.vendors
            ],
            (2, 3, 3, 3, 2),
        )
    sheet.table(
        ("Old interface", "Used by", "Kept until", "Costs", "Owner"),
        [(one.name, one.users, one.keep_until, one.cost, one.owner) for one in file.interfaces],
        (3, 3, 2, 3, 2),
    )


def _version(uses: str | None, allows: str | None) -> str:
    if uses is None:
        return f"allowed {allows}" if allows else ""
    return f"{uses} (allowed {allows})" if allows else uses


def _readiness(sheet: Sheet) -> None:
    case = sheet.case
    sheet.heading("Readiness")
    if case.readiness is None:
        sheet.say(
            "Nothing is asked before the start: neither a release file for it nor the manifest's "
            "`readiness` asks."
        )
        return
    open_ = [item for item in case.readiness.items if item.open]
    done = len(case.readiness.items) - len(open_)
    sheet.say(f"{done} of {len(case.readiness.items)} items are done. A way back is never asked.")
    sheet.table(
        ("Open", "Why", "Does", "Owner", "Due"),
        [
            (item.what, item.why, f"{standing(item)}, {item.weight.value}", item.owner, item.due)
            for item in open_
        ],
        (4, 4, 2, 2, 2),
    )
