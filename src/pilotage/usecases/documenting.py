"""The documents of a release, written into a folder; and whether those there still belong to the plan."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import assert_never

from pydantic import ValidationError

from pilotage.adapters.documents.repository import NotKnown, commits
from pilotage.adapters.documents.typesetter import Typesetter
from pilotage.core.plan import Plan
from pilotage.dossier.file import ReleaseFile
from pilotage.errors import ExitCode, PilotageError, Place, Problem
from pilotage.views.documents import calendar, html, index, markdown
from pilotage.views.documents.case import Case, History
from pilotage.views.documents.index import Index
from pilotage.views.documents.model import Document, Figure


class Format(StrEnum):
    MD = "md"
    HTML = "html"
    PDF = "pdf"


@dataclass(frozen=True)
class Written:
    index: Index
    missing: tuple[str, ...]
    voided: str | None
    """The digest of the plan whose documents these replace; None: there were none, or of the same plan."""


def write(case: Case, folder: Path, formats: Collection[Format], *, force: bool = False) -> Written:
    """All documents, an index, the charts and the calendar. The same case gives the same bytes.

    PilotageError, and nothing is written, when a file there was edited by hand or is not ours; ``force``
    replaces it. What was made before and is not made now is removed.
    """
    made = index.documents(case)
    before = read_index(folder)
    contents = dict(_contents(case, made, formats))
    plan = case.plan
    kept = Index(
        service=plan.service,
        environment=plan.environment,
        version=plan.new.version,
        plan=plan.digest,
        files={name: _sha256(content) for name, content in sorted(contents.items())},
        void=index.next_void(before, plan.digest),
    )
    contents["index.html"] = index.as_html(made, kept).encode()
    contents["index.md"] = index.as_markdown(made, kept).encode()
    if not force:
        _refuse_edited(folder, before, contents)
    _put(folder, contents)
    _remove_stale(folder, before, kept)
    _put(folder, {index.NAME: (kept.model_dump_json(indent=2) + "\n").encode()})
    voided = before.plan if before is not None and before.plan != plan.digest else None
    return Written(kept, index.missing(made), voided)


def _contents(
    case: Case, made: tuple[Document, ...], formats: Collection[Format]
) -> Iterator[tuple[str, bytes]]:
    typesetter = Typesetter() if Format.PDF in formats else None
    for document in made:
        for format in formats:
            yield f"{document.name}.{format.value}", _drawn(document, format, typesetter)
        if Format.MD in formats:
            for block in document.blocks:
                if isinstance(block, Figure):
                    yield f"charts/{block.name}.svg", block.svg.encode()
    dates = calendar.calendar(case)
    if dates is not None:
        yield calendar.NAME, dates.encode()


def _drawn(document: Document, format: Format, typesetter: Typesetter | None) -> bytes:
    match format:
        case Format.MD:
            return markdown.markdown(document).encode()
        case Format.HTML:
            return html.html(document).encode()
        case Format.PDF:
            assert typesetter is not None
            return typesetter.pdf(document)
        case _:
            assert_never(format)


def read_index(folder: Path) -> Index | None:
    """None when no documents are there. PilotageError when the index can not be read."""
    path = folder / index.NAME
    try:
        return Index.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        problem = Problem(
            code="documents.index",
            what="this is no index of documents that Pilotage wrote",
            mend="name another folder: --out FOLDER",
            where=Place(file=str(path)),
        )
        raise PilotageError(problem, exit_code=ExitCode.USAGE) from None


def _refuse_edited(folder: Path, before: Index | None, contents: dict[str, bytes]) -> None:
    ours = {**before.files, "index.html": "", "index.md": ""} if before else {}
    problems = []
    for name, content in contents.items():
        path = folder / name
        if not path.exists() or path.read_bytes() == content:
            continue
        if name not in ours or (ours[name] and _sha256(path.read_bytes()) != ours[name]):
            problems.append(_edited(path, ours=name in ours))
    if problems:
        raise PilotageError(*problems, exit_code=ExitCode.BLOCKED)


def _edited(path: Path, *, ours: bool) -> Problem:
    what = "was edited by hand" if ours else "is there, and not written by Pilotage"
    return Problem(
        code="documents.edited",
        what=f"{path.name} {what}: it would be lost",
        mend="put what you wrote into the release file; --force replaces it",
        where=Place(file=str(path)),
    )


def _put(folder: Path, contents: dict[str, bytes]) -> None:
    try:
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        problem = Problem(code="documents.unwritable", what=f"{folder} can not be written", why=error.strerror)
        raise PilotageError(problem) from None


def _remove_stale(folder: Path, before: Index | None, kept: Index) -> None:
    """What this index does not have any more; what somebody edited stays."""
    for name, sha256 in before.files.items() if before else ():
        path = folder / name
        if name not in kept.files and path.is_file() and _sha256(path.read_bytes()) == sha256:
            path.unlink()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class State(StrEnum):
    CURRENT = "current"
    VOID = "void"
    """Made of another plan."""
    EDITED = "edited"
    MISSING = "missing"


@dataclass(frozen=True)
class Checked:
    """How the documents in a folder stand to a plan."""

    index: Index
    files: dict[str, State]

    @property
    def sound(self) -> bool:
        return all(state is State.CURRENT for state in self.files.values())


def check(folder: Path, plan: Plan) -> Checked:
    """PilotageError when there are none."""
    found = read_index(folder)
    if found is None:
        mend = "`pilotage documents VERSION` makes them"
        problem = Problem(code="documents.none", what=f"there are no documents in {folder}", mend=mend)
        raise PilotageError(problem, exit_code=ExitCode.USAGE)
    return Checked(found, {name: _state(folder / name, sha, found, plan) for name, sha in found.files.items()})


def _state(path: Path, sha256: str, found: Index, plan: Plan) -> State:
    if not path.is_file():
        return State.MISSING
    if found.plan != plan.digest:
        return State.VOID
    return State.CURRENT if _sha256(path.read_bytes()) == sha256 else State.EDITED


def history(file: ReleaseFile | None, plan: Plan, folder: Path) -> History | None:
    """The commits since what runs now; None when nothing runs, or no repository is named.

    ``folder`` is the release file's.
    """
    if file is None or file.repository is None or plan.old is None:
        return None
    tags = [file.repository.tag.replace("{version}", one.version) for one in (plan.old, plan.new)]
    try:
        return History(plan.old.version, commits(folder / file.repository.path, *tags))
    except NotKnown as why:
        return History(plan.old.version, trouble=str(why))
