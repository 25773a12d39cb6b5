"""The cut-over checklist and runbook: who does what when, and what is ticked off already."""

from __future__ import annotations

from pilotage.dossier.people import Support
from pilotage.dossier.terms import Phase
from pilotage.views.documents.case import Case, Sheet, clock, short
from pilotage.views.documents.model import Document
from pilotage.views.documents.steps import RunStep, steps_of

DONE, OPEN, ITSELF = "☑", "☐", "·"
TITLES = {
    Phase.BEFORE: "Before the start",
    Phase.DURING: "During the rollout",
    Phase.AFTER: "After it is promoted",
    Phase.BACK: "If it must be taken back",
}


def runbook(case: Case) -> Document:
    sheet = Sheet(case, "cut-over-runbook", "Cut-over checklist and runbook")
    steps = steps_of(case.plan, case.file)
    done = sum(1 for step in steps if step.id in case.ticks)
    people = sum(1 for step in steps if step.by_people and step.when is not Phase.BACK)
    sheet.say(
        "Steps of people are ticked off with `pilotage tick STEP --by NAME`; who and when are kept for "
        f"this plan, and stand here when the document is made again. {done} are ticked off; {people} "
        f"are to be done if all goes well. Steps marked {ITSELF} Pilotage does by itself and confirms "
        "before the next."
    )
    _contacts(sheet, case.release.support)
    for phase, title in TITLES.items():
        sheet.heading(title)
        if phase is Phase.BACK:
            sheet.say("A way back may begin at any step, is never blocked, and always leads to the same end.")
        timed = phase in (Phase.DURING, Phase.AFTER)
        head = (
            "",
            "Id",
            "Step",
            "Who",
            "One sees",
            *(["From (UTC)" if case.start else "From"] * timed),
            "Done",
        )
        widths = (1, 4, 8, 3, 6, *([3] * timed), 4)
        rows = [_row(case, step, timed=timed) for step in steps if step.when is phase]
        sheet.table(head, rows, widths)
    if case.file is not None and not case.file.runbook:
        sheet.lacks("what people do by hand beside this", "add `runbook:` to the release file")
    return sheet.done()


def _contacts(sheet: Sheet, support: Support | None) -> None:
    if support is None or not support.rota:
        sheet.lacks("who stands by and how to reach them", "add `support: {rota: [...]}` to the release file")
        return
    sheet.table(
        ("Stands by", "As", "From (UTC)", "Until (UTC)", "Reach"),
        [(one.who, one.role, clock(one.start), clock(one.end), one.contact) for one in support.rota],
        (3, 3, 3, 3, 3),
    )


def _row(case: Case, step: RunStep, *, timed: bool) -> tuple[str, ...]:
    tick = case.ticks.get(step.id)
    mark = (DONE if tick else OPEN) if step.by_people else ITSELF
    told = f"{tick.by}, {clock(tick.at)}" + (f": {tick.note}" if tick.note else "") if tick else ""
    after = step.after
    since = "" if after is None else clock(case.start + after)[5:] if case.start else f"+{short(after)}"
    takes = f" (about {short(step.takes)})" if step.takes else ""
    what, since_ = step.what + takes, (since,) if timed else ()
    return mark, f"`{step.id}`", what, step.who or "Pilotage", step.expect, *since_, told
