"""The monitoring and rollback plan: what is watched, against which limits, and the way back step by step."""

from __future__ import annotations

from pilotage.core.plan import ROUTER
from pilotage.views.documents import criteria
from pilotage.views.documents.case import Case, Sheet, clock, short
from pilotage.views.documents.model import Document


def monitoring(case: Case) -> Document:
    sheet = Sheet(case, "monitoring-and-rollback", "Monitoring and rollback plan")
    _watched(sheet)
    _stops(sheet)
    _way_back(sheet)
    _data(sheet)
    return sheet.done()


def _watched(sheet: Sheet) -> None:
    case, file = sheet.case, sheet.case.release
    sheet.heading("What is watched")
    sources = [
        ("the router's own counters" if spec.kind == ROUTER else spec.kind) for spec in case.plan.telemetry
    ]
    if case.plan.judge is not None and case.plan.old is not None:
        sheet.say(
            f"Every {short(case.plan.judge.interval)} the judge compares {case.plan.new.version} with "
            f"{case.old}, which serves at the same time, and decides by itself. Its figures come from "
            f"{', then '.join(sources)}."
        )
        sheet.table(criteria.HEAD, criteria.rows(case.plan), criteria.WIDTHS)
        sheet.list(criteria.sureness(case.plan.judge))
    else:
        sheet.note(
            "Nothing is compared",
            [
                f"With the method {case.plan.method} and {case.old} in service there is nothing to "
                f"compare {case.plan.new.version} with: its health alone, its checks, and people take it back."
            ],
            "warning",
        )
    _checks(sheet)
    sheet.heading("What people watch beside it", 3)
    if sheet.needs("objectives", "what the release is to reach"):
        sheet.table(
            ("Objective", "Measured by", "Target"),
            [(one.what, one.measure, one.target) for one in file.objectives],
            (4, 4, 4),
        )
    if sheet.needs("slas", "what was promised to users"):
        sheet.table(("Service level", "Promised"), [(one.name, one.target) for one in file.slas], (5, 5))
    if sheet.needs("failure_modes", "how the service is known to fail"):
        modes = sorted(file.failure_modes, key=lambda one: (-one.priority, one.mode))
        sheet.table(
            ("Failure", "Users notice", "Alert", "Then", "Priority"),
            [(one.mode, one.effect, one.alert, one.mitigation, str(one.priority)) for one in modes],
            (4, 3, 3, 4, 2),
        )
        sheet.say("The priority is severity times occurrence times detection, each from 1 to 10.")


def _checks(sheet: Sheet) -> None:
    checks = [check for step in sheet.case.plan.steps if step.kind == "verify" for check in step.checks]
    if not checks:
        sheet.lacks("checks before any user", "add `checks:` to the manifest")
        return
    sheet.say("Before any user sees it, each of these must succeed on the preview address:")
    sheet.table(
        ("Check", "Request", "Must come back"),
        [
            (
                one.name,
                f"`{one.method} {one.path}`",
                f"{one.status}"
                + (f", with “{one.contains}”" if one.contains else "")
                + f", within {short(one.within)}",
            )
            for one in checks
        ],
        (3, 4, 4),
    )


def _stops(sheet: Sheet) -> None:
    case, file = sheet.case, sheet.case.release
    sheet.heading("What takes it back")
    found: dict[str, list[str]] = {}
    for step in case.view.steps:
        if step.stops:
            found.setdefault(step.stops, []).append(str(step.number))
    sheet.table(
        ("By itself, when", "At steps"), [(why, ", ".join(steps)) for why, steps in found.items()], (8, 3)
    )
    sheet.heading("By a person, when", 3)
    if file.criteria.rollback:
        sheet.list(file.criteria.rollback)
    else:
        sheet.lacks("when people take it back", "add `criteria: {rollback: [...]}` to the release file")
    back = [risk for risk in file.risks if risk.take_back]
    sheet.table(
        ("Risk", "How one notices it", "Then"),
        [(f"{one.id} {one.what}", one.sign, one.then or "take it back") for one in back],
        (4, 4, 4),
    )
    deciders = [duty for duty in file.raci if "back" in duty.activity.lower()]
    if deciders:
        sheet.say(
            "; ".join(
                f"{duty.activity}: {', '.join(duty.responsible)}, {duty.accountable} answers for it"
                for duty in deciders
            )
            + ". Nobody else needs to be asked: a way back is never blocked."
        )
    elif file.owner:
        sheet.say(f"{file.owner} decides. A way back is never blocked, by nobody and nothing.")
    else:
        sheet.lacks("who may take it back", "add `owner:` or a row to `raci:` in the release file")


def _way_back(sheet: Sheet) -> None:
    case = sheet.case
    sheet.heading("The way back, step by step")
    sheet.say(
        f"One command, from anywhere: `pilotage rollback {case.plan.environment}`. It asks no judge, no "
        "approval and no metric."
    )
    sheet.table(
        ("", "Step", "Given up"),
        [
            (str(step.number), step.title, "never: it is tried again until it holds")
            for step in case.view.way_back
        ],
        (1, 7, 5),
    )
    if case.view.dark:
        sheet.say(
            f"Once {case.plan.new.version} is promoted, the first {case.view.dark} of these steps are enough: "
            "the version stays, and its feature is off."
        )
    if case.plan.old is None:
        sheet.note(
            "There is no older version",
            ["Going back means that nobody is served by this version any more."],
            "warning",
        )
    elif case.view.keep_warm:
        sheet.say(
            f"After it is promoted, {case.old} keeps running for {short(case.view.keep_warm)}: until "
            "then the way back is one change of the router. Later it is started from the kept artifact first."
        )
    escalation = case.release.support.escalation if case.release.support else ()
    if escalation:
        sheet.say("Who is called, in this order: " + ", ".join(escalation) + ".")


def _data(sheet: Sheet) -> None:
    sheet.heading("Data")
    recovery = sheet.case.release.recovery
    if not sheet.needs("recovery", "how data come back") or recovery is None:
        return
    sheet.list(recovery.procedure, numbered=True)
    point = recovery.restore_point
    rows = [
        ("Who can do it", recovery.owner),
        ("Takes", short(recovery.takes) if recovery.takes else "not given"),
        ("Loses at most", short(recovery.loses) if recovery.loses else "not given"),
        ("Last rehearsed", str(recovery.rehearsed or "never")),
        (
            "Restore point",
            f"{clock(point.at)} UTC, {point.where}; fresh for {short(point.fresh_for)}"
            if point
            else "not given",
        ),
    ]
    sheet.table(("Data recovery", ""), rows, (3, 8))
