"""Everything that is known of a release, and the sheet that one of its documents is written on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from pilotage.core.plan import Plan
from pilotage.core.readiness import Readiness, Tick
from pilotage.dossier.commits import Commit
from pilotage.dossier.file import ReleaseFile
from pilotage.views.advice import AdviceView
from pilotage.views.documents.model import (
    Block,
    Bullets,
    Document,
    Figure,
    Heading,
    Note,
    Paragraph,
    Quote,
    Table,
)
from pilotage.views.plan import PlanView

DIGITS = 12
"""Of a digest, where the whole of it stands elsewhere on the page."""


@dataclass(frozen=True)
class History:
    """The changes between the version that runs and the new one. ``trouble``: why they are not known."""

    since: str
    commits: tuple[Commit, ...] = ()
    trouble: str = ""


@dataclass(frozen=True)
class Case:
    """``start`` is the planned one; None: nobody has said it."""

    plan: Plan
    view: PlanView
    file: ReleaseFile | None = None
    advice: AdviceView | None = None
    readiness: Readiness | None = None
    ticks: Mapping[str, Tick] = field(default_factory=dict)
    start: datetime | None = None
    history: History | None = None

    @property
    def about(self) -> str:
        return f"{self.plan.service} {self.plan.new.version} to {self.plan.environment}"

    @property
    def release(self) -> ReleaseFile:
        """What the file says; where there is none, nothing."""
        return self.file or ReleaseFile(version=self.plan.new.version)

    @property
    def old(self) -> str:
        return self.plan.old.version if self.plan.old else "nothing"


class Sheet:
    """A document being written."""

    def __init__(self, case: Case, name: str, title: str) -> None:
        self.case, self.name, self.title = case, name, title
        self.blocks: list[Block] = []
        self.lacking: list[str] = []

    def heading(self, text: str, level: int = 2) -> None:
        self.blocks.append(Heading(text=text, level=level))

    def say(self, text: str) -> None:
        self.blocks.append(Paragraph(text=text))

    def list(self, items: Iterable[str], *, numbered: bool = False) -> None:
        found = tuple(items)
        if found:
            self.blocks.append(Bullets(items=found, numbered=numbered))

    def table(
        self, head: Sequence[str], rows: Iterable[Sequence[str | date | None]], widths: Sequence[int] = ()
    ) -> None:
        """Nothing, when there are no rows."""
        found = tuple(tuple(str(cell or "") for cell in row) for row in rows)
        if found:
            self.blocks.append(Table(head=tuple(head), rows=found, widths=tuple(widths)))

    def note(
        self, title: str, items: Iterable[str], tone: Literal["info", "warning", "missing"] = "info"
    ) -> None:
        found = tuple(items)
        if found:
            self.blocks.append(Note(title=title, items=found, tone=tone))

    def figure(self, name: str, title: str, told: str, svg: str) -> None:
        self.blocks.append(Figure(name=name, title=title, told=told, svg=svg))

    def quote(self, title: str, text: str) -> None:
        self.blocks.append(Quote(title=title, text=text))

    def lacks(self, what: str, mend: str) -> None:
        """Told here, and once more in the list of all that is missing."""
        told = f"{what}: {mend}"
        self.lacking.append(told)
        self.blocks.append(Note(title="Not given", items=(told,), tone="missing"))

    def needs(self, key: str, what: str) -> bool:
        """Whether the release file has that part; where it has not, that is said."""
        if getattr(self.case.release, key):
            return True
        if self.case.file is not None and key in self.case.file.model_fields_set:
            self.say(f"{what[:1].upper()}{what[1:]}: none, as the release file says.")
        else:
            self.lacks(what, f"add `{key}:` to the release file")
        return False

    def done(self) -> Document:
        case = self.case
        facts = [
            (
                "Release",
                f"{case.plan.service} {case.plan.new.version}"
                + (f" “{case.release.title}”" if case.release.title else ""),
            ),
            ("Environment", case.plan.environment),
            ("Replaces", case.old),
            ("Method", case.plan.method),
            ("Owner", case.release.owner or "not given"),
            ("Planned start", moment(case.start) if case.start else "not given"),
            ("Plan", case.plan.digest),
        ]
        return Document(
            name=self.name,
            title=self.title,
            about=case.about,
            plan=case.plan.digest,
            facts=tuple(facts),
            blocks=tuple(self.blocks),
            missing=tuple(self.lacking),
        )


def moment(at: datetime) -> str:
    """``Tue 1 December 2026, 20:00 UTC``"""
    return f"{at:%a} {at.day} {at:%B %Y, %H:%M} UTC"


def clock(at: datetime) -> str:
    """``2026-12-01 20:00``"""
    return f"{at:%Y-%m-%d %H:%M}"


_UNITS = (("day", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def short(span: timedelta) -> str:
    """``1 h 30 min``, ``2 days``; whole seconds."""
    rest, told = round(span.total_seconds()), []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            told.append(f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}")
    return " ".join(told) or "0 s"


def names(many: Iterable[str]) -> str:
    return ", ".join(many)
