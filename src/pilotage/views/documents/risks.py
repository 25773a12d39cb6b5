"""The risk register with its responses, as they stand for this plan; issues; failure modes."""

from __future__ import annotations

from pilotage.dossier.risks import Risk, RiskStatus
from pilotage.views.documents.case import Case, Sheet
from pilotage.views.documents.model import Document
from pilotage.views.documents.pictures import matrix


def risks(case: Case) -> Document:
    sheet = Sheet(case, "risk-register", "Risks and responses")
    file = case.release
    sheet.heading("Risks")
    if sheet.needs("risks", "what may happen"):
        ordered = sorted(file.risks, key=lambda one: (one.status is RiskStatus.CLOSED, -one.score, one.id))
        alive = [one for one in ordered if one.status is not RiskStatus.CLOSED]
        sheet.figure("risks", "Risks by likelihood and impact", _told(alive), matrix(file.risks))
        sheet.table(
            ("Id", "What may happen", "Area", "Score", "Response", "Owner", "Stands"),
            [
                (
                    one.id,
                    one.what,
                    one.area.value,
                    str(one.score),
                    f"{one.response.value}: {one.action}",
                    one.owner,
                    _stands(one),
                )
                for one in ordered
            ],
            (1, 4, 2, 1, 5, 2, 3),
        )
        sheet.say("The score is likelihood times impact, each from 1 to 5, times four: from 4 to 100.")
        _contingency(sheet, alive)
    sheet.heading("Issues")
    if sheet.needs("issues", "what is wrong already"):
        sheet.table(
            ("Id", "What is wrong", "Area", "Severity", "Stands", "Owner", "Due"),
            [
                (one.id, one.what, one.area.value, one.severity.value, one.status.value, one.owner, one.due)
                for one in file.issues
            ],
            (1, 5, 2, 2, 2, 2, 2),
        )
    _advice(sheet)
    return sheet.done()


def _told(alive: list[Risk]) -> str:
    return (
        "; ".join(f"{one.id}: likelihood {one.likelihood}, impact {one.impact}" for one in alive) + "."
        if alive
        else "No risk is open."
    )


def _stands(one: Risk) -> str:
    by = f" by {one.accepted_by}" if one.accepted_by else ""
    due = f", due {one.due}" if one.due else ""
    return f"{one.status.value}{by}{due}"


def _contingency(sheet: Sheet, alive: list[Risk]) -> None:
    """What is done when it happens, with the way back of this very plan where that is the answer."""
    case = sheet.case
    sheet.heading("When it happens", 3)
    way = "; ".join(step.title for step in case.view.way_back)
    rows = []
    for one in alive:
        back = f"take it back: `pilotage rollback {case.plan.environment}`" if one.take_back else ""
        rows.append(
            (
                one.id,
                one.sign or "not given",
                "; ".join(part for part in (back, one.then) if part) or "not given",
            )
        )
    sheet.table(("Id", "How one notices it", "What is done"), rows, (1, 5, 7))
    if any(one.take_back for one in alive):
        sheet.say(f"Taking it back means, from wherever the rollout is: {way}.")
    silent = [one.id for one in alive if not (one.then or one.take_back)]
    if silent:
        sheet.lacks(
            f"what is done when {', '.join(silent)} happens", "add `then:` or `take_back: true` to the risk"
        )


def _advice(sheet: Sheet) -> None:
    advice = sheet.case.advice
    if advice is not None and advice.dangers:
        sheet.heading("Pitfalls of releases that are there")
        sheet.table(("Pitfall", "What helps"), [(one.what, one.mend) for one in advice.dangers], (5, 6))
