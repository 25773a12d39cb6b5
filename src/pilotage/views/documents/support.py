"""Training and support readiness: who learns what, who stands by, who is called next."""

from __future__ import annotations

from pilotage.dossier.covering import first_gap, told
from pilotage.views.documents.case import Case, Sheet, clock
from pilotage.views.documents.model import Document
from pilotage.views.readiness import standing

PARTS = ("training", "support", "communication", "runbook")


def support(case: Case) -> Document:
    sheet = Sheet(case, "training-and-support", "Training and support readiness")
    file = case.release
    sheet.heading("Training")
    if sheet.needs("training", "who must learn what"):
        sheet.table(
            ("Who", "Learns", "Taught by", "Until", "Done", "Material"),
            [(one.audience, one.what, one.owner, one.due, one.done, one.material) for one in file.training],
            (3, 4, 3, 2, 2, 3),
        )
    sheet.heading("Who stands by")
    if sheet.needs("support", "who stands by") and file.support is not None:
        sheet.table(
            ("Who", "As", "From (UTC)", "Until (UTC)", "Reach"),
            [(one.who, one.role, clock(one.start), clock(one.end), one.contact) for one in file.support.rota],
            (3, 3, 3, 3, 3),
        )
        _covered(sheet)
        if file.support.escalation:
            sheet.heading("Who is called next", 3)
            sheet.list(file.support.escalation, numbered=True)
        else:
            sheet.lacks("who is called next", "add `support: {escalation: [...]}` to the release file")
    _support_knows(sheet)
    _items(sheet)
    return sheet.done()


def _covered(sheet: Sheet) -> None:
    case, found = sheet.case, sheet.case.release.support
    if found is None or case.start is None:
        sheet.lacks("whether people stand by all the time", "that needs the start: `windows:` or --start")
        return
    for title, span in (
        ("until it is promoted", case.view.promoted_after),
        ("until the old version is retired", case.view.promoted_after + case.view.keep_warm),
    ):
        gap = first_gap(found.rota, found.at_least, case.start, case.start + span)
        if gap is None:
            sheet.say(f"From the start {title} at least {found.at_least} stand by at every moment.")
        else:
            sheet.note(f"Not enough people {title}", [told(gap)], "warning")


def _support_knows(sheet: Sheet) -> None:
    """What those who answer questions must have at hand."""
    file = sheet.case.release
    sheet.heading("What support should know")
    sheet.list(
        [
            *(f"{one.title} ({one.id})" for one in file.work_items),
            *(f"Known: {one.what} ({one.id}, {one.severity.value}, {one.status.value})" for one in file.issues),
            *(
                f"May happen: {one.what}" + (f"; one notices it by: {one.sign}" if one.sign else "")
                for one in file.risks
                if one.status.value != "closed"
            ),
        ]
    )
    sheet.say(
        f"Which version a user gets is shown by `pilotage status --to {sheet.case.plan.environment}`; "
        "why one was taken back, by `pilotage why`."
    )


def _items(sheet: Sheet) -> None:
    case = sheet.case
    items = [item for item in case.readiness.items if item.subject in PARTS] if case.readiness else []
    if items:
        sheet.heading("Readiness")
    sheet.table(
        ("What", "Stands", "Why", "Owner", "Due"),
        [(item.what, standing(item), item.why, item.owner, item.due) for item in items],
        (5, 2, 4, 2, 2),
    )
