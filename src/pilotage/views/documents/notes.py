"""The release notes: what changes for those who use and run the service, since what runs there now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pilotage.dossier.commits import OTHER, Commit
from pilotage.dossier.purpose import WorkItem, WorkKind, WorkStatus
from pilotage.dossier.risks import IssueStatus
from pilotage.views.documents.case import Case, History, Sheet
from pilotage.views.documents.model import Document
from pilotage.views.figures import counted

KINDS = {
    WorkKind.FEATURE: "New",
    WorkKind.FIX: "Mended",
    WorkKind.SECURITY: "Security",
    WorkKind.PERFORMANCE: "Faster",
    WorkKind.CHANGE: "To be acted on",
    WorkKind.OTHER: "Other",
}
COMMITS = {
    "feat": "Features",
    "fix": "Fixes",
    "perf": "Performance",
    "revert": "Reverted",
    "docs": "Documentation",
    "build": "Build and dependencies",
    "deps": "Build and dependencies",
}
"""Kinds of Conventional Commits that readers of release notes care for; the rest is counted."""


def notes(case: Case) -> Document:
    sheet = Sheet(case, "release-notes", "Release notes")
    if case.release.summary:
        sheet.say(case.release.summary)
    sheet.say(
        f"What is different from {case.old}, which {case.plan.environment} runs now."
        if case.plan.old
        else f"The first release to {case.plan.environment}."
    )
    _work(sheet)
    _commits(sheet)
    _known(sheet)
    return sheet.done()


def _work(sheet: Sheet) -> None:
    if not sheet.needs("work_items", "what is in it for users"):
        return
    items = sheet.case.release.work_items
    for kind, title in KINDS.items():
        here = [one for one in items if one.kind is kind and one.status is WorkStatus.ACCEPTED]
        if here:
            sheet.heading(title)
            sheet.list(_item(one) for one in here)
    open_ = [_item(one) for one in items if one.status is not WorkStatus.ACCEPTED]
    sheet.note("Part of the release, and not accepted yet", open_, "warning")


def _item(one: WorkItem) -> str:
    return f"{one.title} ({one.id})" + (f", {one.link}" if one.link else "")


def _commits(sheet: Sheet) -> None:
    case = sheet.case
    history = case.history
    if history is None:
        if case.plan.old is not None:
            sheet.lacks(f"the changes since {case.old}", "add `repository:` to the release file")
        return
    sheet.heading(f"Changes since {history.since}")
    if history.trouble:
        sheet.lacks(f"the changes since {history.since}", history.trouble)
        return
    breaking = [_broken(one) for one in history.commits if one.breaks]
    sheet.note("Breaks what others rely on", breaking, "warning")
    for title in dict.fromkeys(COMMITS.values()):
        here = [one for one in history.commits if COMMITS.get(one.kind) == title]
        if here:
            sheet.heading(title, 3)
            sheet.list(_commit(one) for one in here)
    _rest(sheet, history)


def _rest(sheet: Sheet, history: History) -> None:
    unsorted = [one for one in history.commits if one.kind == OTHER]
    if unsorted:
        sheet.heading("Other changes", 3)
        sheet.list(_commit(one) for one in unsorted)
    inner = [one for one in history.commits if one.kind != OTHER and one.kind not in COMMITS]
    kinds = ", ".join(sorted({one.kind for one in inner}))
    rest = (
        f"; {counted(len(inner), 'of them is', 'of them are')} about the inside alone ({kinds})"
        if inner
        else ""
    )
    sheet.say(f"{counted(len(history.commits), 'commit')} since {history.since}{rest}.")


def _commit(one: Commit) -> str:
    scope = f"{one.scope}: " if one.scope else ""
    return f"{scope}{one.text} (`{one.id[:8]}`)"


def _broken(one: Commit) -> str:
    return f"{one.breaks} (`{one.id[:8]}`)"


def _known(sheet: Sheet) -> None:
    file = sheet.case.release
    known = [f"{one.what} ({one.id})" for one in file.issues if one.status is not IssueStatus.CLOSED]
    if known:
        sheet.heading("Known issues")
        sheet.list(known)
    going: Sequence[str] = [
        f"{one.name} goes away after {one.keep_until}" + (f"; used by {one.users}" if one.users else "")
        for one in file.interfaces
    ]
    if going:
        sheet.heading("Going away")
        sheet.list(going)


def headlines(items: Iterable[WorkItem], most: int = 5) -> list[str]:
    """The accepted items that users care for most, for messages."""
    order = list(KINDS)
    found = [one for one in items if one.status is WorkStatus.ACCEPTED]
    return [one.title for one in sorted(found, key=lambda one: order.index(one.kind))[:most]]
