"""The rollout plan: the steps with their times, who does what, the dates."""

from __future__ import annotations

from pilotage.dossier.people import Duty
from pilotage.views.documents.case import Case, Sheet, clock, moment, short
from pilotage.views.documents.model import Document
from pilotage.views.documents.pictures import exposure, told_exposure
from pilotage.views.figures import percent
from pilotage.views.plan import WAITS, earliest, sees


def rollout(case: Case) -> Document:
    sheet = Sheet(case, "rollout-plan", "Rollout plan")
    _sequence(sheet)
    _timing(sheet)
    _people(sheet)
    _dates(sheet)
    return sheet.done()


def _sequence(sheet: Sheet) -> None:
    case = sheet.case
    sheet.heading("Steps in order")
    sheet.say(
        "Each step is a wanted state that is confirmed before the next begins. Times are the earliest; "
        "what decides is not the clock but what is confirmed and judged."
    )
    rows = []
    for step, after in zip(case.view.steps, earliest(case.view), strict=True):
        waits = step.kind in (*WAITS, "retire")
        least = short(step.at_least) if waits and step.at_least else ""
        most = short(step.at_most) if step.at_most else "no limit" if step.at_most is None else ""
        part = f"{percent(step.share)} of {step.of}" if step.share is not None else ""
        begins = clock(case.start + after) if case.start else f"+{short(after)}"
        rows.append((str(step.number), step.title, part, begins, least, most))
    sheet.table(
        (
            "",
            "Step",
            _sentence(sees(case.view)),
            "From" + (" (UTC)" if case.start else ""),
            "At least",
            "At most",
        ),
        rows,
        (1, 6, 3, 4, 2, 2),
    )
    sheet.figure("exposure", f"Exposure of {case.plan.new.version}", told_exposure(case), exposure(case))
    held = [
        f"{step.title} ({short(step.at_least)})"
        for step in case.view.steps
        if step.kind in WAITS and step.at_least
    ]
    if held:
        sheet.say(
            f"The critical path is the waiting: {', '.join(held)}; {short(case.view.promoted_after)} in "
            "all. Steps run one after the other, so a delay of one moves all that follow."
        )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _timing(sheet: Sheet) -> None:
    case, file = sheet.case, sheet.case.release
    sheet.heading("Cut-over time")
    if case.start is None:
        sheet.lacks(
            "when it begins", "add `windows:` to the release file, or `pilotage documents --start MOMENT`"
        )
    else:
        end = case.start + case.view.promoted_after
        sheet.say(
            f"It begins at {moment(case.start)} and is promoted at {moment(end)} at the earliest."
            + (
                f" {case.old} stays ready until {moment(end + case.view.keep_warm)}."
                if case.view.keep_warm
                else ""
            )
        )
        sheet.say("The same dates are in `rollout.ics`, for calendars.")
    if sheet.needs("windows", "when the cut-over may be done"):
        sheet.table(
            ("Window", "From (UTC)", "Until (UTC)"),
            [(one.name, clock(one.start), clock(one.end)) for one in file.windows],
            (4, 3, 3),
        )


def _people(sheet: Sheet) -> None:
    file = sheet.case.release
    sheet.heading("Who does what")
    if not sheet.needs("raci", "who does what (RACI)"):
        return
    people = list(dict.fromkeys(name for duty in file.raci for name in _everybody(duty)))
    sheet.table(
        ("Activity", *people),
        [(duty.activity, *(_letters(duty, name) for name in people)) for duty in file.raci],
        (4, *(2 for _ in people)),
    )
    sheet.say("R does it, A answers for it, C is asked before, I is told after.")


def _everybody(duty: Duty) -> tuple[str, ...]:
    return (*duty.responsible, duty.accountable, *duty.consulted, *duty.informed)


def _letters(duty: Duty, name: str) -> str:
    given = {
        "R": name in duty.responsible,
        "A": name == duty.accountable,
        "C": name in duty.consulted,
        "I": name in duty.informed,
    }
    return " ".join(letter for letter, holds in given.items() if holds)


def _dates(sheet: Sheet) -> None:
    """Everything with a day, in order."""
    file = sheet.case.release
    sheet.heading("Dates")
    found = [
        *((one.due, f"Training: {one.audience}, {one.what}", one.owner, one.done) for one in file.training),
        *(
            (one.due, f"Message to {one.audience} ({one.channel})", one.owner, one.sent)
            for one in file.communication
            if one.due
        ),
        *(
            (one.due, one.what, one.owner, one.decided)
            for one in (*file.definition_of_done, *file.non_functional)
            if one.due
        ),
        *((one.due, f"{one.name} says yes", one.name, one.signed_off) for one in file.stakeholders if one.due),
        *((one.due, f"Risk {one.id}: {one.action}", one.owner, None) for one in file.risks if one.due),
        *((one.due, f"Issue {one.id}: {one.what}", one.owner, None) for one in file.issues if one.due),
        *(
            (one.valid_until, f"{one.name}, {one.product}: the {one.kind.value} ends", one.owner, None)
            for one in file.vendors
        ),
        *((one.keep_until, f"{one.name} is removed", one.owner, None) for one in file.interfaces),
    ]
    rows = sorted(found, key=lambda row: (row[0], row[1]))
    sheet.table(("Day", "What", "Owner", "Done"), rows, (2, 6, 3, 2))
    if not rows:
        sheet.say("The release file gives no days.")
