"""The communication plan: who is told what, when, through what, by whom; and every message in words.

A message that the release file does not give is drafted from what is known; what is not known is left out.
"""

from __future__ import annotations

from typing import assert_never

from pilotage.core.values import EVERYBODY
from pilotage.dossier.people import Message, Stakeholder, When
from pilotage.dossier.purpose import Objective
from pilotage.dossier.risks import IssueStatus
from pilotage.views.documents.case import Case, Sheet, moment, short
from pilotage.views.documents.model import Document
from pilotage.views.documents.notes import headlines
from pilotage.views.documents.pictures import stretches
from pilotage.views.figures import percent

OCCASIONS = {
    When.BEFORE: "before the start",
    When.START: "when it begins",
    When.PROGRESS: "while it goes on",
    When.SUCCESS: "when it is promoted",
    When.ROLLBACK: "when it was taken back",
}


def communication(case: Case) -> Document:
    sheet = Sheet(case, "communication-plan", "Communication plan")
    file = case.release
    sheet.heading("Who has a stake")
    if sheet.needs("stakeholders", "who has a stake in it"):
        sheet.table(
            ("Who", "Role", "Wants", "Influence", "Reach", "Their yes"),
            [
                (
                    one.name,
                    one.role,
                    one.interest,
                    one.influence.value,
                    one.contact,
                    _yes(one),
                )
                for one in file.stakeholders
            ],
            (3, 3, 4, 2, 3, 3),
        )
    sheet.heading("Who is told what")
    if not sheet.needs("communication", "who is told what"):
        return sheet.done()
    rows = sorted(file.communication, key=lambda one: (list(OCCASIONS).index(one.when), one.audience))
    sheet.table(
        ("To", "When", "Through", "Sent by", "Due", "Sent"),
        [(one.audience, OCCASIONS[one.when], one.channel, one.owner, one.due, one.sent) for one in rows],
        (3, 3, 3, 3, 2, 2),
    )
    _gaps(sheet)
    sheet.heading("The messages")
    if any(one.text is None for one in rows):
        sheet.say(
            "Drafts are made of what the plan and the release file say; `text:` of a message "
            "replaces its draft."
        )
    for one in rows:
        sheet.quote(
            f"To {one.audience}, {OCCASIONS[one.when]} ({one.channel}; "
            f"{one.owner}){'' if one.text else ', draft'}",
            one.text or draft(case, one),
        )
    return sheet.done()


def _yes(one: Stakeholder) -> str:
    if one.signed_off is not None:
        return f"on {one.signed_off}"
    return "open" if one.signs_off else "not needed"


def _gaps(sheet: Sheet) -> None:
    """An audience that is told of the release must be told of its end too."""
    told: dict[str, set[When]] = {}
    for one in sheet.case.release.communication:
        told.setdefault(one.audience, set()).add(one.when)
    ends = {When.SUCCESS: "when it is promoted", When.ROLLBACK: "when it was taken back"}
    gaps = [
        f"{audience} are not told {words}"
        for audience, occasions in told.items()
        for when, words in ends.items()
        if when not in occasions
    ]
    sheet.note("Gaps", gaps, "warning")


def draft(case: Case, message: Message) -> str:
    """From what is known of the release."""
    match message.when:
        case When.BEFORE:
            return _before(case, message)
        case When.START:
            return (
                f"{_subject(case)} begins now in {case.plan.environment}. "
                f"{_besides(case, message.audience)}Until everybody has it, it "
                f"takes at least {_least(case)}. {_contact(message)}"
            )
        case When.PROGRESS:
            return (
                f"{_subject(case)} goes on in {case.plan.environment}: a part of all users has it, "
                f"and it is compared with {case.old} all the time. {_contact(message)}"
            )
        case When.SUCCESS:
            return (
                f"{_subject(case)} is out: everybody in {case.plan.environment} has it. "
                f"{_news(case)}{_besides(case, message.audience)}{_contact(message)}"
            )
        case When.ROLLBACK:
            back = f"was taken back in {case.plan.environment}; {case.old} serves everybody again."
            return f"{_subject(case)} {back} {_contact(message)}"
        case _:
            assert_never(message.when)


def _subject(case: Case) -> str:
    name = f"{case.plan.service} {case.plan.new.version}"
    return f"{name} (“{case.release.title}”)" if case.release.title else name


def _least(case: Case) -> str:
    return short(case.view.promoted_after)


def _news(case: Case) -> str:
    lines = headlines(case.release.work_items)
    return f"New: {'; '.join(lines)}. " if lines else ""


def _before(case: Case, message: Message) -> str:
    start = f"From {moment(case.start)} on" if case.start else "Soon"
    first = [one.share for one in stretches(case) if 0 < one.share < EVERYBODY][:1]
    partly = f", for {percent(first[0])} first" if first else ""
    told = f"{start} {_subject(case)} replaces {case.old} in {case.plan.environment}{partly}. "
    summary = f"{case.release.summary} " if case.release.summary else ""
    return f"{told}{summary}{_news(case)}{_besides(case, message.audience)}{_contact(message)}"


def _besides(case: Case, audience: str) -> str:
    """What those need beside the news who answer questions, run it, or answer for it."""
    word, file = audience.lower(), case.release
    if "support" in word:
        known = [one.what for one in file.issues if one.status is not IssueStatus.CLOSED]
        read = [one.material for one in file.training if one.material and "support" in one.audience.lower()]
        told = [f"Known: {'; '.join(known)}. "] if known else []
        return "".join([*told, *([f"To read: {'; '.join(read)}. "] if read else [])])
    if "operation" in word or "on call" in word:
        where = case.plan.environment
        return f"Watch it with `pilotage watch --to {where}`; take it back with `pilotage rollback {where}`. "
    if "management" in word and file.objectives:
        return f"What it is to reach: {'; '.join(_aim(one) for one in file.objectives)}. "
    return ""


def _aim(one: Objective) -> str:
    return f"{one.what} ({one.target})" if one.target else one.what


def _contact(message: Message) -> str:
    return f"Questions: {message.owner}."
