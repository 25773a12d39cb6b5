"""From the file to a Manifest, or to every problem in it at once."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from pilotage.errors import Place, Problem
from pilotage.manifest.compose import Unreadable, compose
from pilotage.manifest.data import Reading
from pilotage.manifest.document import Document
from pilotage.manifest.explain import explain
from pilotage.manifest.linting import lint
from pilotage.manifest.model import Manifest, ManifestError, manifest_of
from pilotage.manifest.nodes import Node, Span
from pilotage.manifest.rules import broken_rules, doubtful
from pilotage.manifest.secrets import mark_secrets
from pilotage.manifest.source import Finding, Source

MOST_BYTES = 1_000_000

_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]")
_UNSEEN = re.compile("[\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
"""Zero-width and direction-changing characters: a reviewer would read something else than what is there."""


def load(path: Path) -> Manifest:
    """ManifestError with all problems in file order; nothing is returned when anything is wrong."""
    return load_text(decoded(read(path), str(path)), str(path))


def load_text(text: str, file: str) -> Manifest:
    """As ``load``, of a text; ``file`` is what it is called in places."""
    source = Source(text.removeprefix("\ufeff"), file)
    try:
        check_characters(source)
        root, findings = compose(source)
    except Unreadable as error:
        raise ManifestError(source.problem(error.finding)) from None
    mark_secrets(root)
    source.cover_secrets(root)
    document, found = _read_document(root)
    problems = source.problems(findings + found)
    if problems or document is None:
        raise ManifestError(*problems)
    accepted = manifest_of(document, source, root, ())
    refused, warned = lint(root, accepted.environments)
    if refused:
        raise ManifestError(*source.problems(refused))
    return replace(accepted, warnings=source.problems([*doubtful(root, document), *warned]))


def _read_document(root: Node) -> tuple[Document | None, list[Finding]]:
    reading = Reading(root)
    broken_rules(reading)
    document = None
    try:
        document = Document.model_validate(reading.data)
    except ValidationError as error:
        explain(error, reading)
    return document, reading.findings


def read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        mend = "`pilotage init` writes one to start from"
        raise _refused(path, "missing", "there is no such file", mend) from None
    except IsADirectoryError:
        mend = f"name the file in it: {path / 'pilotage.yaml'}"
        raise _refused(path, "unreadable", "this is a folder, not a file", mend) from None
    except OSError as error:
        mend = "see that you may read it (ls -l)"
        raise _refused(path, "unreadable", f"it can not be read: {error.strerror}", mend) from None
    if len(content) > MOST_BYTES:
        raise _refused(
            path, "too-large", "it is larger than 1 MB", "a manifest has some hundred lines; is it this file?"
        )
    return content


def decoded(content: bytes, file: str) -> str:
    mend = "save it as UTF-8"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ManifestError(
            Problem(
                code="manifest.not-utf-8", what="this is UTF-16, not UTF-8", mend=mend, where=Place(file=file)
            )
        )
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        source = Source(before.removeprefix("\ufeff") + "\ufffd", file)
        line = len(source.lines) - 1
        column = len(source.lines[line]) - 1
        what = f"the byte 0x{content[error.start]:02x} is not UTF-8"
        finding = Finding(Span(line, column, line, column + 1), "manifest.not-utf-8", what, mend)
        raise ManifestError(source.problem(finding)) from None


def check_characters(source: Source) -> None:
    for number, line in enumerate(source.lines):
        found = _NOT_TEXT.search(line) or _UNSEEN.search(line)
        if found:
            span = Span(number, found.start(), number, found.end())
            what = f"the invisible character U+{ord(found[0]):04X} stands here"
            mend = "remove it (in double quotes, an escape like \\u200b is allowed)"
            raise Unreadable(Finding(span, "manifest.character", what, mend))


def _refused(path: Path, code: str, what: str, mend: str) -> ManifestError:
    where = Place(file=str(path))
    return ManifestError(Problem(code=f"manifest.{code}", what=what, mend=mend, where=where))
